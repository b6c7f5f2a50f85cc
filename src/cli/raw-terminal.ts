/** Exists to hand the terminal over to a guest while it runs, and to give it back however lemming ends. */
import { spawnSync } from 'node:child_process'
import { isatty } from 'node:tty'
import type { TerminalJob } from '../lab/jobs.ts'

/** What a run needs to know of the terminal, and how to give it back. */
export interface Borrowed {
  terminal: TerminalJob | null
  restore: () => void
}

/**
 * Puts the terminal into raw mode when both input and output are one: then the guest's own terminal does the editing and echoing. Where only some
 * descriptors are a terminal, somebody else may be using it, and it is left as it is.
 */
export function borrowTerminal(): Borrowed {
  const fds: [boolean, boolean, boolean] = [isatty(0), isatty(1), isatty(2)]
  if (!fds.includes(true)) return { terminal: null, restore: () => {} }
  const before = fds[0] && fds[1] ? stty('-g') : null
  const raw = before !== null && stty('raw', '-echo') !== null
  const size = new Int32Array(new SharedArrayBuffer(8))
  const screen = fds[1] ? process.stdout : process.stderr
  const measure = (): void => {
    Atomics.store(size, 0, screen.rows ?? 0)
    Atomics.store(size, 1, screen.columns ?? 0)
  }
  measure()
  screen.on('resize', measure)
  const terminal = { fds, raw, size }
  if (!raw) return { terminal, restore: () => void screen.off('resize', measure) }
  let restored = false
  const restore = (): void => {
    if (restored) return
    restored = true
    stty(before.trim())
    screen.off('resize', measure)
    process.off('exit', restore).off('SIGTERM', onTerm).off('SIGHUP', onHangUp)
  }
  const onTerm = (): never => process.exit(143)
  const onHangUp = (): never => process.exit(129)
  process.on('exit', restore).on('SIGTERM', onTerm).on('SIGHUP', onHangUp)
  return { terminal, restore }
}

/** What stty(1) prints for the terminal, or null when it fails. */
function stty(...words: string[]): string | null {
  const { status, stdout } = spawnSync('stty', words, { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' })
  return status === 0 ? stdout : null
}
