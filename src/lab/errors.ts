/** Exists to carry errors from one thread to another and to tell a person about those that nobody foresaw. */
import { LemmingError } from '../base/errors.ts'
import type { PlainError } from '../campaign/outcome.ts'

/** Any error as plain data. One that is no LemmingError is a mistake of lemming's own: where it came from is part of its message. */
export function plainError(error: unknown): PlainError {
  if (error instanceof LemmingError && (error.code !== 'internal' || error instanceof DistantError))
    return { code: error.code, message: error.message, next: error.next }
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
  const frames = stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
  const shown = process.env.LEMMING_DEBUG === undefined ? frames.slice(0, 1) : frames
  return {
    code: 'internal',
    message: `internal error: ${message.replace(/^internal error: /, '')} (${shown.join(', ') || 'nobody knows where'})`,
    next: 'please report this with the command that led here; LEMMING_DEBUG=1 shows the whole stack',
  }
}

/** An error of another thread, which has said already where it came from. */
class DistantError extends LemmingError {}

/** The reverse of plainError, for the thread that hears of it. */
export function errorOf({ code, message, next }: PlainError): LemmingError {
  return new DistantError(code, message, next)
}
