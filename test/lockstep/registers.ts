/** Exists to compare the registers of the engine with a record of the native stepper, and to copy such a record into the engine. */
import type { CpuState } from '../../src/engine/cpu-state.ts'
import type { Processor } from '../../src/engine/processor.ts'
import { ARITHMETIC_FLAGS } from '../../src/ir/flags.ts'
import { REG, registers, STATE } from '../../src/ir/registers.ts'
import { AT, RECORD } from './native.ts'

const NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ')
/** CF, PF, AF, ZF, SF, OF, DF. */
const FLAGS = ARITHMETIC_FLAGS | 0x400
const FLAG_NAMES: [number, string][] = [
  [1, 'CF'],
  [4, 'PF'],
  [16, 'AF'],
  [64, 'ZF'],
  [128, 'SF'],
  [2048, 'OF'],
  [0x400, 'DF'],
]
/** Offsets in an FXSAVE image (Intel SDM vol. 1, 10.5.1). */
const FX = { control: 0, status: 2, tag: 4, mxcsr: 24, st0: 32, xmm0: 160 } as const
/** TOP of the x87 status word. The condition codes are compared where programs look at them: in AX or memory. */
const TOP = 0x3800

/** One register that differs. */
export interface Difference {
  name: string
  native: string
  engine: string
  /** For `rflags`: the bits that differ. */
  bits: number
}

/** Makes the engine's registers those of `record`. */
export function loadState(processor: Processor, state: CpuState, record: Uint8Array): void {
  const at = new DataView(record.buffer, record.byteOffset, record.length)
  const view = state.view
  state.bytes.set(record.subarray(0, 128))
  view.setBigUint64(STATE.rip, at.getBigUint64(AT.rip, true), true)
  processor.writeFlags(state, at.getUint32(AT.flags, true))
  view.setBigUint64(registers[REG.fsBase]!.offset, at.getBigUint64(AT.fsBase, true), true)
  view.setBigUint64(registers[REG.gsBase]!.offset, at.getBigUint64(AT.gsBase, true), true)
  state.bytes.set(record.subarray(AT.fx + FX.xmm0, AT.fx + FX.xmm0 + 256), STATE.xmm)
  view.setUint32(STATE.mxcsr, at.getUint32(AT.fx + FX.mxcsr, true), true)
  view.setUint32(STATE.x87Control, at.getUint16(AT.fx + FX.control, true), true)
  const status = at.getUint16(AT.fx + FX.status, true)
  view.setUint32(STATE.x87Status, status, true)
  let tags = 0
  for (let physical = 0; physical < 8; physical++) {
    if ((at.getUint8(AT.fx + FX.tag) & (1 << physical)) === 0) tags |= 3 << (2 * physical)
    const from = AT.fx + FX.st0 + 16 * ((physical - (status >> 11)) & 7)
    state.bytes.set(record.subarray(from, from + 10), STATE.x87 + 16 * physical)
  }
  view.setUint32(STATE.x87Tag, tags, true)
}

/** Takes over the sticky exception bits of MXCSR and the x87 status word. */
export function followExceptions(state: CpuState, record: Uint8Array): void {
  const at = new DataView(record.buffer, record.byteOffset, record.length)
  const follow = (offset: number, bits: number, native: number): void => {
    state.view.setUint32(offset, (state.view.getUint32(offset, true) & ~bits) | (native & bits), true)
  }
  follow(STATE.mxcsr, 0x3f, at.getUint32(AT.fx + FX.mxcsr, true))
  follow(STATE.x87Status, 0x80ff, at.getUint16(AT.fx + FX.status, true))
}

/** A record of the engine's general registers, rip and flags; the rest of the record is zero. */
export function generalRecord(processor: Processor, state: CpuState): Uint8Array {
  const record = new Uint8Array(RECORD)
  const at = new DataView(record.buffer)
  record.set(state.bytes.subarray(0, 128))
  at.setBigUint64(AT.rip, state.rip, true)
  at.setBigUint64(AT.flags, BigInt(processor.readFlags(state)), true)
  return record
}

/** What differs between the engine's registers and `record`. */
export function differences(processor: Processor, state: CpuState, record: Uint8Array): Difference[] {
  const found: Difference[] = []
  const at = new DataView(record.buffer, record.byteOffset, record.length)
  const view = state.view
  const compare = (name: string, native: bigint, engine: bigint, bits = 0): void => {
    if (native !== engine) found.push({ name, native: native.toString(16), engine: engine.toString(16), bits })
  }
  for (let i = 0; i < 16; i++) compare(NAMES[i]!, at.getBigUint64(8 * i, true), view.getBigUint64(8 * i, true))
  compare('rip', at.getBigUint64(AT.rip, true), state.rip)
  compare('fs_base', at.getBigUint64(AT.fsBase, true), view.getBigUint64(registers[REG.fsBase]!.offset, true))
  compare('gs_base', at.getBigUint64(AT.gsBase, true), view.getBigUint64(registers[REG.gsBase]!.offset, true))
  const flags = at.getUint32(AT.flags, true) & FLAGS
  const ours = processor.readFlags(state) & FLAGS
  if (flags !== ours)
    found.push({ name: 'rflags', native: flagNames(flags), engine: flagNames(ours), bits: flags ^ ours })
  for (let i = 0; i < 16; i++) {
    const low = AT.fx + FX.xmm0 + 16 * i
    const own = STATE.xmm + 16 * i
    compare(
      `xmm${i}`,
      wide(at.getBigUint64(low + 8, true), at.getBigUint64(low, true)),
      wide(view.getBigUint64(own + 8, true), view.getBigUint64(own, true)),
    )
  }
  // Bits 0-5 are sticky exceptions: see followExceptions.
  compare(
    'mxcsr',
    BigInt(at.getUint32(AT.fx + FX.mxcsr, true) & ~0x3f),
    BigInt(view.getUint32(STATE.mxcsr, true) & ~0x3f),
  )
  compareX87(at, view, compare)
  return found
}

function compareX87(
  at: DataView,
  view: DataView,
  compare: (name: string, native: bigint, engine: bigint) => void,
): void {
  compare('x87 control', BigInt(at.getUint16(AT.fx + FX.control, true)), BigInt(view.getUint32(STATE.x87Control, true)))
  const status = at.getUint16(AT.fx + FX.status, true)
  compare('x87 top', BigInt(status & TOP), BigInt(view.getUint32(STATE.x87Status, true) & TOP))
  const tags = view.getUint32(STATE.x87Tag, true)
  let used = 0
  for (let physical = 0; physical < 8; physical++) {
    if (((tags >> (2 * physical)) & 3) === 3) continue
    used |= 1 << physical
    const i = (physical - (status >> 11)) & 7
    const from = AT.fx + FX.st0 + 16 * i
    const own = STATE.x87 + 16 * physical
    const native = wide(BigInt(at.getUint16(from + 8, true)), at.getBigUint64(from, true))
    compare(`st${i}`, native, wide(BigInt(view.getUint16(own + 8, true)), view.getBigUint64(own, true)))
  }
  compare('x87 tags', BigInt(at.getUint8(AT.fx + FX.tag)), BigInt(used))
}

const wide = (high: bigint, low: bigint): bigint => (high << 64n) | low

const flagNames = (flags: number): string =>
  FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0)
    .map(([, name]) => name)
    .join(' ') || '(none)'
