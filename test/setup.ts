/** Exists so that no command that a test starts can hang the tests: each is killed after a while, with an error that names it, unless the test gives a time of its own. */
import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

/** More than any command takes on a slow machine, in milliseconds; the test itself must still have time to say what happened. */
const LIMIT = 100_000

type Options = { timeout?: number; killSignal?: NodeJS.Signals }

for (const name of ['execFileSync', 'spawnSync'] as const) {
  const original = childProcess[name] as (file: string, args: readonly string[], options: object) => unknown
  const limited = (file: string, ...more: (readonly string[] | Options | undefined)[]): unknown => {
    const args = more.find((each) => Array.isArray(each)) ?? []
    const options = more.find((each) => !Array.isArray(each))
    // A command that handles SIGTERM may be what hangs.
    const result = original(file, args, Object.assign({ timeout: LIMIT, killSignal: 'SIGKILL' }, options))
    const error = (result as { error?: Error & { code?: string } } | null)?.error
    if (error?.code === 'ETIMEDOUT') throw new Error(`${file} ${args.join(' ')}: not done in time`)
    return result
  }
  Object.assign(childProcess, { [name]: limited })
}
syncBuiltinESMExports()
