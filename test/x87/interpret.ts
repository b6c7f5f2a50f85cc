/** Exists to execute the IR of single x87 instructions without the engine: lifts and helpers are tested before and apart from the lowering. */
import { Builder, makeBlock } from '../../src/ir/builder.ts'
import { CC } from '../../src/ir/flags.ts'
import { REG, STATE_SIZE } from '../../src/ir/registers.ts'
import type { Node } from '../../src/ir/types.ts'
import { x87Helper } from '../../src/engine/helpers/x87.ts'
import { decoderFor } from '../../src/x86/decode.ts'
import { Insn } from '../../src/x86/insn.ts'
import { LiftContext } from '../../src/x86/lift.ts'

/** A machine of one instruction: CPU state, memory that starts at address 0x1000 (in RDI), RAX and the arithmetic flags. */
export interface Machine {
  state: DataView
  memory: DataView
  rax: bigint
  flags: number
}

/** Address of the first byte of the machine's memory. */
const MEMORY_BASE = 0x1000

type Value = number | bigint

const conditions: Record<number, (flags: number) => boolean> = {
  [CC.b]: (f) => (f & 1) !== 0,
  [CC.ae]: (f) => (f & 1) === 0,
  [CC.e]: (f) => (f & 64) !== 0,
  [CC.ne]: (f) => (f & 64) === 0,
  [CC.be]: (f) => (f & 65) !== 0,
  [CC.a]: (f) => (f & 65) === 0,
  [CC.p]: (f) => (f & 4) !== 0,
  [CC.np]: (f) => (f & 4) === 0,
}

const binary: Record<string, (x: never, y: never) => Value> = {
  'i32.and': (x: number, y: number) => x & y,
  'i32.or': (x: number, y: number) => x | y,
  'i32.add': (x: number, y: number) => (x + y) | 0,
  'i32.ne': (x: number, y: number) => Number(x !== y),
  'i32.lt_s': (x: number, y: number) => Number(x < y),
  'i64.add': (x: bigint, y: bigint) => BigInt.asUintN(64, x + y),
  'i64.and': (x: bigint, y: bigint) => x & y,
  'i64.or': (x: bigint, y: bigint) => x | y,
}

const unary: Record<string, (x: never) => Value> = {
  'i32.wrap_i64': (x: bigint) => Number(BigInt.asIntN(32, x)),
  'i64.extend_i32_u': (x: number) => BigInt(x >>> 0),
}

/** Executes the instruction in `code`; returns 0, or the EXIT reason of the fault that it raised. */
export function execute(machine: Machine, code: Uint8Array): number {
  const insn = new Insn()
  const result = decoderFor().decode(code, 0, code.length, 0x400000, insn)
  if (result !== 0) throw new Error(`not decoded (${result}): ${Array.from(code, (x) => x.toString(16)).join(' ')}`)
  const block = makeBlock(insn.pc, false)
  const b = new Builder(block)
  const l = new LiftContext(b)
  b.startInsn(insn.pc, insn.length)
  l.begin(insn)
  insn.form.row.lift(l)
  const values = new Map<Node, Value>()
  for (const node of block.ops) {
    const fault = step(machine, node, values)
    if (fault !== 0) return fault
  }
  return block.term.kind === 'fault' ? block.term.reason : 0
}

/** Executes one op; returns an EXIT reason when it faults. */
function step(machine: Machine, node: Node, values: Map<Node, Value>): number {
  const { state, memory } = machine
  const a = node.a === null ? 0 : values.get(node.a)!
  const b = node.b === null ? 0 : values.get(node.b)!
  const at = (): number => Number(a) - MEMORY_BASE
  const name = node.op.name
  let value: Value = 0
  switch (name) {
    case 'i32.const':
      value = node.imm
      break
    case 'i64.const':
      value = BigInt.asUintN(64, (BigInt(node.imm2) << 32n) | BigInt(node.imm >>> 0))
      break
    case 'i64.get':
      value = node.imm === REG.rdi ? BigInt(MEMORY_BASE) : node.imm === REG.rax ? machine.rax : BigInt(machine.flags)
      break
    case 'i64.put':
      if (node.imm === REG.rax) machine.rax = a as bigint
      else if (node.imm === REG.flagA) machine.flags = Number(a)
      break
    case 'i32.get':
    case 'i32.put':
      // The kind of the flag record, which is always explicit here: operand A holds the flags themselves.
      break
    case 'load8':
      value = memory.getUint8(at())
      break
    case 'load16':
      value = memory.getUint16(at(), true)
      break
    case 'load32':
      value = memory.getInt32(at(), true)
      break
    case 'load64':
      value = memory.getBigUint64(at(), true)
      break
    case 'store16':
      memory.setUint16(at(), b as number, true)
      break
    case 'store32':
      memory.setInt32(at(), b as number, true)
      break
    case 'store64':
      memory.setBigUint64(at(), b as bigint, true)
      break
    case 'state.load32':
      value = state.getInt32(node.imm, true)
      break
    case 'state.load64':
      value = state.getBigUint64(node.imm, true)
      break
    case 'state.store32':
      state.setInt32(node.imm, a as number, true)
      break
    case 'state.store64':
      state.setBigUint64(node.imm, a as bigint, true)
      break
    case 'probe.write':
      break
    case 'fault.if':
      if (a !== 0) return node.imm
      break
    case 'helper':
      value = x87Helper(state, node.imm, a as number, b as number) | 0
      break
    case 'flags.cond':
      value = Number(conditions[node.imm]!(machine.flags))
      break
    default:
      if (name in binary) value = binary[name]!(a as never, b as never)
      else if (name in unary) value = unary[name]!(a as never)
      else throw new Error(`no meaning for ${name} in the x87 tests`)
  }
  values.set(node, value)
  return 0
}

/** A fresh CPU state. */
export const emptyState = (): DataView => new DataView(new ArrayBuffer(STATE_SIZE))
