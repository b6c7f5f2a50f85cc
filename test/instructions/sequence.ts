/** Exists to make random programs of integer instructions: what one instruction leaves to the next is where block-wide optimisation can go wrong. */
import { nextBelow, nextU32, randomFrom, type RandomState } from '../../src/base/random.ts'
import { ARITHMETIC_FLAGS, FLAG } from '../../src/ir/flags.ts'
import { integer } from '../../src/x86/table/integer.ts'
import { KIND, parseOperands } from '../../src/x86/table/operands.ts'
import { immediateField } from '../../src/x86/table/operands.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import { assemble, type Choice, hasKind, type MemoryShape, rmForms } from './assemble.ts'
import { CODE_BASE, type Group, INTEGER_STATE, WINDOW_BASE, WINDOW_SIZE } from './layout.ts'
import { fillState, value64 } from './vectors.ts'

/** A program and its instructions' texts. */
export interface Program extends Group {
  lines: string[]
}

/** AF is undefined after bitwise operations and shifts: nothing in a program may look at it. */
const SEES_AF = new Set(['LAHF', 'PUSHF', 'PUSHFQ'])
/** Rows that transfer control, move the stack, or need registers prepared. */
const EXCLUDED =
  /^(J|CALL|RET|LOOP|PUSH|POP|ENTER|LEAVE|INT|UD|SYS|HLT|CLI|STI|IN$|OUT|MOVS[BWDQ]$|CMPS[BWDQ]|STOS|LODS|SCAS|XLAT|STD|CLTS|INV|WB|WRMSR|RDMSR|L[LGIFS][DSWT]|LTR|LMSW|SWAPGS|MOVBE|CMPXCHG16B)/

const usable = integer.filter(
  (row) =>
    row.untested === undefined &&
    row.feature === undefined &&
    !EXCLUDED.test(row.mnemonic) &&
    !SEES_AF.has(row.mnemonic) &&
    !hasKind(row, KIND.control, KIND.debug, KIND.offset),
)
const conditional = integer.filter(
  (row) => row.mnemonic.startsWith('J') && row.operands === 'Jb' && row.mnemonic !== 'JMP' && row.mnemonic !== 'JRCXZ',
)
const compare = integer.find((row) => row.op === '39')!
const move = integer.find((row) => row.op === 'B8+r')!
const decrement = integer.find((row) => row.op === 'FF /1')!
const load = integer.find((row) => row.op === '8B')!
const store = integer.find((row) => row.op === '89')!

const RSP = 4
/** Where the number of a base register stands. */
const RIP = 16
/** The loop counter: no other instruction of a program with a loop writes it. */
const COUNTER = 15

/** A register that may be written: not RSP, not the counter. Low registers dominate, so that instructions meet. */
function register(r: RandomState): number {
  const n = nextBelow(r, 3) === 0 ? 8 + nextBelow(r, 7) : nextBelow(r, 4)
  return n === RSP ? 0 : n
}

function memory(r: RandomState): MemoryShape {
  return {
    base: RIP,
    index: -1,
    scale: 0,
    displacement: WINDOW_BASE + 8 * nextBelow(r, WINDOW_SIZE / 8 - 2) + (nextBelow(r, 4) === 0 ? nextBelow(r, 8) : 0),
    displacementSize: 4,
    address32: false,
    segment: 0,
  }
}

/** Encodes a row at `at`; memory operands are RIP-relative, so the displacement depends on it. */
function encode(row: InsnRow, choice: Choice, at: number): Uint8Array {
  if (typeof choice.rm === 'number' || choice.rm.base !== RIP) return assemble(row, choice)!
  const length = assemble(row, choice)!.length
  const rm = { ...choice.rm, displacement: choice.rm.displacement - (CODE_BASE + at + length) }
  return assemble(row, { ...choice, rm })!
}

function anyChoice(r: RandomState, row: InsnRow): Choice {
  const operands = parseOperands(row.operands)
  const forms = rmForms(row)
  const useMemory = forms.memory && (!forms.register || nextBelow(r, 4) === 0)
  const immediate = immediateField(operands) === 0 ? 0 : nextBelow(r, 2) === 0 ? nextBelow(r, 65) : nextU32(r) | 0
  // 16-bit SHLD, SHRD and BSWAP have undefined results.
  const sizes = /^SH[LR]D|^BSWAP/.test(row.mnemonic) ? ([32, 64] as const) : ([32, 64, 32, 64, 16] as const)
  return {
    opsize: sizes[nextBelow(r, sizes.length)]!,
    rm: useMemory ? memory(r) : register(r),
    reg: hasKind(row, KIND.segment) ? nextBelow(r, 6) : register(r),
    opcodeRegister: register(r),
    immediate,
    // Without REX the 8-bit registers 4-7 would be AH and so on, which is wanted; with numbers up to 3 it makes no difference.
    forceRex: false,
    repeat: 0,
    address32: false,
    lock: useMemory && row.lock === true && nextBelow(r, 3) === 0,
  }
}

const plain = (opsize: 16 | 32 | 64, rm: number, reg: number, immediate = 0): Choice => ({
  opsize,
  rm,
  reg,
  opcodeRegister: rm,
  immediate,
  forceRex: false,
  repeat: 0,
  address32: false,
  lock: false,
})

interface Line {
  row: InsnRow
  choice: Choice
  /** Index of the line to jump to, for branches. */
  target?: number
  /** Nobody jumps here: it relies on the line before. */
  inside?: boolean
}

