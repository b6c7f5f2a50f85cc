/** Exists to say where things are on this computer, without loading what it takes to read them. */
import * as fs from 'node:fs'
import { resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { RECORDING_NAME } from '../campaign/failures.ts'

/** Where failures are kept unless `--out` says otherwise. */
export const FAILURES = '.lemming/failures'

/** The recording file that a user means by `name`: a file, a failure's directory, or the name of a failure in `failures`. */
export function findRecording(name: string, failures: string): string {
  const tried = [resolve(name), resolve(name, RECORDING_NAME), resolve(failures, name, RECORDING_NAME)]
  const found = tried.find((path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile())
  if (found !== undefined) return found
  const native = [resolve(name), resolve(failures, name)].find((path) => fs.existsSync(resolve(path, 'failure.json')))
  if (native !== undefined) {
    const core = fs.existsSync(resolve(native, 'core')) ? `; its core file is ${resolve(native, 'core')}` : ''
    throw new LemmingError(
      'no-recording',
      `${name}: this run was on the real machine, so there is nothing to replay`,
      `its output is in ${native}${core}; hunt without --native for a failure that replays`,
    )
  }
  const known = fs.existsSync(failures) ? fs.readdirSync(failures).filter((entry) => /^F\d+$/.test(entry)) : []
  const next =
    known.length === 0
      ? 'failures come from lemming hunt'
      : `${failures} has ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}`
  throw new LemmingError('no-recording', `${name}: no such recording or failure`, next)
}
