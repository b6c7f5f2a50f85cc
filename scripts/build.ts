/** Makes dist/ (or the folder that is named) from src/: JavaScript that Node runs inside node_modules, where it strips no types, in few files, because each costs every start of lemming. */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const dist = join(root, process.argv[2] ?? 'dist')
/** Packages whose code becomes part of the files. */
const bundled = ['@vscode/debugadapter', 'commander', 'msgpackr', 'zod']

rmSync(dist, { recursive: true, force: true })
const bundle = await rolldown({
  cwd: root,
  input: {
    'cli/main': 'src/cli/main.ts',
    'lab/worker': 'src/lab/worker.ts',
    'cli/define-config': 'src/cli/define-config.ts',
  },
  platform: 'node',
  // An optional accelerator of msgpackr's, in native code.
  external: ['msgpackr-extract'],
})
// Files that are found by their place beside others (the worker, package.json) keep it: chunks are where the worker is.
const { output } = await bundle.write({
  dir: dist,
  format: 'esm',
  // Names stay, for stack traces; comments and spaces would be read and hashed at every start.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  chunkFileNames: 'lab/[name]-chunk.js',
  postBanner: (chunk) => (chunk.name === 'cli/main' ? '#!/usr/bin/env node' : ''),
})

// Characters beyond ASCII stand in strings only (comments are gone), and would double what V8 keeps of a file.
for (const { fileName } of output) {
  const path = join(dist, fileName)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
}

const packages = new Set(
  output.flatMap((chunk) =>
    chunk.type === 'chunk'
      ? chunk.moduleIds.flatMap((id) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? [])
      : [],
  ),
)
const strays = [...packages].filter((name) => !bundled.includes(name))
if (strays.length > 0) {
  console.error(`build: ${strays.join(', ')} would become part of the package: name them in scripts/build.ts`)
  process.exit(1)
}
const licences = bundled.map((name) => `${name}\n\n${licenceOf(join(root, 'node_modules', name)).trim()}\n`)
writeFileSync(join(dist, 'LICENCES.txt'), `Parts of these files come from other packages:\n\n${licences.join('\n\n')}`)
// The file has types and one function: without its body it is its own declaration.
const source = readFileSync(join(root, 'src/cli/define-config.ts'), 'utf8')
const declared = source.replace(/export (function .*?) \{\n.*\n\}/, 'export declare $1')
writeFileSync(join(dist, 'cli', 'define-config.d.ts'), declared)
chmodSync(join(dist, 'cli', 'main.js'), 0o755)

function licenceOf(directory: string): string {
  return readFileSync(
    join(
      directory,
      readdirSync(directory).find((name) => /^licen[cs]e/i.test(name))!,
    ),
    'utf8',
  )
}
