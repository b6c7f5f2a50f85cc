/** Makes dist/ from src/: JavaScript that Node runs inside node_modules, where it strips no types. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const entry = join(dist, 'cli', 'main.js')
const interpreter = '#!/usr/bin/env node\n'

function fail(message: string): never {
  console.error(`build: ${message}`)
  process.exit(1)
}

rmSync(dist, { recursive: true, force: true })
const compiled = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (compiled.status !== 0) fail('the sources do not compile')
if (!existsSync(entry)) fail('src/cli/main.ts is missing, so there is no command to build')

// The compiler rewrites the extensions of imports, but not those in the URL of a worker or an asset.
const strays = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.js'))
  .filter((path) => /new URL\(\s*(['"`])[^'"`]*\.ts\1/.test(readFileSync(join(dist, path), 'utf8')))
if (strays.length > 0) fail(`a URL that ends in .ts is not there after the build, in ${strays.join(', ')}`)

const source = readFileSync(entry, 'utf8')
if (!source.startsWith('#!')) writeFileSync(entry, interpreter + source)
chmodSync(entry, 0o755)
