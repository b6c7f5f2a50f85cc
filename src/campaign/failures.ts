/** Exists to keep failures in a directory, F1, F2 …, so that whatever happens each of them is there whole or not at all. */
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'

/** The recording's name in a failure's directory. */
export const RECORDING_NAME = 'recording.lemming'

/** A scratch directory is `.hunt-HOST-PID-XXXXXX`: who finds one whose process is gone may delete it. */
const SCRATCH = /^\.hunt-(.*)-(\d+)-[^-]{6}$/

const NAME = /^F([1-9]\d*)$/

/** The failures below one directory. Several hunts may add to it at the same time. */
export class FailureDirectory {
  readonly path: string
  private scratchPath: string | null = null

  constructor(path: string) {
    this.path = resolve(path)
  }

  /**
   * A directory for this hunt's bundles, beside the failures so that a rename moves a bundle among them. It need not exist: whoever has a
   * bundle makes it, and a hunt without failures leaves nothing behind.
   */
  scratch(): string {
    if (this.scratchPath === null) {
      const unique = Math.random().toString(36).slice(2, 8).padEnd(6, '0')
      this.scratchPath = join(this.path, `.hunt-${hostname()}-${process.pid}-${unique}`)
      this.removeStale()
    }
    return this.scratchPath
  }

  /** Gives a bundle (a directory in `scratch()`) the next free name, with a number above `used`, and returns the name. */
  keep(bundle: string, used = 0): string {
    return this.attempt(() => {
      // Here and not where it was written: most of what is written is never kept, and who writes has more to do.
      for (const name of fs.readdirSync(bundle)) sync(join(bundle, name))
      sync(bundle)
      for (let n = Math.max(this.last(), used) + 1; ; n++) {
        try {
          // A rename onto a directory that is not empty fails, so two hunts never take the same number.
          fs.renameSync(bundle, join(this.path, `F${n}`))
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          if (code === 'ENOTEMPTY' || code === 'EEXIST') continue
          throw error
        }
        sync(this.path)
        return `F${n}`
      }
    })
  }

  /** Forgets a bundle. */
  discard(bundle: string): void {
    fs.rmSync(bundle, { recursive: true, force: true })
  }

  /** Where a kept failure is. */
  pathOf(name: string): string {
    return join(this.path, name)
  }

  /** Removes the scratch directory with all that was not kept. */
  close(): void {
    if (this.scratchPath !== null) fs.rmSync(this.scratchPath, { recursive: true, force: true })
    this.scratchPath = null
  }

  /** Names of the failures, lowest number first. */
  names(): string[] {
    return this.numbers().map((n) => `F${n}`)
  }

  private last(): number {
    return this.numbers().at(-1) ?? 0
  }

  private numbers(): number[] {
    if (!fs.existsSync(this.path)) return []
    return this.attempt(() => fs.readdirSync(this.path))
      .map((name) => Number(NAME.exec(name)?.[1] ?? 0))
      .filter((n) => n > 0)
      .toSorted((a, b) => a - b)
  }

  /** Scratch directories of hunts on this computer that were killed. */
  private removeStale(): void {
    if (!fs.existsSync(this.path)) return
    for (const name of fs.readdirSync(this.path)) {
      const [, host, pid] = SCRATCH.exec(name) ?? []
      if (host === hostname() && !isRunning(Number(pid)))
        fs.rmSync(join(this.path, name), { recursive: true, force: true })
    }
  }

  private attempt<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      throw new LemmingError(
        'failures-unwritable',
        `${this.path}: cannot keep failures here: ${code}`,
        'choose another directory with --out',
      )
    }
  }
}

/** Writes the files of a bundle; keeping it makes them last. `directory` is created. */
export function writeBundle(directory: string, files: Record<string, Uint8Array | string>): void {
  fs.mkdirSync(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(join(directory, name), content)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Makes a file's content, or a directory's names, survive a crash of the computer. */
function sync(path: string): void {
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
