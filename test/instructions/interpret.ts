/** Exists as a second opinion on lifted code: executes the integer IR directly and slowly, with no lowering in between. */
import { EXIT } from '../../src/ir/exits.ts'
import { FLAG_KIND } from '../../src/ir/flags.ts'
import { HELPER } from '../../src/ir/helpers.ts'
import { STATE, STATE_SIZE } from '../../src/ir/registers.ts'
import type { Block, Node } from '../../src/ir/types.ts'

const M64 = (1n << 64n) - 1n

/** Guest memory for the interpreter: returns the first address that cannot be accessed, or -1. */
export interface Memory {
  check(address: bigint, bytes: number, write: boolean): bigint
  read(address: bigint, bytes: number): bigint
  write(address: bigint, bytes: number, value: bigint): void
}

/** The machine that the interpreter works on. */
export interface Machine {
  registers: bigint[]
  state: DataView
  memory: Memory
}

/** How a run of blocks ended: EXIT.none and the next address, or a fault at an instruction. */
export interface Outcome {
  reason: number
  pc: bigint
  faultAddress: bigint
}

/** A machine with all registers zero. */
export function machine(memory: Memory): Machine {
  return { registers: new Array<bigint>(48).fill(0n), state: new DataView(new ArrayBuffer(STATE_SIZE)), memory }
}

class Fault extends Error {
  readonly reason: number
  readonly address: bigint
  constructor(reason: number, address: bigint) {
    super(`fault ${reason}`)
    this.reason = reason
    this.address = address
  }
}

const bitsOf = (code: number): bigint => 8n << BigInt(code & 3)
const parity = (x: bigint): bigint => {
  let v = Number(x & 0xffn)
  v ^= v >> 4
  v ^= v >> 2
  v ^= v >> 1
  return BigInt(~v & 1)
}

/** The six arithmetic flags of a record, from the definitions in ir/flags.ts. */
export function flagsOf(kind: number, a: bigint, b: bigint): bigint {
  const bits = bitsOf(kind)
  const mask = (1n << bits) - 1n
  const which = kind >> 2
  if (which === FLAG_KIND.explicit) return a & 0x8d5n
  let result = a & mask
  let cf = 0n
  let af = 0n
  let of = 0n
  const top = (x: bigint): bigint => (x >> (bits - 1n)) & 1n
  if (which === FLAG_KIND.add) {
    result = (a + b) & mask
    cf = (a + b) >> bits
    af = ((a ^ b ^ result) >> 4n) & 1n
    of = top((a ^ result) & (b ^ result))
  } else if (which === FLAG_KIND.sub) {
    result = (a - b) & mask
    cf = a < b ? 1n : 0n
    af = ((a ^ b ^ result) >> 4n) & 1n
    of = top((a ^ b) & (a ^ result))
  } else if (which === FLAG_KIND.result) {
    cf = b & 1n
    af = (b >> 4n) & 1n
    of = (b >> 11n) & 1n
  } else {
    const dec = which === FLAG_KIND.dec
    cf = b & 1n
    af = (result & 15n) === (dec ? 15n : 0n) ? 1n : 0n
    of = result === (dec ? mask >> 1n : (mask >> 1n) + 1n) ? 1n : 0n
  }
  return (
    cf | (parity(result) << 2n) | (af << 4n) | ((result === 0n ? 1n : 0n) << 6n) | (top(result) << 7n) | (of << 11n)
  )
}

function conditionOf(flags: bigint, cc: number): boolean {
  const f = (bit: bigint): boolean => (flags & bit) !== 0n
  const results = [
    f(2048n),
    f(1n),
    f(64n),
    f(65n),
    f(128n),
    f(4n),
    f(128n) !== f(2048n),
    f(64n) || f(128n) !== f(2048n),
  ]
  return results[cc >> 1] !== ((cc & 1) === 1)
}

const S32 = (x: bigint): bigint => BigInt.asIntN(32, x)
const S64 = (x: bigint): bigint => BigInt.asIntN(64, x)
const count = (x: bigint, bits: number, f: (text: string) => number): bigint =>
  BigInt(f(x.toString(2).padStart(bits, '0')))

type Pure = (a: bigint, b: bigint, c: bigint, n: Node) => bigint
const pure = new Map<string, Pure>()

