/** Exists so that every error a user can see carries a code, names the thing and the place, and says what to do next. */

/**
 * An error meant for a person: `message` names the thing and the place in one line, `next` says what to do about it.
 * `code` is stable and kebab-case, so that scripts reading `--json` can tell errors apart.
 */
export class LemmingError extends Error {
  readonly code: string
  readonly next: string | undefined

  constructor(code: string, message: string, next?: string) {
    super(message)
    this.name = 'LemmingError'
    this.code = code
    this.next = next
  }
}

/** Throws when an invariant of our own does not hold; the message goes into a bug report, not to a user's habits. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition)
    throw new LemmingError(
      'internal',
      `internal error: ${message}`,
      'please report this with the command that led here',
    )
}
