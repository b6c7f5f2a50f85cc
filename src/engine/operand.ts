/** Exists to say which memory an instruction is about to read, for those who look for where a value came from. */
import { REG, registers } from '../ir/registers.ts'
import { DECODED, decoderFor } from '../x86/decode.ts'
import { BASE_RIP, Insn } from '../x86/insn.ts'
import { KIND, WIDTH, type Operand } from '../x86/table/operands.ts'
import type { AddressSpace } from './address-space.ts'
import type { CpuState } from './cpu-state.ts'

/** Operands that ModRM may make memory. */
const MEMORY: readonly number[] = [KIND.rm, KIND.memory, KIND.xmmRm, KIND.mmxRm]

/** Instructions that only write an operand in memory, if it is their first. */
const WRITES = /^(?:MOV|SET|ST|FST|FIST|FXSAVE|XSAVE)/

/** Instructions that name memory and do not read it, or only to put back what was there before. */
const NAMES = /^(?:LEA|NOP|PREFETCH|CLFLUSH|XRSTOR|FXRSTOR|FRSTOR|FLDENV)/

/** What the instruction at rip reads of memory by its ModRM byte or as a string; null for nothing, and for what the stack pointer alone leads to. Sizes are bytes. */
export function memoryRead(space: AddressSpace, cpu: CpuState): { address: number; size: number } | null {
  const insn = insnAt(space, cpu)
  if (insn === null) return null
  const { operands } = insn.form
  const { mnemonic } = insn.form.row
  const source = operands.find(({ kind }) => kind === KIND.source)
  if (source !== undefined) return { address: cpu.gprNumber(REG.rsi), size: sizeOf(source, insn) }
  if (!insn.memory || NAMES.test(mnemonic)) return null
  const at = operands.findIndex(({ kind }) => MEMORY.includes(kind))
  if (at < 0 || (at === 0 && WRITES.test(mnemonic))) return null
  return { address: addressOf(insn, cpu) + bitOffset(insn, cpu), size: sizeOf(operands[at]!, insn) }
}

/** The operand in memory of the instruction at rip; `store`: it is only written. Null for none. */
export function memoryOperand(
  space: AddressSpace,
  cpu: CpuState,
): { address: number; size: number; store: boolean } | null {
  const insn = insnAt(space, cpu)
  if (insn === null || !insn.memory) return null
  const { operands, row } = insn.form
  const at = operands.findIndex(({ kind }) => MEMORY.includes(kind))
  if (at < 0) return null
  return {
    address: addressOf(insn, cpu),
    size: sizeOf(operands[at]!, insn),
    store: at === 0 && WRITES.test(row.mnemonic),
  }
}

function insnAt(space: AddressSpace, cpu: CpuState): Insn | null {
  const pc = Number(cpu.rip)
  const bytes = space.read(pc, 15) ?? space.read(pc, 1)
  if (bytes === null) return null
  const insn = new Insn()
  return decoderFor().decode(bytes, 0, bytes.length, pc, insn) === DECODED.ok ? insn : null
}

/** How far from its operand a bit string instruction (BT, BTS, BTR, BTC with a register) works, in bytes: bit numbers are signed and may be any (SDM volume 2, BT). */
function bitOffset({ form, opsize, reg }: Insn, cpu: CpuState): number {
  if (!/^BT[SRC]?$/.test(form.row.mnemonic) || form.operands[1]?.kind !== KIND.reg) return 0
  return Math.floor(Number(BigInt.asIntN(opsize, cpu.gpr(reg))) / opsize) * (opsize / 8)
}

function sizeOf({ memWidth }: Operand, { opsize }: Insn): number {
  if (memWidth > 0) return memWidth / 8
  if (memWidth === WIDTH.z) return opsize === 16 ? 2 : 4
  if (memWidth === WIDTH.y) return opsize === 64 ? 8 : 4
  return opsize / 8
}

function addressOf({ pc, length, base, index, scale, disp, segment, addrsize }: Insn, cpu: CpuState): number {
  const from = segment === 4 ? REG.fsBase : segment === 5 ? REG.gsBase : -1
  let address = BigInt(disp)
  if (base === BASE_RIP) address += BigInt(pc + length)
  else if (base >= 0) address += cpu.gpr(base)
  if (index >= 0) address += cpu.gpr(index) << BigInt(scale)
  address = BigInt.asUintN(addrsize, address)
  if (from >= 0) address += cpu.view.getBigUint64(registers[from]!.offset, true)
  return Number(BigInt.asUintN(64, address))
}