/** Values are unsigned BigInts of the op's width. */
function define(bits: 32 | 64): void {
  const p = `i${bits}.`
  const w = BigInt(bits)
  const u = (x: bigint): bigint => BigInt.asUintN(bits, x)
  const s = (x: bigint): bigint => BigInt.asIntN(bits, x)
  const on = (name: string, f: Pure): void => void pure.set(p + name, (a, b, c, n) => u(f(a, b, c, n)))
  const bool = (x: boolean): bigint => (x ? 1n : 0n)
  const nonZero = (b: bigint): bigint => {
    if (b === 0n) throw new Error('wasm trap: division by zero')
    return b
  }
  on('const', (_a, _b, _c, n) => BigInt(n.imm >>> 0) | (bits === 64 ? BigInt(n.imm2) << 32n : 0n))
  on('add', (a, b) => a + b)
  on('sub', (a, b) => a - b)
  on('mul', (a, b) => a * b)
  on('and', (a, b) => a & b)
  on('or', (a, b) => a | b)
  on('xor', (a, b) => a ^ b)
  on('shl', (a, b) => a << (b % w))
  on('shr_u', (a, b) => a >> (b % w))
  on('shr_s', (a, b) => s(a) >> (b % w))
  on('rotl', (a, b) => (a << (b % w)) | (a >> (w - (b % w))))
  on('rotr', (a, b) => (a >> (b % w)) | (a << (w - (b % w))))
  on('div_u', (a, b) => a / nonZero(b))
  on('rem_u', (a, b) => a % nonZero(b))
  on('div_s', (a, b) => {
    if (s(a) === -(1n << (w - 1n)) && s(b) === -1n) throw new Error('wasm trap: overflow')
    return s(a) / nonZero(s(b))
  })
  on('rem_s', (a, b) => s(a) % nonZero(s(b)))
  pure.set(`${p}eqz`, (a) => bool(a === 0n))
  pure.set(`${p}eq`, (a, b) => bool(a === b))
  pure.set(`${p}ne`, (a, b) => bool(a !== b))
  pure.set(`${p}lt_u`, (a, b) => bool(a < b))
  pure.set(`${p}gt_u`, (a, b) => bool(a > b))
  pure.set(`${p}le_u`, (a, b) => bool(a <= b))
  pure.set(`${p}ge_u`, (a, b) => bool(a >= b))
  pure.set(`${p}lt_s`, (a, b) => bool(s(a) < s(b)))
  pure.set(`${p}gt_s`, (a, b) => bool(s(a) > s(b)))
  pure.set(`${p}le_s`, (a, b) => bool(s(a) <= s(b)))
  pure.set(`${p}ge_s`, (a, b) => bool(s(a) >= s(b)))
  on('clz', (a) => count(a, bits, (t) => (t.indexOf('1') < 0 ? bits : t.indexOf('1'))))
  on('ctz', (a) => count(a, bits, (t) => (t.lastIndexOf('1') < 0 ? bits : bits - 1 - t.lastIndexOf('1'))))
  on('popcnt', (a) => count(a, bits, (t) => t.replaceAll('0', '').length))
  on('extend8_s', (a) => BigInt.asIntN(8, a))
  on('extend16_s', (a) => BigInt.asIntN(16, a))
  on('extend32_s', (a) => BigInt.asIntN(32, a))
  pure.set(`${p}select`, (a, b, c) => (c !== 0n ? a : b))
}
define(32)
define(64)
pure.set('i32.wrap_i64', (a) => a & 0xffffffffn)
pure.set('i64.extend_i32_s', (a) => S32(a) & M64)
pure.set('i64.extend_i32_u', (a) => a)
pure.set('i64.mulhi_u', (a, b) => (a * b) >> 64n)
pure.set('i64.mulhi_s', (a, b) => ((S64(a) * S64(b)) >> 64n) & M64)
pure.set('v128.select', (a, b, c) => (c !== 0n ? a : b))
pure.set('i64x2.splat', (a) => a | (a << 64n))
pure.set('i64x2.extract_lane', (a, _b, _c, n) => (a >> (64n * BigInt(n.imm))) & M64)
pure.set('i64x2.replace_lane', (a, b, _c, n) => (a & ~(M64 << (64n * BigInt(n.imm)))) | (b << (64n * BigInt(n.imm))))

const WIDTHS: Record<string, number> = {
  load8: 1,
  load16: 2,
  load32: 4,
  load64: 8,
  load128: 16,
  store8: 1,
  store16: 2,
  store32: 4,
  store64: 8,
  store128: 16,
}

