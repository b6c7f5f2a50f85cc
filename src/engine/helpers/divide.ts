/** Exists for DIV and IDIV of 128 bits by 64, which WebAssembly cannot express (Intel SDM vol. 2, DIV and IDIV). */
import { STATE } from '../../ir/registers.ts'

/**
 * Dividend in scratch[0..16), divisor in scratch[16..24). Returns 1 for #DE (zero divisor or a quotient that does not fit);
 * else 0 with the quotient in scratch[0..8) and the remainder in scratch[8..16).
 */
export function divide(state: DataView, signed: boolean): number {
  const at = STATE.scratch
  const low = state.getBigUint64(at, true)
  const high = signed ? state.getBigInt64(at + 8, true) : state.getBigUint64(at + 8, true)
  const divisor = signed ? state.getBigInt64(at + 16, true) : state.getBigUint64(at + 16, true)
  if (divisor === 0n) return 1
  const dividend = (high << 64n) | low
  const quotient = dividend / divisor
  if (quotient !== (signed ? BigInt.asIntN(64, quotient) : BigInt.asUintN(64, quotient))) return 1
  state.setBigUint64(at, BigInt.asUintN(64, quotient), true)
  state.setBigUint64(at + 8, BigInt.asUintN(64, dividend % divisor), true)
  return 0
}
