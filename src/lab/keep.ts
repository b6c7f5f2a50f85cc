/** Exists to write out what a run has made of its files: `--keep-files`. */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import type { LayerEntry } from '../replay/subject.ts'

/** Names below the directory: the files themselves, and the list of what was added, changed and removed. */
const FILES = 'files'
const LIST = 'changes.json'

/** Refuses a directory that has something in it already. */
export function checkKeepPlace(directory: string): void {
  if (fs.existsSync(directory) && (!fs.statSync(directory).isDirectory() || fs.readdirSync(directory).length > 0))
    throw new LemmingError('keep-refused', `--keep-files ${directory}: not an empty directory`, 'give a new directory')
}

/** Writes the private layer of a run: contents below `files/`, everything else in `changes.json`. */
export function keepFiles(directory: string, layer: readonly LayerEntry[]): void {
  fs.mkdirSync(join(directory, FILES), { recursive: true })
  const list = layer.map(({ bytes, ...entry }) => ({ ...entry, ...(bytes && { size: bytes.length }) }))
  for (const { path, change, kind, bytes, target } of layer) {
    if (change === 'removed') continue
    const at = join(directory, FILES, path)
    fs.mkdirSync(dirname(at), { recursive: true })
    if (bytes !== undefined) fs.writeFileSync(at, bytes)
    else if (kind === 'dir') fs.mkdirSync(at, { recursive: true })
    else if (kind === 'symlink') fs.symlinkSync(target!, at)
  }
  fs.writeFileSync(join(directory, LIST), `${JSON.stringify(list, null, 2)}\n`)
}
