/** Exists to choose the values that instructions are tested with: edges of every width, near-equal pairs, and random bits. */
import { nextBelow, nextU32, type RandomState } from '../../src/base/random.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import {
  CODE_BASE,
  FS_BASE,
  GS_BASE,
  INTEGER_STATE,
  OFFSET_FLAGS,
  OFFSET_FX,
  OFFSET_WINDOW,
  VECTOR_STATE,
  WINDOW_BASE,
  WINDOW_SIZE,
} from './layout.ts'
import type { Choice, MemoryShape } from './assemble.ts'
import { fillText, fillVector, isStringComparison } from './vectors-fx.ts'

const EDGES: bigint[] = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  15n,
  16n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fn,
  0x80n,
  0x81n,
  0xfen,
  0xffn,
  0x100n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0x80000001n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0x8000000000000001n,
  0xfffffffffffffffen,
  0xffffffffffffffffn,
  0xffffffff80000000n,
  0xffffffff7fffffffn,
  0xffffffffffff8000n,
  0xffffffffffffff80n,
  0x5555555555555555n,
  0xaaaaaaaaaaaaaaaan,
  0x0123456789abcdefn,
]

function random64(r: RandomState): bigint {
  return (BigInt(nextU32(r)) << 32n) | BigInt(nextU32(r))
}

/** An edge value, a random one, or a random one of random width. */
export function value64(r: RandomState): bigint {
  switch (nextBelow(r, 4)) {
    case 0:
    case 1:
      return EDGES[nextBelow(r, EDGES.length)]!
    case 2:
      return random64(r)
    default:
      return random64(r) >> BigInt(nextBelow(r, 64))
  }
}

/** What the values of a group have to respect. */
export interface Need {
  row: InsnRow
  choice: Choice
  codeLength: number
  /** The memory operand, when there is one that registers address. */
  memory: MemoryShape | null
  /** Bytes that the operand accesses. */
  bytes: number
  /** Must 16-byte alignment hold most of the time? */
  aligned: boolean
  vector: boolean
}

const RCX = 1
const RDX = 2
const RBX = 3
const RSP = 4
const RBP = 5
const RSI = 6
const RDI = 7

/** Writes one initial state. */
export function fillState(r: RandomState, need: Need, out: Uint8Array): void {
  const view = new DataView(out.buffer, out.byteOffset, need.vector ? VECTOR_STATE : INTEGER_STATE)
  for (let i = 0; i < 16; i++) view.setBigUint64(8 * i, value64(r), true)
  for (let i = 0; i < WINDOW_SIZE; i += 8) view.setBigUint64(OFFSET_WINDOW + i, value64(r), true)
  // A third of the cases start with equal values in many places, so that comparisons find something.
  if (nextBelow(r, 3) === 0) {
    const same = value64(r)
    for (let i = 0; i < 16; i++) if (nextBelow(r, 2) === 0) view.setBigUint64(8 * i, same, true)
    for (let i = 0; i < WINDOW_SIZE; i += 8) if (nextBelow(r, 2) === 0) view.setBigUint64(OFFSET_WINDOW + i, same, true)
  }
  view.setBigUint64(
    OFFSET_FLAGS,
    BigInt(nextU32(r) & 0x8d5) | (usesDirection(need.row) ? BigInt(nextBelow(r, 2)) << 10n : 0n),
    true,
  )
  if (isStringComparison(need)) {
    for (let i = 0; i < WINDOW_SIZE; i += 16) fillText(r, view, OFFSET_WINDOW + i)
    // Lengths, mostly such as fit.
    for (const register of [0, RDX])
      if (nextBelow(r, 4) !== 0) view.setBigInt64(8 * register, BigInt(nextBelow(r, 40) - 20), true)
  }
  if (need.vector) fillVector(r, need, new DataView(out.buffer, out.byteOffset + OFFSET_FX, 512))
  constrain(r, need, view)
}

const usesDirection = (row: InsnRow): boolean =>
  row.repeat !== undefined || row.mnemonic.startsWith('PUSHF') || row.mnemonic === 'CLD' || row.mnemonic === 'STD'

