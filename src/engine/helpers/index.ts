/** Exists to dispatch the helpers that translated code calls by number (ir/helpers.ts). */
import { LemmingError } from '../../base/errors.ts'
import { HELPER } from '../../ir/helpers.ts'
import { STATE } from '../../ir/registers.ts'
import { cpuid } from './cpuid.ts'
import { divide } from './divide.ts'
import { float, loadMxcsr } from './sse.ts'
import { x87Bits } from './x87-bits.ts'
import { x87Helper } from './x87.ts'

/** Runs helper `id` on a CPU state. `timestamp` gives the time-stamp counter at the instruction. */
export function runHelper(state: DataView, id: number, a: number, b: number, timestamp: () => number): number {
  switch (id) {
    case HELPER.div128:
      return divide(state, false)
    case HELPER.idiv128:
      return divide(state, true)
    case HELPER.cpuid:
      return cpuid(state, a >>> 0, b >>> 0)
    case HELPER.rdtsc: {
      const ticks = timestamp()
      state.setUint32(STATE.scratch, ticks >>> 0, true)
      state.setUint32(STATE.scratch + 4, Math.floor(ticks / 0x1_0000_0000) >>> 0, true)
      return 0
    }
    case HELPER.mxcsr:
      return loadMxcsr(state, a >>> 0, b !== 0)
    case HELPER.float:
      return float(state, a, b)
    default:
      if (id >= HELPER.x87Bits) return x87Bits(state, id - HELPER.x87Bits, a, b)
      if (id >= HELPER.x87) return x87Helper(state, id, a, b)
      throw new LemmingError('internal', `internal error: translated code called unknown helper ${id}`)
  }
}
