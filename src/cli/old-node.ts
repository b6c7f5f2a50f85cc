/** Exists because a system's Node is often older than lemming needs: hands over to the `node` package if one is installed beside lemming, and says what to do otherwise. */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { EXIT_CODE } from './exit-codes.ts'

/** Runs the same command line under the Node of the `node` package; the exit code. */
export function handOver(): number {
  let binary: string
  try {
    binary = createRequire(import.meta.url).resolve('node/bin/node')
  } catch {
    process.stderr.write(
      `lemming: needs Node 24 or later, and this is ${process.version}\n  install a newer Node, or \`npm install node@26\` beside lemming\n`,
    )
    return EXIT_CODE.usage
  }
  const { status, signal } = spawnSync(binary, process.argv.slice(1), { stdio: 'inherit' })
  return status ?? 128 + (signal === null ? 0 : constants.signals[signal])
}
