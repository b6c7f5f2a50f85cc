/** Exists as the terminal that lemming was started on, for the thread that runs machines: read without waiting, written at once, its size looked at. */
import * as fs from 'node:fs'
import { LemmingError } from '../base/errors.ts'
import type { TerminalNews } from '../host/host.ts'
import type { Terminal } from '../host/node.ts'
import type { TerminalJob } from './jobs.ts'

const CTRL_C = 3
/** As many in a row, each within so many milliseconds of the one before, end lemming. */
const INSISTENCE = 3
const TOGETHER = 1000
/** Milliseconds between two looks at the terminal while nothing else is to be done. */
const LOOK_EVERY = 8
const LONGEST_READ = 1024

const sleeper = new Int32Array(new SharedArrayBuffer(4))

type Methods = Required<Pick<Terminal, 'terminal' | 'pollTerminal' | 'writeTerminal'>>

/** The methods of a world on that terminal. */
export function openTerminal({ fds, raw, size: current }: TerminalJob): Methods {
  const outputs = [1, 2, 0].filter((fd) => fds[fd])
  const output = outputs[0]!
  const sizeNow = (): [number, number] => [Atomics.load(current, 0), Atomics.load(current, 1)]
  let size = sizeNow()
  // A description of its own: reading it must not wait, and whoever else has the terminal open must not notice.
  const input = fds[0]
    ? fs.openSync('/proc/self/fd/0', fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY)
    : -1
  let insisted = 0
  let last = 0

  const typed = (): Uint8Array | 'nothing' | 'gone' => {
    if (input < 0) return 'nothing'
    const bytes = new Uint8Array(LONGEST_READ)
    try {
      const count = fs.readSync(input, bytes, 0, LONGEST_READ, null)
      if (count > 0) return bytes.subarray(0, count)
      // A terminal that edits lines says so when the end of input is typed; another one is gone.
      return raw ? 'gone' : Uint8Array.of(4)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN' || code === 'EINTR') return 'nothing'
      return 'gone'
    }
  }

  const insist = (bytes: Uint8Array): void => {
    const now = Date.now()
    for (const byte of bytes) {
      insisted = byte === CTRL_C ? (now - last < TOGETHER ? insisted + 1 : 1) : 0
      last = now
      if (insisted >= INSISTENCE) throw new LemmingError('interrupted', 'ended by Ctrl-C, typed three times')
    }
  }

  return {
    terminal: () => ({ fds, raw, rows: size[0], columns: size[1] }),

    pollTerminal(_nth: number, milliseconds: number): TerminalNews | null {
      const until = performance.now() + milliseconds
      for (;;) {
        const found = typed()
        const [rows, columns] = sizeNow()
        const resized = rows !== size[0] || columns !== size[1]
        if (found !== 'nothing' || resized) {
          size = [rows, columns]
          const bytes = typeof found === 'string' ? new Uint8Array(0) : found
          insist(bytes)
          return { typed: bytes, size: resized ? size : null, gone: found === 'gone' }
        }
        // Nothing can be typed into a terminal that is there for output only.
        if (input < 0 && milliseconds === Infinity) return { typed: new Uint8Array(0), size: null, gone: true }
        const left = until - performance.now()
        if (left <= 0) return null
        Atomics.wait(sleeper, 0, 0, Math.min(left, LOOK_EVERY))
      }
    },

    writeTerminal(bytes: Uint8Array): void {
      const shown = raw ? bytes : withoutReturns(bytes)
      for (let done = 0; done < shown.length;) {
        try {
          done += fs.writeSync(output, shown, done)
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          if (code === 'EAGAIN') Atomics.wait(sleeper, 0, 0, 1)
          else if (code !== 'EINTR') return
        }
      }
    },
  }
}

/** The bytes for a terminal that puts the carriage return before each newline by itself. */
function withoutReturns(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, i) => !(byte === 13 && bytes[i + 1] === 10))
}
