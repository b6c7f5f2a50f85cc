/** Exists to fix what the exit codes mean, for scripts: the same table is in `--help` and in the README of this folder. */
import type { RunEnding } from '../session/session.ts'

/** Exit codes of lemming's own. A program's own codes may collide with them: `--json` tells them apart. */
export const EXIT_CODE = {
  ok: 0,
  /** hunt: failures were found. */
  failuresFound: 1,
  usage: 2,
  /** The program cannot be run: there is none, or it is no x86-64 Linux program. */
  program: 3,
  /** The program needs what lemming does not support; or lemming could not go on for want of memory or descriptors. */
  unsupported: 4,
  /** A recording or one of its objects is missing, damaged or of another format; or nothing can be written where it should. */
  recording: 5,
  /** A replay did not do what was recorded. */
  divergence: 6,
  /** Every thread of the program waits for ever. */
  deadlock: 7,
  /** The program reached --time-limit or --instruction-limit. */
  timeLimit: 8,
  /** hunt: the program did not even begin its work. */
  falseStart: 9,
  internal: 70,
} as const

/** For `--help`. */
export const EXIT_CODE_HELP = `
Exit codes: run and replay end with the program's own, or 128+n when signal n killed it.
hunt: 0 no failure, 1 failures found. All:
  2 wrong usage   3 the program cannot be run   4 the program needs what is not supported
  5 recording or object missing or damaged   6 a replay differed from its recording
  7 deadlock   8 time limit   9 false start   70 internal error   130, 143 interrupted`

const BY_PREFIX: readonly [string, number][] = [
  ['usage', EXIT_CODE.usage],
  ['no-directory', EXIT_CODE.usage],
  ['unknown-', EXIT_CODE.usage],
  ['check-', EXIT_CODE.usage],
  ['mount-', EXIT_CODE.usage],
  ['keep-', EXIT_CODE.usage],
  ['suppressions-', EXIT_CODE.usage],
  ['config', EXIT_CODE.usage],
  ['no-program', EXIT_CODE.program],
  ['elf-', EXIT_CODE.program],
  ['program-', EXIT_CODE.program],
  ['bad-script', EXIT_CODE.program],
  ['arguments-too-long', EXIT_CODE.program],
  ['no-recording', EXIT_CODE.recording],
  ['recording-', EXIT_CODE.recording],
  ['object-', EXIT_CODE.recording],
  ['export-', EXIT_CODE.recording],
  ['failures-', EXIT_CODE.recording],
  ['no-failure', EXIT_CODE.recording],
  ['catalogue-', EXIT_CODE.recording],
  ['no-campaign', EXIT_CODE.usage],
  ['campaign-', EXIT_CODE.usage],
  ['replay-', EXIT_CODE.divergence],
  ['output-closed', 128 + 13],
  ['interrupted', 128 + 2],
  ['internal', EXIT_CODE.internal],
]

/** The exit code for an error by its code. */
export function exitCodeOf(code: string): number {
  return BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? EXIT_CODE.unsupported
}

/** The exit code for the end of a run. */
export function exitCodeOfEnding(ending: RunEnding): number {
  switch (ending.kind) {
    case 'exit':
      return ending.code
    case 'signal':
      return 128 + ending.signal
    case 'deadlock':
      return EXIT_CODE.deadlock
    case 'time-limit':
    case 'instruction-limit':
      return EXIT_CODE.timeLimit
  }
}
