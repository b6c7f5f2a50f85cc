/** Exists to compare final states bit for bit, except for what the manual leaves undefined. */
import { ARITHMETIC_FLAGS, FLAG } from '../../src/ir/flags.ts'
import { KIND, parseOperands } from '../../src/x86/table/operands.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import type { Case } from './generate.ts'
import { OFFSET_FLAGS, OFFSET_FX, OFFSET_WINDOW, RESULT_HEAD, SIGNAL, WINDOW_SIZE } from './layout.ts'

const NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
]
const FLAG_NAMES: [number, string][] = [
  [1, 'CF'],
  [4, 'PF'],
  [16, 'AF'],
  [64, 'ZF'],
  [128, 'SF'],
  [2048, 'OF'],
  [1024, 'DF'],
]
const COMPARED_FLAGS = ARITHMETIC_FLAGS | 0x400

const hex = (x: bigint | number): string => x.toString(16)
const flagNames = (flags: number): string =>
  FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0)
    .map(([, name]) => name)
    .join(' ') || '-'

/** What the manual leaves undefined in one case: flags, and whether the result itself is. */
function undefinedIn(c: Case, state: DataView): { flags: number; everything: boolean } {
  const { row, choice } = c
  const operands = parseOperands(row.operands)
  let flags = row.undefined ?? 0
  let everything = false
  const counted = row.undefinedUnlessOne !== undefined
  if (counted) {
    const size = operands[0]!.width === 8 ? 8 : choice.opsize
    const last = operands.at(-1)!
    const raw = last.kind === KIND.one ? 1 : last.kind === KIND.fixed ? state.getUint8(8) : choice.immediate & 0xff
    const count = raw & (size === 64 ? 63 : 31)
    if (count === 0) return { flags: 0, everything: false }
    if (count !== 1) flags |= row.undefinedUnlessOne!
    const shift = row.mnemonic === 'SHL' || row.mnemonic === 'SHR' || row.mnemonic === 'SAR'
    if (shift && count >= size) flags |= FLAG.cf
    everything = row.mnemonic.length === 4 && count > size
  }
  if (row.mnemonic === 'BSWAP' && choice.opsize === 16) everything = true
  return { flags, everything }
}

/** One line per difference between the processor's result and ours; empty when they agree. `watched`: exception flags of MXCSR count. */
export function differences(
  c: Case,
  index: number,
  stateSize: number,
  native: Uint8Array,
  ours: Uint8Array,
  watched = false,
): string[] {
  const size = stateSize + RESULT_HEAD
  const initial = new DataView(c.states.buffer, c.states.byteOffset + index * stateSize, stateSize)
  const a = new DataView(native.buffer, native.byteOffset + index * size, size)
  const b = new DataView(ours.buffer, ours.byteOffset + index * size, size)
  const found: string[] = []
  const note = (what: string, x: bigint | number, y: bigint | number): void => {
    found.push(`${what}: processor ${hex(x)}, ours ${hex(y)}`)
  }
  const signal = a.getUint32(0, true)
  if (signal !== b.getUint32(0, true)) note('signal', signal, b.getUint32(0, true))
  if (a.getBigUint64(8, true) !== b.getBigUint64(8, true)) note('rip', a.getBigUint64(8, true), b.getBigUint64(8, true))
  if (
    signal === SIGNAL.segv &&
    a.getUint32(4, true) !== 0x80 &&
    a.getBigUint64(16, true) !== b.getBigUint64(16, true)
  ) {
    note('fault address', a.getBigUint64(16, true), b.getBigUint64(16, true))
  }
  const loose = signal === SIGNAL.trap ? undefinedIn(c, initial) : { flags: 0, everything: false }
  const at = RESULT_HEAD
  const x = a.getUint32(at + OFFSET_FLAGS, true) & COMPARED_FLAGS & ~loose.flags
  const y = b.getUint32(at + OFFSET_FLAGS, true) & COMPARED_FLAGS & ~loose.flags
  if (!loose.everything) {
    for (let i = 0; i < 16; i++) {
      const p = a.getBigUint64(at + 8 * i, true)
      const q = b.getBigUint64(at + 8 * i, true)
      if (p !== q) note(NAMES[i]!, p, q)
    }
    if (x !== y) found.push(`flags: processor ${flagNames(x)}, ours ${flagNames(y)}`)
    for (let i = 0; i < WINDOW_SIZE; i++) {
      const p = a.getUint8(at + OFFSET_WINDOW + i)
      const q = b.getUint8(at + OFFSET_WINDOW + i)
      if (p !== q) note(`memory +${i}`, p, q)
    }
  }
  if (stateSize > OFFSET_FX) compareVector(c.row, a, b, at + OFFSET_FX, note, watched)
  return found
}

/** Sticky exception flags of MXCSR: translated code keeps them only once the program has written them. */
const MXCSR_FLAGS = 0x3f

/** Do four single-precision lanes agree within the row's relative error? */
function nearby(row: InsnRow, a: DataView, b: DataView, at: number): boolean {
  if (row.approximate === undefined) return false
  for (let lane = 0; lane < 4; lane++) {
    const p = a.getFloat32(at + 4 * lane, true)
    const q = b.getFloat32(at + 4 * lane, true)
    // Both are approximations of the same value.
    if (!Object.is(p, q) && !(Math.abs(p - q) <= 2 * row.approximate * Math.abs(p))) return false
  }
  return true
}

function compareVector(
  row: InsnRow,
  a: DataView,
  b: DataView,
  at: number,
  note: (what: string, x: bigint | number, y: bigint | number) => void,
  watched: boolean,
): void {
  for (let i = 0; i < 16; i++) {
    if (nearby(row, a, b, at + 160 + 16 * i)) continue
    for (const half of [8, 0]) {
      const p = a.getBigUint64(at + 160 + 16 * i + half, true)
      const q = b.getBigUint64(at + 160 + 16 * i + half, true)
      if (p !== q) note(`xmm${i}${half === 8 ? ' high' : ' low'}`, p, q)
    }
  }
  const ignored = watched || row.mnemonic === 'LDMXCSR' ? 0 : MXCSR_FLAGS
  const [p, q] = [a.getUint32(at + 24, true) & ~ignored, b.getUint32(at + 24, true) & ~ignored]
  if (p !== q) note('mxcsr', p, q)
  if (a.getUint16(at, true) !== b.getUint16(at, true)) note('x87 control', a.getUint16(at, true), b.getUint16(at, true))
  if (a.getUint16(at + 2, true) !== b.getUint16(at + 2, true))
    note('x87 status', a.getUint16(at + 2, true), b.getUint16(at + 2, true))
  if (a.getUint8(at + 4) !== b.getUint8(at + 4)) note('x87 tag', a.getUint8(at + 4), b.getUint8(at + 4))
  for (let i = 0; i < 8; i++) {
    const p = a.getBigUint64(at + 32 + 16 * i, true) | (BigInt(a.getUint16(at + 40 + 16 * i, true)) << 64n)
    const q = b.getBigUint64(at + 32 + 16 * i, true) | (BigInt(b.getUint16(at + 40 + 16 * i, true)) << 64n)
    if (p !== q) note(`st${i}`, p, q)
  }
}

/** The initial state of a case in a few words, for messages. */
export function describeState(c: Case, index: number, stateSize: number): string {
  const v = new DataView(c.states.buffer, c.states.byteOffset + index * stateSize, stateSize)
  const registers = NAMES.map((name, i) => `${name}=${hex(v.getBigUint64(8 * i, true))}`).join(' ')
  return `${registers} flags=${flagNames(v.getUint32(OFFSET_FLAGS, true))}`
}
