/** Exists to open and write recordings on this computer: their files, and the object store of the user. */
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { nodeCodec, NodeObjects, writeFileAtomic } from '../host/node.ts'
import { encodeRecording, exportRecording, openRecording, type OpenedRecording } from '../replay/recording-file.ts'
import type { Recording } from '../replay/recording.ts'

/** The object store of this user. */
export function userObjects(): NodeObjects {
  const home = process.env.LEMMING_HOME ?? join(homedir(), '.local', 'share', 'lemming')
  return new NodeObjects(join(home, 'objects'))
}

/** Opens a recording file. */
export function readRecording(path: string): OpenedRecording {
  let bytes: Uint8Array
  try {
    bytes = fs.readFileSync(path)
  } catch (error) {
    throw new LemmingError(
      'no-recording',
      `${path}: ${(error as NodeJS.ErrnoException).code}`,
      'give a file that lemming wrote, or a failure such as F1',
    )
  }
  return openRecording(bytes, path, userObjects(), nodeCodec)
}

/** The bytes of a recording whose contents are in the user's store. */
export function recordingBytes(recording: Recording): Uint8Array {
  return encodeRecording(recording, nodeCodec)
}

/** Writes a recording that needs no store. */
export function writeExport(path: string, { recording, objects, attached }: OpenedRecording): void {
  const bytes = exportRecording(recording, objects, nodeCodec, attached)
  try {
    writeFileAtomic(resolve(path), bytes)
  } catch (error) {
    throw new LemmingError(
      'export-failed',
      `${path}: ${(error as NodeJS.ErrnoException).code}`,
      `give a file name in a directory that can be written (${dirname(resolve(path))})`,
    )
  }
}
