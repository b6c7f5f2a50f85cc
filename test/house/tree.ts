/** Copies of the source tree into which the tests of the house plant what must be refused. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The root of this repository. */
export const root = join(import.meta.dirname, '..', '..')

/**
 * A temporary tree that holds copies of `paths` of this repository and, over them, `files` (path → contents);
 * node_modules is a link to ours. The caller disposes of it (`using`).
 */
export function plantedTree(paths: string[], files: Record<string, string>): { root: string } & Disposable {
  const copy = mkdtempSync(join(tmpdir(), 'lemming-house-'))
  for (const path of paths) cpSync(join(root, path), join(copy, path), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    writeFileSync(join(copy, path), contents)
  }
  return { root: copy, [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }) }
}
