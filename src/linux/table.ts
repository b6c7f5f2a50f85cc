/** Exists to put all declarations of system calls into one table by number. */
import { assert } from '../base/errors.ts'
import type { Declaration } from './declare.ts'
import { futexCalls } from './syscalls/futex.ts'
import { memoryCalls } from './syscalls/memory.ts'
import { prctlCalls } from './syscalls/prctl.ts'
import { processCalls } from './syscalls/process.ts'
import { schedCalls } from './syscalls/sched.ts'
import { signalCalls } from './syscalls/signal.ts'
import { timeCalls } from './syscalls/time.ts'

const families: readonly (readonly Declaration[])[] = [memoryCalls, processCalls, prctlCalls, signalCalls, futexCalls, timeCalls, schedCalls]

/** Declarations by system call number; undefined for those that lemming does not have. */
export const table: readonly (Declaration | undefined)[] = build()

function build(): (Declaration | undefined)[] {
  const rows: (Declaration | undefined)[] = Array.from({ length: 512 })
  for (const declaration of families.flat()) {
    assert(rows[declaration.nr] === undefined, `system call ${declaration.nr} is declared twice`)
    rows[declaration.nr] = declaration
  }
  return rows
}
