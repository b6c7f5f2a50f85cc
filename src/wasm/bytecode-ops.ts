/** Exists to number the operations of the bytecode in which cold code is interpreted: the IR's own ops, and what blocks need around them. */
import { ops, type OpRow } from '../ir/ops.ts'

/** Operations of the bytecode that are no pure IR op. Words after the first are listed; `@` is an address below 64 KiB, where values and registers are. */
const STRUCTURAL = [
  /** Start of a unit, counts instructions and visits: instructions << 16; pc, visits, entry code. */
  'enter',
  /** Start of a block inside of a unit: instructions << 16; pc. */
  'block',
  /** To the i32 at @destination << 16; from @source. The numbers are bits. */
  'copy8u',
  'copy8s',
  'copy16u',
  'copy16s',
  'copy32',
  'copy64',
  'copy128',
  /** The low bits of the i32 @source to @destination << 16; @source. */
  'lane8',
  'lane16',
  /** Destination << 16; the value. */
  'const32',
  'const64',
  'const128',
  /** Destination << 16; @a | @b << 16, 16 bytes. */
  'shuffle',
  /** Destination (what is an i32 zero-extended) or value << 16; @address, displacement, pc, what `check` is told. */
  'load8',
  'load16',
  'load32',
  'load64',
  'load128',
  'store8',
  'store16',
  'store32',
  'store64',
  'store128',
  'probe',
  /** The same where definedness is checked: the V bits found stay at FRAME.bits. */
  'checkedLoad8',
  'checkedLoad16',
  'checkedLoad32',
  'checkedLoad64',
  'checkedLoad128',
  'checkedStore8',
  'checkedStore16',
  'checkedStore32',
  'checkedStore64',
  'checkedStore128',
  /** @V bits << 16, for the bytes of the access before. */
  'shadow8',
  'shadow16',
  'shadow32',
  'shadow64',
  'shadow128',
  /** Condition << 16; USE | registers << USE_SHIFT, refund, pc. */
  'undefinedIf',
  /** @address << 16; bytes. */
  'claim',
  /** @from << 16; @to. */
  'moved',
  /** Condition << 16; reason | refund << 16, pc. */
  'faultIf',
  /** @stack pointer << 16; @address, kind | refund << 16, pc. */
  'point',
  /** Destination << 16; @a | @b << 16, helper, refund. */
  'helper',
  /** A flag record: kind << 16; @A | @B << 16. */
  'flags',
  /** The same with a constant: kind << 16; @A, B sign-extended. */
  'flagsOf',
  /** Condition << 16; distance in bytes to go if it is 0. */
  'unless',
  /** Distance in bytes. */
  'goto',
  /** Entry code. */
  'jump',
  /** Condition << 16; entry codes for when it is not 0 and for when it is. */
  'branch',
  /** Entry code, return address, target. */
  'call',
  /** Address << 16; return address. */
  'icall',
  'ijump',
  'ret',
  /** Address of the next instruction. */
  'syscall',
  /** Address of the function. */
  'intercept',
  /** Reason << 16; pc. */
  'fault',
  /** pc. */
  'leave',
  /** An address where no code can be, in two words. */
  'wild',
] as const

/** Number of each structural operation. */
export const BYTECODE = Object.fromEntries(STRUCTURAL.map((name, i) => [name, i])) as Record<
  (typeof STRUCTURAL)[number],
  number
>

/** Where a unit counts its visits, in bytes from its start: word 2 of `enter`. */
export const UNIT = { visits: 8 } as const

/** From the start of the room for values: 16 bytes of zeros, V bits and low word of the address of the access before, then values. */
export const FRAME = { zero: 0, bits: 16, address: 32, values: 48 } as const

/** An operation that computes: an IR op, perhaps with its last operand or its condition code built in. What is an i32 is stored zero-extended. */
export interface Computation {
  op: OpRow
  /** The second operand is in the bytecode: a word, sign-extended. */
  immediate: boolean
  /** The condition code of a conditional op. */
  cc: number
}

/** Is the op's immediate a condition code, or 16 for all flags? Each is an opcode. */
export function conditional(op: OpRow): boolean {
  return op === ops.flags_cond || op === ops.flags_undefined
}

/** IR ops that the bytecode says in other ways. */
const elsewhere = /const$|_lane|shuffle$/

/** By opcode, which starts behind the structural ones. */
export const computations: readonly Computation[] = Object.values(ops as Record<string, OpRow>).flatMap((op) => {
  if (op.effect !== 'pure' || elsewhere.test(op.name)) return []
  if (conditional(op)) return Array.from({ length: 17 }, (_, cc) => ({ op, immediate: false, cc }))
  const plain = { op, immediate: false, cc: 0 }
  const last = op.args[1]
  return op.args.length === 2 && (last === 'i32' || last === 'i64') ? [plain, { ...plain, immediate: true }] : [plain]
})

const FIRST_COMPUTATION = STRUCTURAL.length

/** Opcodes are below this. */
export const OPERATION_COUNT = FIRST_COMPUTATION + computations.length

const first = new Map<OpRow, number>()
computations.forEach(({ op }, i) => {
  if (!first.has(op)) first.set(op, FIRST_COMPUTATION + i)
})

/** Opcode of an IR op whose operands are all in memory (of a conditional op with condition code 0; the others follow), or undefined. */
export function opcodeOf(op: OpRow): number | undefined {
  return first.get(op)
}

/** Can the second operand of the op be in the bytecode? Its opcode is the next one then. */
export function takesImmediate(op: OpRow): boolean {
  const last = op.args[1]
  return op.args.length === 2 && (last === 'i32' || last === 'i64') && first.has(op)
}

/** Words of a computation: opcode and destination, operands, a third operand or the immediate. */
export function computationWords({ op, immediate }: Computation): number {
  return immediate || op.args.length === 3 ? 3 : 2
}
