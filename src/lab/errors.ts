/** Exists to carry errors from one thread to another and to tell a person about those that nobody foresaw. */
import { LemmingError } from '../base/errors.ts'
import type { PlainError } from '../campaign/outcome.ts'

/** Any error as plain data. One that is no LemmingError is a mistake of lemming's own: its first stack line says where. */
export function plainError(error: unknown): PlainError {
  if (error instanceof LemmingError) return { code: error.code, message: error.message, next: error.next }
  const where = error instanceof Error ? (/^\s+at (.*)$/m.exec(error.stack ?? '')?.[1] ?? '') : ''
  const message = `internal error: ${error instanceof Error ? error.message : String(error)}${where === '' ? '' : ` (at ${where})`}`
  return { code: 'internal', message, next: 'please report this with the command that led here; LEMMING_DEBUG=1 shows the stack' }
}

/** The reverse, for the thread that hears of it. */
export function errorOf({ code, message, next }: PlainError): LemmingError {
  return new LemmingError(code, message, next)
}
