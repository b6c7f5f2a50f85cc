/** Exists so that questions about a program fail with the words that gdb has for it, and a code that scripts can tell apart. */

import { LemmingError } from '../../base/errors.ts'

/** The text is no expression; `near` is the rest of it from the trouble on. */
export function syntaxError(near: string): LemmingError {
  return new LemmingError(
    'expression-syntax',
    `A syntax error in expression, near \`${near}'.`,
    'see `help expressions`',
  )
}

/** A name that stands for nothing here. */
export function unknownName(name: string): LemmingError {
  return new LemmingError('expression-name', `No symbol "${name}" in current context.`)
}

/** An operation that the types do not allow. */
export function typeError(message: string): LemmingError {
  return new LemmingError('expression-type', message)
}