/**
 * A register is made a pointer, is followed once or twice, and is overwritten with what it points to, or with a part of it; what it pointed to may be reached from
 * another register afterwards.
 */
function chase(r: RandomState): Line[] {
  const pointer = register(r)
  const at: MemoryShape = { ...memory(r), base: pointer, displacement: 8 * nextBelow(r, 4), displacementSize: 1 }
  const rows = usable.filter((row) => rmForms(row).memory && row.mnemonic !== 'XCHG' && !hasKind(row, KIND.segment))
  const program: Line[] = [
    { row: move, choice: plain(64, pointer, 0, WINDOW_BASE + 8 * nextBelow(r, WINDOW_SIZE / 8 - 8)) },
  ]
  for (let n = nextBelow(r, 3); n > 0; n--) {
    const row = nextBelow(r, 2) === 0 ? load : rows[nextBelow(r, rows.length)]!
    const others = (register(r) + 5) % 4
    const reg = others === pointer ? (pointer + 1) % 4 : others
    if (undefinesFlags(row) || /^(MUL|IMUL|DIV|IDIV|CMPXCHG|XADD|BT)/.test(row.mnemonic)) continue
    program.push({ row, choice: { ...anyChoice(r, row), rm: at, reg, opcodeRegister: reg }, inside: true })
  }
  const opsize = ([32, 64, 64] as const)[nextBelow(r, 3)]!
  const other = 8 + nextBelow(r, 3)
  if (other !== pointer) program.push({ row: load, choice: plain(64, pointer, other), inside: true })
  program.push({ row: load, choice: { ...plain(opsize, 0, pointer), rm: at }, inside: true })
  if (other !== pointer) {
    const again = { ...plain(64, 0, register(r)), rm: { ...at, base: other } }
    program.push({ row: store, choice: again, inside: true })
  }
  return program
}

/** Rows whose flags are left undefined beyond AF are followed by a comparison. */
function undefinesFlags(row: InsnRow): boolean {
  return (((row.undefined ?? 0) & ~FLAG.af & ARITHMETIC_FLAGS) | (row.undefinedUnlessOne ?? 0)) !== 0
}

function lines(r: RandomState): Line[] {
  const program: Line[] = []
  const loops = nextBelow(r, 3) === 0
  if (loops) program.push({ row: move, choice: plain(32, COUNTER, 0, 1 + nextBelow(r, 4)) })
  const length = 4 + nextBelow(r, 10)
  const branches: number[] = []
  while (program.length < length) {
    if (nextBelow(r, 5) === 0) {
      branches.push(program.length)
      program.push({ row: conditional[nextBelow(r, conditional.length)]!, choice: plain(64, 0, 0) })
      continue
    }
    if (nextBelow(r, 6) === 0) {
      program.push(...chase(r))
      continue
    }
    const row = usable[nextBelow(r, usable.length)]!
    program.push({ row, choice: anyChoice(r, row) })
    if (undefinesFlags(row))
      program.push({ row: compare, choice: plain(nextBelow(r, 2) === 0 ? 32 : 64, register(r), register(r)) })
  }
  if (loops) {
    program.push({ row: decrement, choice: plain(32, COUNTER, 0) })
    const back = conditional.find((row) => row.mnemonic === 'JNE')!
    program.push({ row: back, choice: plain(64, 0, 0), target: 1 })
  }
  for (const at of branches) {
    let target = at + 1 + nextBelow(r, program.length - at - (loops ? 2 : 0))
    while (program[target]?.inside === true) target++
    program[at]!.target = target
  }
  return program
}

/** Assembles the lines; branch distances are one byte, so lengths are known after the first pass. */
function link(program: readonly Line[]): { code: Uint8Array; texts: string[] } | null {
  const starts: number[] = []
  let at = 0
  for (const line of program) {
    starts.push(at)
    at += encode(line.row, line.choice, at).length
  }
  starts.push(at)
  if (at > 240) return null
  const code = new Uint8Array(at)
  const texts: string[] = []
  for (let i = 0; i < program.length; i++) {
    const { row, choice, target } = program[i]!
    const distance = target === undefined ? choice.immediate : starts[target]! - starts[i + 1]!
    if (target !== undefined && (distance < -128 || distance > 127)) return null
    const bytes = encode(row, { ...choice, immediate: distance }, starts[i]!)
    code.set(bytes, starts[i])
    texts.push(
      `${starts[i]}: ${row.mnemonic} ${row.operands} [${Array.from(bytes, (x) => x.toString(16).padStart(2, '0')).join(' ')}]`,
    )
  }
  return { code, texts }
}

/** Program number `seed` with `count` initial states. */
export function randomProgram(seed: number, count: number): Program {
  const r = randomFrom(seed, 'instruction sequence')
  for (;;) {
    const linked = link(lines(r))
    if (linked === null) continue
    const states = new Uint8Array(count * INTEGER_STATE)
    const choice = plain(64, 0, 0)
    for (let i = 0; i < count; i++) {
      const state = states.subarray(i * INTEGER_STATE, (i + 1) * INTEGER_STATE)
      fillState(
        r,
        { row: move, choice, codeLength: linked.code.length, memory: null, bytes: 8, aligned: false, vector: false },
        state,
      )
      // Divisions mostly succeed when the high half is zero.
      const view = new DataView(state.buffer, state.byteOffset, INTEGER_STATE)
      view.setBigUint64(16, nextBelow(r, 2) === 0 ? 0n : value64(r), true)
    }
    return { name: linked.texts.join('\n'), code: linked.code, states, count, lines: linked.texts }
  }
}
