/** Exists to write to the terminal at once, so that nothing is lost when the process ends, and to quote commands for it. */
import { writeSync } from 'node:fs'

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Writes text to descriptor 1 or 2. What nobody reads any more is dropped. */
export function write(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') Atomics.wait(sleeper, 0, 0, 1)
      else return
    }
  }
}

/** A command line that a POSIX shell reads as these words. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')
}

/** Tells of an error in the form that all of lemming's errors have: what, and what to do next. */
export function complain(message: string, next: string | undefined): void {
  write(2, `lemming: ${message}\n${next === undefined ? '' : `  ${next}\n`}`)
}
