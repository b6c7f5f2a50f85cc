/** Builds the command once for all tests that start it, into a folder of this run's own. */
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const PREFIX = 'dist-tests-'

/** Is there a process of that number? */
function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Called by vitest before all tests; what it returns, after them. */
export default function build(): () => void {
  const drop = (name: string): void => rmSync(join(root, name), { recursive: true, force: true })
  for (const name of readdirSync(root))
    if (name.startsWith(PREFIX) && !lives(Number(name.slice(PREFIX.length)))) drop(name)
  const folder = `${PREFIX}${process.pid}`
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), folder])
  process.env['LEMMING_BUILT'] = folder
  return () => drop(folder)
}
