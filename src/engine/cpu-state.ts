/** Exists to read and write one task's CPU state, wherever its bytes lie: in a linear memory while the task runs, in a saved copy otherwise. */
import { STATE, STATE_SIZE } from '../ir/registers.ts'

/** A typed window on STATE_SIZE bytes; layout in ir/registers.ts. 64-bit registers as BigInt, since only the kernel and front ends use this. */
export class CpuState {
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(bytes: Uint8Array = initialCpuState()) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, STATE_SIZE)
  }

  /** General register `i` (0-15, x86 encoding order), unsigned. */
  gpr(i: number): bigint {
    return this.view.getBigUint64(i * 8, true)
  }

  setGpr(i: number, value: bigint): void {
    this.view.setBigUint64(i * 8, BigInt.asUintN(64, value), true)
  }

  /** General register as a number: exact below 2^53. */
  gprNumber(i: number): number {
    return this.view.getUint32(i * 8, true) + this.view.getUint32(i * 8 + 4, true) * 0x100000000
  }

  /** `setGpr` for a number below 2^53. */
  setGprNumber(i: number, value: number): void {
    setNumber(this.view, i * 8, value)
  }

  get rip(): bigint {
    return this.view.getBigUint64(STATE.rip, true)
  }

  /** RIP as a number: exact below 2^53. */
  get ripNumber(): number {
    return this.view.getUint32(STATE.rip, true) + this.view.getUint32(STATE.rip + 4, true) * 0x100000000
  }

  set ripNumber(value: number) {
    setNumber(this.view, STATE.rip, value)
  }

  set rip(value: bigint) {
    this.view.setBigUint64(STATE.rip, BigInt.asUintN(64, value), true)
  }

  /** Where a fault happened (EXIT.readFault, EXIT.writeFault). */
  get faultAddress(): bigint {
    return this.view.getBigUint64(STATE.faultAddress, true)
  }

  copy(): CpuState {
    return new CpuState(this.bytes.slice())
  }
}

/** Stores a number below 2^53 as 64 bits; a remainder would cost more than all the rest. */
function setNumber(view: DataView, offset: number, value: number): void {
  const high = value >= 0 && value < 0x100000000 ? 0 : Math.floor(value / 0x100000000)
  view.setUint32(offset, value - high * 0x100000000, true)
  view.setUint32(offset + 4, high, true)
}

/** The state of a freshly exec'ed task: all zero but MXCSR, x87 control word and tags (System V ABI, 3.4.1). */
export function initialCpuState(): Uint8Array {
  const bytes = new Uint8Array(STATE_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(STATE.mxcsr, 0x1f80, true)
  view.setUint32(STATE.x87Control, 0x37f, true)
  view.setUint32(STATE.x87Tag, 0xffff, true)
  return bytes
}

/** Sets rip in the view of a CPU state to an address below 4 GiB. */
export function setRip(view: DataView, pc: number): void {
  view.setUint32(STATE.rip, pc, true)
  view.setUint32(STATE.rip + 4, 0, true)
}
