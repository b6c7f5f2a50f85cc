/** Exists so that reports, traces and errors can show an instruction as text, in Intel syntax. */
import { BASE_RIP, type Insn, PREFIX } from './insn.ts'
import { KIND, type Operand, WIDTH } from './table/operands.ts'

const NAMES64 = [
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
const NAMES32 = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi', ...NAMES64.slice(8).map((name) => `${name}d`)]
const NAMES16 = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di', ...NAMES64.slice(8).map((name) => `${name}w`)]
const NAMES8 = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil', ...NAMES64.slice(8).map((name) => `${name}b`)]
const HIGH8 = ['ah', 'ch', 'dh', 'bh']
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', '?', '?']
const POINTERS: Record<number, string> = {
  8: 'byte ptr ',
  16: 'word ptr ',
  32: 'dword ptr ',
  64: 'qword ptr ',
  80: 'tbyte ptr ',
  128: 'xmmword ptr ',
}

/** Hexadecimal, but decimal where both read the same. */
function number(value: bigint | number): string {
  return value < 10 ? value.toString() : `0x${value.toString(16)}`
}

function generalName(insn: Insn, register: number, bits: number): string {
  if (bits === 64) return NAMES64[register]!
  if (bits === 32) return NAMES32[register]!
  if (bits === 16) return NAMES16[register]!
  return insn.rex === 0 && register >= 4 && register < 8 ? HIGH8[register - 4]! : NAMES8[register]!
}

function widthOf(insn: Insn, o: Operand, memory: boolean): number {
  const width = memory ? o.memWidth : o.width
  if (width >= 0) return width
  if (width === WIDTH.v) return insn.opsize
  return width === WIDTH.y ? (insn.opsize === 64 ? 64 : 32) : insn.opsize === 16 ? 16 : 32
}

/** The signed word pair of an immediate, as an unsigned number of `bits` bits. */
function immediate(insn: Insn, bits: number): string {
  return number(BigInt.asUintN(bits, (BigInt(insn.immHi) << 32n) | BigInt(insn.immLo >>> 0)))
}

function address(insn: Insn): string {
  const segment = insn.segment === 0 ? '' : `${SEGMENTS[insn.segment]}:`
  const bits = insn.addrsize
  if (insn.modrm < 0) {
    const at = (BigInt(insn.dispHigh >>> 0) << 32n) | BigInt(insn.disp >>> 0)
    return `${segment}[${number(at)}]`
  }
  if (insn.base === BASE_RIP)
    return `${segment}[${number(BigInt.asUintN(bits, BigInt(insn.pc + insn.length + insn.disp)))}]`
  const names = bits === 64 ? NAMES64 : NAMES32
  const parts: string[] = []
  if (insn.base >= 0) parts.push(names[insn.base]!)
  if (insn.index >= 0)
    parts.push(insn.scale === 0 && insn.base >= 0 ? names[insn.index]! : `${names[insn.index]!}*${1 << insn.scale}`)
  if (parts.length === 0) return `${segment}[${number(BigInt.asUintN(bits, BigInt(insn.disp)))}]`
  const displacement = insn.disp === 0 ? '' : insn.disp < 0 ? `-${number(-insn.disp)}` : `+${number(insn.disp)}`
  return `${segment}[${parts.join('+')}${displacement}]`
}

/** The second immediate byte belongs to the second operand of ENTER. */
function immediateOperand(insn: Insn, o: Operand, index: number): string {
  if (index > 0 && insn.form.operands[index - 1]!.kind === KIND.immediate) return number(insn.imm2)
  return immediate(insn, o.signed ? insn.opsize : o.width)
}

function operandText(insn: Insn, o: Operand, index: number): string {
  const inModrm = o.kind === KIND.rm || o.kind === KIND.xmmRm || o.kind === KIND.mmxRm
  if ((inModrm && insn.memory) || o.kind === KIND.memory || o.kind === KIND.offset)
    return (POINTERS[widthOf(insn, o, true)] ?? '') + address(insn)
  switch (o.kind) {
    case KIND.rm:
    case KIND.rmRegister:
    case KIND.opcode:
      return generalName(insn, insn.rm, widthOf(insn, o, false))
    case KIND.reg:
      return generalName(insn, insn.reg, widthOf(insn, o, false))
    case KIND.fixed:
      return o.width === 8 ? NAMES8[o.register]! : generalName(insn, o.register, widthOf(insn, o, false))
    case KIND.xmm:
      return `xmm${insn.reg}`
    case KIND.xmmRm:
    case KIND.xmmRegister:
      return `xmm${insn.rm}`
    case KIND.mmx:
      return `mm${insn.reg & 7}`
    case KIND.mmxRm:
    case KIND.mmxRegister:
      return `mm${insn.rm & 7}`
    case KIND.segment:
      return SEGMENTS[insn.reg & 7]!
    case KIND.fixedSegment:
      return SEGMENTS[o.register]!
    case KIND.control:
      return `cr${insn.reg}`
    case KIND.debug:
      return `dr${insn.reg}`
    case KIND.immediate:
      return immediateOperand(insn, o, index)
    case KIND.relative:
      return number(BigInt.asUintN(64, BigInt(insn.pc + insn.length + insn.immLo)))
    case KIND.one:
      return '1'
    case KIND.st0:
      return 'st(0)'
    default:
      return `st(${insn.modrm & 7})`
  }
}

/** Prefixes that change what the instruction does and do not show in its operands. */
function prefixText(insn: Insn): string {
  const counted = insn.form.repeat || insn.form.row.mnemonic.startsWith('LOOP')
  const address32 = counted && insn.addrsize === 32 ? 'addr32 ' : ''
  return address32 + repeatText(insn)
}

function repeatText(insn: Insn): string {
  const lock = (insn.prefixes & PREFIX.lock) !== 0 ? 'lock ' : ''
  if (!insn.form.repeat) return lock
  const equal = insn.form.row.repeat === 'repz'
  if ((insn.prefixes & PREFIX.rep) !== 0) return equal ? 'repe ' : 'rep '
  return (insn.prefixes & PREFIX.repne) !== 0 ? (equal ? 'repne ' : 'rep ') : lock
}

/** String instructions are named by their width; only a segment other than DS is worth a word. */
function stringText(insn: Insn, mnemonic: string): string {
  const usesSource = insn.form.operands.some((o) => o.kind === KIND.source)
  return usesSource && insn.segment !== 0 ? `${SEGMENTS[insn.segment]} ${mnemonic}` : mnemonic
}

/** The instruction in Intel syntax: lower case, destination first, addresses and immediates in hexadecimal from 10 on. */
export function disassemble(insn: Insn): string {
  const { row, operands } = insn.form
  const mnemonic = row.mnemonic.toLowerCase()
  if (row.mnemonic === 'XCHG' && insn.modrm < 0 && insn.rm === 0) return 'nop'
  if (row.mnemonic === 'JRCXZ' && insn.addrsize === 32) return `jecxz ${operandText(insn, operands[0]!, 0)}`
  if (insn.form.repeat) return prefixText(insn) + stringText(insn, mnemonic)
  const texts = operands.map((o, i) => operandText(insn, o, i))
  return `${prefixText(insn)}${mnemonic}${texts.length > 0 ? ` ${texts.join(', ')}` : ''}`
}
