/** Exists to say where lemming keeps things on this computer, and to open recordings from there. */
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { RECORDING_NAME } from '../campaign/failures.ts'
import { nodeCodec, NodeObjects, writeFileAtomic } from '../host/node.ts'
import { encodeRecording, exportRecording, openRecording, type OpenedRecording } from '../replay/recording-file.ts'
import type { Recording } from '../replay/recording.ts'

/** Where failures are kept unless `--out` says otherwise. */
export const FAILURES = '.lemming/failures'

/** The object store of this user. */
export function userObjects(): NodeObjects {
  const home = process.env.LEMMING_HOME ?? join(homedir(), '.local', 'share', 'lemming')
  return new NodeObjects(join(home, 'objects'))
}

/** The recording file that a user means by `name`: a file, a failure's directory, or the name of a failure in `failures`. */
export function findRecording(name: string, failures: string): string {
  const tried = [resolve(name), resolve(name, RECORDING_NAME), resolve(failures, name, RECORDING_NAME)]
  const found = tried.find((path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile())
  if (found !== undefined) return found
  const known = fs.existsSync(failures) ? fs.readdirSync(failures).filter((entry) => /^F\d+$/.test(entry)) : []
  const next = known.length === 0 ? 'failures come from lemming hunt' : `${failures} has ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}`
  throw new LemmingError('no-recording', `${name}: no such recording or failure`, next)
}

/** Opens a recording file. */
export function readRecording(path: string): OpenedRecording {
  let bytes: Uint8Array
  try {
    bytes = fs.readFileSync(path)
  } catch (error) {
    throw new LemmingError('no-recording', `${path}: ${(error as NodeJS.ErrnoException).code}`, 'give a file that lemming wrote, or a failure such as F1')
  }
  return openRecording(bytes, path, userObjects(), nodeCodec)
}

/** The bytes of a recording whose contents are in the user's store. */
export function recordingBytes(recording: Recording): Uint8Array {
  return encodeRecording(recording, nodeCodec)
}

/** Writes a recording that needs no store. */
export function writeExport(path: string, { recording, objects }: OpenedRecording): void {
  const bytes = exportRecording(recording, objects, nodeCodec)
  try {
    writeFileAtomic(resolve(path), bytes)
  } catch (error) {
    throw new LemmingError('export-failed', `${path}: ${(error as NodeJS.ErrnoException).code}`, `give a file name in a directory that can be written (${dirname(resolve(path))})`)
  }
}