function helper(m: Machine, id: number): bigint {
  if (id !== HELPER.div128 && id !== HELPER.idiv128) throw new Error(`helper ${id}`)
  const at = (offset: number): bigint => m.state.getBigUint64(STATE.scratch + offset, true)
  const signed = id === HELPER.idiv128
  const dividend = signed ? BigInt.asIntN(128, at(0) | (at(8) << 64n)) : at(0) | (at(8) << 64n)
  const divisor = signed ? S64(at(16)) : at(16)
  if (divisor === 0n) return 1n
  const quotient = dividend / divisor
  if ((signed ? BigInt.asIntN(64, quotient) : BigInt.asUintN(64, quotient)) !== quotient) return 1n
  m.state.setBigUint64(STATE.scratch, quotient & M64, true)
  m.state.setBigUint64(STATE.scratch + 8, (dividend % divisor) & M64, true)
  return 0n
}

function execute(m: Machine, n: Node, values: Map<Node, bigint>): bigint {
  const a = n.a === null ? 0n : values.get(n.a)!
  const b = n.b === null ? 0n : values.get(n.b)!
  const c = n.c === null ? 0n : values.get(n.c)!
  const f = pure.get(n.op.name)
  if (f !== undefined) return f(a, b, c, n)
  switch (n.op.name) {
    case 'i32.get':
    case 'i64.get':
    case 'v128.get':
      return m.registers[n.imm]!
    case 'i32.put':
    case 'i64.put':
    case 'v128.put':
      m.registers[n.imm] = a
      return 0n
    case 'state.load32':
      return BigInt(m.state.getUint32(n.imm, true))
    case 'state.store32':
      m.state.setUint32(n.imm, Number(a), true)
      return 0n
    case 'state.load64':
      return m.state.getBigUint64(n.imm, true)
    case 'state.store64':
      m.state.setBigUint64(n.imm, a, true)
      return 0n
    case 'helper':
      return helper(m, n.imm)
    case 'fault.if':
      if (a !== 0n) throw new Fault(n.imm, 0n)
      return 0n
    case 'flags.cond':
      return conditionOf(flagsOf(Number(a), b, c), n.imm) ? 1n : 0n
    case 'flags.materialize':
      return flagsOf(Number(a), b, c)
    default:
      return access(m, n, a, b)
  }
}

function access(m: Machine, n: Node, address: bigint, value: bigint): bigint {
  const bytes = WIDTHS[n.op.name]
  if (bytes === undefined) throw new Error(`op ${n.op.name}`)
  const write = n.op.effect === 'store'
  const bad = m.memory.check(address, bytes, write)
  if (bad >= 0n) throw new Fault(write ? EXIT.writeFault : EXIT.readFault, bad)
  if (!write) return m.memory.read(address, bytes)
  m.memory.write(address, bytes, value & ((1n << BigInt(8 * bytes)) - 1n))
  return 0n
}

/** Runs a lifted block and its internal blocks until control leaves them for a guest address. */
export function runBlocks(m: Machine, blocks: readonly Block[]): Outcome {
  let block = blocks[0]!
  let pc = BigInt(block.pc)
  try {
    for (;;) {
      const values = new Map<Node, bigint>()
      for (const n of block.ops) values.set(n, execute(m, n, values))
      const of = (n: Node): bigint => values.get(n)!
      const term = block.term
      const out = (next: bigint): Outcome => ({ reason: EXIT.none, pc: BigInt.asUintN(64, next), faultAddress: 0n })
      switch (term.kind) {
        case 'jump':
          if (typeof term.target === 'number') return out(BigInt(term.target))
          block = term.target
          break
        case 'branch': {
          const target = of(term.cond) !== 0n ? term.then : term.else
          if (typeof target === 'number') return out(BigInt(target))
          block = target
          break
        }
        case 'ijump':
        case 'icall':
        case 'ret':
          return out(of(term.address))
        case 'call':
          return out(BigInt(term.target))
        case 'syscall':
          return out(BigInt(term.next))
        case 'intercept':
          return out(BigInt(term.pc))
        case 'leave':
          return out(BigInt(term.pc))
        case 'fault':
          return {
            reason: term.reason,
            pc: BigInt(term.pc),
            faultAddress: m.state.getBigUint64(STATE.faultAddress, true),
          }
      }
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    pc = BigInt(block.pc)
    return { reason: error.reason, pc, faultAddress: error.address }
  }
}