/** Sets the registers that must hold addresses, counts or plausible dividends. */
function constrain(r: RandomState, need: Need, view: DataView): void {
  const { row, memory } = need
  const mnemonic = row.mnemonic
  const set = (register: number, value: number | bigint): void =>
    view.setBigUint64(8 * register, BigInt.asUintN(64, BigInt(value)), true)
  const get = (register: number): bigint => view.getBigUint64(8 * register, true)
  set(RSP, WINDOW_BASE + 128 + 8 * nextBelow(r, 6) + (nextBelow(r, 8) === 0 ? nextBelow(r, 8) : 0))
  if (mnemonic === 'DIV' || mnemonic === 'IDIV') plausibleDividend(r, need, get, set)
  if (row.repeat !== undefined) {
    set(RSI, WINDOW_BASE + 64 + nextBelow(r, 128))
    set(RDI, nextBelow(r, 8) === 0 ? get(RSI) + BigInt(nextBelow(r, 9) - 4) : WINDOW_BASE + 64 + nextBelow(r, 128))
    set(RCX, nextBelow(r, 12) === 0 ? 0x1_0000_0000n : nextBelow(r, 9))
    if (mnemonic.startsWith('SCAS') && nextBelow(r, 2) === 0)
      set(0, view.getBigUint64(OFFSET_WINDOW + Number(get(RDI)) - WINDOW_BASE, true))
    if (nextBelow(r, 12) === 0) set(nextBelow(r, 2) === 0 ? RSI : RDI, WINDOW_BASE + WINDOW_SIZE - nextBelow(r, 20))
  }
  if (mnemonic === 'XLATB') set(RBX, WINDOW_BASE - 0x80 + nextBelow(r, 0x80))
  if (mnemonic.startsWith('LOOP') || mnemonic === 'JRCXZ')
    set(RCX, [0n, 1n, 2n, 0x1_0000_0000n, 0x1_0000_0001n, value64(r)][nextBelow(r, 6)]!)
  // With 32-bit addresses the upper halves are garbage.
  if (need.choice.address32)
    for (const register of [RSI, RDI, RCX, RBX])
      set(register, (get(register) & 0xffffffffn) | (BigInt(nextU32(r)) << 32n))
  if (mnemonic === 'LEAVE' || mnemonic === 'ENTER') set(RBP, WINDOW_BASE + 128 + 8 * nextBelow(r, 12))
  const target = memory === null ? 0 : address(r, need, memory)
  if (memory !== null) pointAt(r, memory, target, set)
  if (mnemonic.startsWith('BT') && memory !== null && row.operands.endsWith('Gv'))
    boundedBitIndex(r, need, target, get, set)
  if (mnemonic === 'JMP' || mnemonic === 'CALL' || mnemonic === 'RET') indirectTarget(r, need, target, view, get, set)
  if (mnemonic === 'LDMXCSR') {
    // Mostly what is supported: all exceptions masked, rounding to nearest; sometimes reserved bits, which are refused (bit 17 exists on AMD).
    const at = target - WINDOW_BASE + OFFSET_WINDOW
    const value = nextBelow(r, 8) === 0 ? 0x1f80 | (1 << (18 + nextBelow(r, 14))) : 0x1f80 | nextBelow(r, 64)
    if (at >= OFFSET_WINDOW && at + 4 <= OFFSET_WINDOW + WINDOW_SIZE) view.setUint32(at, value, true)
  }
  // Only x87 and SSE: the processor may have more components than the machine.
  if (asksComponents(row)) {
    set(0, (get(0) & ~0xfffffn) | BigInt(nextBelow(r, 4)))
    set(RDX, get(RDX) & ~0xc0000000n)
  }
  if (mnemonic.startsWith('POPF')) {
    const at = Number(get(RSP)) - WINDOW_BASE + OFFSET_WINDOW
    view.setBigUint64(at, value64(r) & ~0x40100n, true)
  }
}

/** Does the row take a mask of state components in EDX:EAX? */
export const asksComponents = (row: InsnRow): boolean => /^X(SAVE|RSTOR)/.test(row.mnemonic)

/** An address in the window where the operand fits, mostly. */
function address(r: RandomState, need: Need, memory: MemoryShape): number {
  if (memory.base === 16 || (memory.base < 0 && memory.index < 0)) return fixedAddress(need, memory)
  const last = WINDOW_SIZE - need.bytes
  if (nextBelow(r, 25) === 0) return reachable(memory, WINDOW_BASE + WINDOW_SIZE - nextBelow(r, need.bytes + 1))
  const at = nextBelow(r, last + 1)
  return reachable(
    memory,
    WINDOW_BASE + (need.aligned && nextBelow(r, 10) !== 0 ? at & ~15 : nextBelow(r, 2) === 0 ? at & ~7 : at),
  )
}

