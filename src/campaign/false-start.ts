/** Exists to tell a program that does not even begin its work from one that fails: a thousand runs of a usage message are no hunt. */
import type { FalseStart } from './hunt.ts'
import type { SeedOutcome } from './outcome.ts'

/** Runs that must agree before they say something about all. */
const ENOUGH = 5

/** What runs of one course may differ by, of their instructions: where the stack begins depends on the seed, and loops over strings on that. */
const SPREAD = 0.01

/** Exit codes of shells for a command that cannot be executed, and that is not there. */
const SHELL = new Map([
  [126, 'cannot be executed'],
  [127, 'is not there, or one of its libraries is not'],
])

/** What is wrong when the first runs of a hunt all come to the same nothing; null if they do not, or if there are too few. */
export function falseStartOf(first: readonly SeedOutcome[]): FalseStart | null {
  const [one] = first
  if (one === undefined || first.length < ENOUGH) return null
  const many = `the first ${first.length} runs`
  if (one.kind === 'error') {
    const isSame = first.every((other) => other.kind === 'error' && other.error.code === one.error.code)
    if (!isSame) return null
    return {
      what: `${many} could not be executed: ${one.error.message}`,
      next: one.error.next ?? 'try it once: lemming run',
    }
  }
  const code = exitCodeOf(one)
  if (
    code !== null &&
    code !== 0 &&
    first.every((other) => exitCodeOf(other) === code && saidOf(other) === saidOf(one))
  ) {
    const said = saidOf(one) === '' ? '' : `, saying: ${saidOf(one)}`
    const meaning = SHELL.has(code) ? ` (a command ${SHELL.get(code)})` : ''
    return {
      what: `${many} all exited with code ${code}${meaning}${said}`,
      next:
        one.kind === 'passed'
          ? 'repair the command; if that is how it ends when all is well, say --no-false-start; to count it as a failure, --nonzero-exit'
          : 'repair the command, and try it with lemming run; if this is the failure that you look for, say --no-false-start',
    }
  }
  if (one.kind !== 'failed') return null
  // Nobody else was there and all went the same way: no schedule has a part in it. (A real machine counts nothing.)
  const isSame = first.every(
    (other) =>
      other.kind === 'failed' &&
      other.alone === true &&
      Math.abs(other.count - one.count) <= one.count * SPREAD &&
      other.finding.kind === one.finding.kind,
  )
  if (!isSame || one.count === 0) return null
  return {
    what: `${many} all failed after about ${one.count} instructions, without ever having a second thread: ${one.finding.what}`,
    next: 'it does not depend on the seed: lemming replay F1 shows it; to go on all the same, say --no-false-start',
  }
}

/** Whether one failure alone looks like a program that was called in a wrong way: it ended by itself, and said why. */
export function looksLikeUsage({ kind, ...outcome }: SeedOutcome): boolean {
  if (kind === 'error' || !('ending' in outcome) || outcome.ending.kind !== 'exit') return false
  const { code } = outcome.ending
  return (
    SHELL.has(code) ||
    /\busage\b|unrecognized option|invalid option|no such file|not found|cannot open/i.test(outcome.said ?? '')
  )
}

function exitCodeOf(outcome: SeedOutcome): number | null {
  return outcome.kind !== 'error' && outcome.ending.kind === 'exit' ? outcome.ending.code : null
}

function saidOf(outcome: SeedOutcome): string {
  return outcome.kind === 'error' ? '' : (outcome.said ?? '')
}