/** Without a base register an index reaches only multiples of its scale. */
function reachable(memory: MemoryShape, target: number): number {
  if (memory.base >= 0) return target
  return target - ((target - memory.displacement - segmentBase(memory)) & ((1 << memory.scale) - 1))
}

/** The address of an operand that no register moves. */
function fixedAddress(need: Need, memory: MemoryShape): number {
  const from = memory.base === 16 ? CODE_BASE + need.codeLength : 0
  return from + memory.displacement + segmentBase(memory)
}

export const segmentBase = (memory: MemoryShape): number =>
  memory.segment === 0x64 ? FS_BASE : memory.segment === 0x65 ? GS_BASE : 0

/** Gives base and index values whose sum is `target`. */
function pointAt(
  r: RandomState,
  memory: MemoryShape,
  target: number,
  set: (register: number, value: number | bigint) => void,
): void {
  if (memory.base === 16) return
  let rest = BigInt(target - memory.displacement - segmentBase(memory))
  // Not in RSP: a push or pop through a non-canonical one is #SS, which Linux reports as SIGBUS.
  const garbage = memory.address32 && memory.base !== RSP ? BigInt(nextU32(r)) << 32n : 0n
  if (memory.index >= 0) {
    if (memory.base < 0) {
      set(memory.index, (rest >> BigInt(memory.scale)) | garbage)
      return
    }
    const index = memory.index === RSP ? 0n : BigInt(nextBelow(r, 2) === 0 ? nextBelow(r, 64) : -nextBelow(r, 64))
    set(memory.index, memory.address32 ? BigInt.asUintN(32, index) | garbage : index)
    rest -= index << BigInt(memory.scale)
  }
  if (memory.base >= 0) set(memory.base, memory.address32 ? BigInt.asUintN(32, rest) | garbage : rest)
}

/** Half of the dividends give a quotient that fits. */
function plausibleDividend(
  r: RandomState,
  need: Need,
  get: (n: number) => bigint,
  set: (n: number, value: bigint) => void,
): void {
  const bits = need.row.operands === 'Eb' ? 8 : need.choice.opsize
  const kind = nextBelow(r, 4)
  if (bits === 8) {
    if (kind < 2) set(0, (get(0) & ~0xff00n) | (nextBelow(r, 2) === 0 ? 0n : 0xff00n))
    return
  }
  if (kind === 0) set(RDX, 0n)
  else if (kind === 1) set(RDX, (get(0) >> BigInt(bits - 1)) & 1n ? 0xffffffffffffffffn : 0n)
  else if (kind === 2) set(RDX, BigInt(nextBelow(r, 64)))
}

/** Bit strings reach 2^31 bits to both sides: keep them inside the window mostly. */
function boundedBitIndex(
  r: RandomState,
  need: Need,
  target: number,
  get: (n: number) => bigint,
  set: (n: number, value: bigint) => void,
): void {
  const memory = need.memory!
  const register = need.choice.reg
  if (register === memory.base || register === memory.index) return
  const low = (WINDOW_BASE - target) * 8
  const index = low + nextBelow(r, WINDOW_SIZE * 8)
  const bits = BigInt(need.choice.opsize)
  set(
    register,
    bits === 64n
      ? BigInt.asUintN(64, BigInt(index))
      : (get(register) & ~((1n << bits) - 1n)) | BigInt.asUintN(Number(bits), BigInt(index)),
  )
}

/** Indirect branches go back into the page of INT3, sometimes elsewhere. */
function indirectTarget(
  r: RandomState,
  need: Need,
  target: number,
  view: DataView,
  get: (n: number) => bigint,
  set: (n: number, value: bigint) => void,
): void {
  // Elsewhere: unmapped, or not canonical, which faults at the branch (in RSP it would fault at the push, as #SS).
  const wild =
    need.choice.rm === RSP || need.memory?.base === RSP || nextBelow(r, 2) === 0
      ? 0x1234_5000n
      : (1n + BigInt(nextBelow(r, 0xfffe))) << 47n
  const to = nextBelow(r, 10) === 0 ? wild : BigInt(CODE_BASE + 64 + nextBelow(r, 0xf00))
  const store = (at: number): void => {
    const offset = at - WINDOW_BASE
    if (offset >= 0 && offset + 8 <= WINDOW_SIZE) view.setBigUint64(OFFSET_WINDOW + offset, to, true)
  }
  if (need.row.mnemonic === 'RET') store(Number(get(RSP)))
  else if (need.memory !== null) store(target)
  else if (typeof need.choice.rm === 'number' && need.row.operands === 'Ev') set(need.choice.rm, to)
}
