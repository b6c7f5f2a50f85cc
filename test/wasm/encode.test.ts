/** Tests the encoder: every opcode and every section against wabt's bytes, the number formats against BigInt. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import wabtInit from 'wabt'
import {
  BLOCK_VOID,
  blockResult,
  F32,
  F64,
  FunctionBody,
  I32,
  I64,
  ModuleBuilder,
  V128,
} from '../../src/wasm/encode.ts'
import { CodeWriter } from '../../src/wasm/encode-writer.ts'
import * as OP from '../../src/wasm/opcodes.ts'

const wabt = await wabtInit()

const FEATURES = {
  simd: true,
  bulk_memory: true,
  reference_types: true,
  tail_call: true,
  multi_value: true,
  sat_float_to_int: true,
  sign_extension: true,
  mutable_globals: true,
  code_metadata: true,
  annotations: true,
}

/** The bytes that wabt makes of a module's text; nothing is validated. */
function assemble(text: string): Uint8Array {
  const module = wabt.parseWat('test.wat', text, FEATURES)
  const { buffer } = module.toBinary({ write_debug_names: false })
  module.destroy()
  return buffer
}

/** A module of one function without parameters whose body is `write`'s. */
function single(write: (body: FunctionBody) => void): Uint8Array {
  const builder = new ModuleBuilder()
  const body = new FunctionBody()
  write(body)
  builder.add(builder.type([], []), body)
  return builder.finish()
}

/** Text and encoding of an instruction with all its immediates. */
function instruction(id: string, opcode: number): { text: string; write: (w: FunctionBody) => void } {
  // The specification's name: the first `_` after a type or a namespace is a dot.
  const name = id.replace(
    /^(i32|i64|f32|f64|v128|i8x16|i16x8|i32x4|i64x2|f32x4|f64x2|local|global|table|memory|data|elem|ref)_/,
    '$1.',
  )
  const plain = { text: name, write: (w: FunctionBody) => w.op(opcode) }
  const withIndex = { text: `${name} 7`, write: (w: FunctionBody) => w.opIndex(opcode, 7) }
  if (/^(v128\.(load|store)\d+_lane)$/.test(name)) {
    return { text: `${name} offset=300 align=1 1`, write: (w) => w.opMemoryLane(opcode, 0, 300, 1) }
  }
  if (/\.(load|store)/.test(name)) {
    return { text: `${name} offset=4294967295 align=1`, write: (w) => w.opMemory(opcode, 0, 0xffffffff) }
  }
  if (/_lane(_[su])?$/.test(name)) return { text: `${name} 1`, write: (w) => w.opLane(opcode, 1) }
  switch (name) {
    case 'block':
    case 'loop':
      return { text: `${name} end`, write: (w) => (w.opBlock(opcode, BLOCK_VOID), w.op(OP.end)) }
    case 'if':
      return { text: 'if (result f32) end', write: (w) => (w.opBlock(opcode, blockResult(F32)), w.op(OP.end)) }
    case 'else':
      return {
        text: 'if else nop end',
        write: (w) => (w.opBlock(OP.if, BLOCK_VOID), w.op(opcode), w.op(OP.nop), w.op(OP.end)),
      }
    case 'end':
      return { text: 'block end', write: (w) => (w.opBlock(OP.block, BLOCK_VOID), w.op(opcode)) }
    case 'select_t':
      return { text: 'select (result i64)', write: (w) => (w.op(opcode), w.u8(1), w.u8(I64)) }
    case 'br_table':
      return { text: 'br_table 1 200 3', write: (w) => w.brTable([1, 200], 3) }
    case 'call_indirect':
      return { text: 'call_indirect 2 (type 3)', write: (w) => w.callIndirect(3, 2) }
    case 'return_call_indirect':
      return { text: 'return_call_indirect 2 (type 3)', write: (w) => w.returnCallIndirect(3, 2) }
    case 'memory.init':
    case 'table.init':
      return { text: `${name} 7`, write: (w) => (w.opIndex(opcode, 7), w.u8(0)) }
    case 'memory.copy':
      return { text: name, write: (w) => w.memoryCopy() }
    case 'memory.fill':
      return { text: name, write: (w) => w.memoryFill() }
    case 'table.copy':
      return { text: 'table.copy 1 2', write: (w) => (w.opIndex(opcode, 1), w.u32leb(2)) }
    case 'memory.size':
    case 'memory.grow':
      return { text: name, write: (w) => w.opIndex(opcode, 0) }
    case 'ref.null':
      return { text: 'ref.null func', write: (w) => (w.op(opcode), w.u8(0x70)) }
    case 'ref.is_null':
      return plain
    case 'i32.const':
      return { text: 'i32.const -2147483648', write: (w) => w.i32Const(0x80000000) }
    case 'i64.const':
      return { text: 'i64.const -2', write: (w) => w.i64Const(-2, -1) }
    case 'f32.const':
      return { text: 'f32.const nan:0x200001', write: (w) => w.f32Const(0x7fa00001) }
    case 'f64.const':
      return { text: 'f64.const -nan:0x4000000000001', write: (w) => w.f64Const(1, 0xfff40000) }
    case 'v128.const':
      return {
        text: 'v128.const i32x4 1 0x89abcdef 3 4',
        write: (w) => w.v128Const(1, 0x89abcdef, 3, 4),
      }
    case 'i8x16.shuffle': {
      const lanes = [0, 31, 2, 29, 4, 27, 6, 25, 8, 23, 10, 21, 12, 19, 14, 17]
      return { text: `${name} ${lanes.join(' ')}`, write: (w) => w.shuffle(lanes) }
    }
    case 'table.get':
    case 'table.set':
    case 'table.grow':
    case 'table.size':
    case 'table.fill':
    case 'br':
    case 'br_if':
    case 'call':
    case 'return_call':
    case 'data.drop':
    case 'elem.drop':
    case 'ref.func':
      return withIndex
    default:
      return /^(local|global)\./.test(name) ? withIndex : plain
  }
}

describe('instructions', () => {
  it('has the bytes that wabt gives every instruction of the table', () => {
    const wrong: string[] = []
    for (const [id, opcode] of Object.entries(OP)) {
      const { text, write } = instruction(id, opcode)
      const ours = single(write)
      const theirs = assemble(`(module (func ${text}))`)
      if (Buffer.compare(ours, theirs) !== 0) wrong.push(`${text}: ${Buffer.from(ours).toString('hex')}`)
    }
    expect(wrong).toEqual([])
  })

  it('has the whole of fixed-width SIMD', () => {
    const simd = new Set(Object.values(OP).filter((opcode) => opcode >> 8 === 0xfd))
    expect(simd.size).toBe(236)
  })

  it('writes the memory index of an access to another memory', () => {
    const writer = new CodeWriter()
    writer.opMemory(OP.i64_load, 3, 300, 2)
    // Specification, section 5.4.7: bit 6 of the alignment announces the memory index, which precedes the offset.
    expect([...writer.toBytes()]).toEqual([OP.i64_load, 0x43, 2, 0xac, 0x02])
  })
})

/** Decodes a LEB128 number of up to 64 bits. */
function decodeLeb(bytes: Uint8Array, signed: boolean): bigint {
  let value = 0n
  let shift = 0n
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift
    shift += 7n
  }
  return signed && (bytes[bytes.length - 1] & 0x40) !== 0 ? value - (1n << shift) : value
}

/** Number of bytes of the shortest LEB128 encoding. */
function shortestLeb(value: bigint, signed: boolean): number {
  let length = 1
  while (signed ? BigInt.asIntN(length * 7, value) !== value : BigInt.asUintN(length * 7, value) !== value) length++
  return length
}

describe('numbers', () => {
  const bits64 = fc.oneof(
    fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
    // Around the borders between encoded lengths and between the two words.
    fc
      .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -3, max: 3 }))
      .map(([shift, d]) => (1n << BigInt(shift)) + BigInt(d)),
    fc
      .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: -3, max: 3 }))
      .map(([shift, d]) => BigInt(d) - (1n << BigInt(shift))),
  )

  it('writes signed 64-bit numbers in their shortest form', () => {
    fc.assert(
      fc.property(bits64, (any) => {
        const value = BigInt.asIntN(64, any)
        const writer = new CodeWriter()
        writer.s64leb(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
        expect(decodeLeb(writer.toBytes(), true)).toBe(value)
        expect(writer.length).toBe(shortestLeb(value, true))
      }),
      { numRuns: 2000 },
    )
  })

  it('writes 32-bit numbers in their shortest form', () => {
    fc.assert(
      fc.property(bits64, (any) => {
        const signed = BigInt.asIntN(32, any)
        const unsigned = BigInt.asUintN(32, any)
        const writer = new CodeWriter()
        writer.s32leb(Number(signed))
        expect(decodeLeb(writer.toBytes(), true)).toBe(signed)
        expect(writer.length).toBe(shortestLeb(signed, true))
        writer.reset()
        writer.u32leb(Number(unsigned))
        expect(decodeLeb(writer.toBytes(), false)).toBe(unsigned)
        expect(writer.length).toBe(shortestLeb(unsigned, false))
      }),
      { numRuns: 2000 },
    )
  })

  it('grows without losing bytes', () => {
    const writer = new CodeWriter(1)
    for (let i = 0; i < 5000; i++) writer.u8(i & 0xff)
    writer.raw(new Uint8Array(100_000).fill(7))
    expect(writer.toBytes()).toEqual(Uint8Array.from({ length: 105_000 }, (_, i) => (i < 5000 ? i & 0xff : 7)))
  })
})

describe('modules', () => {
  it('has the bytes that wabt gives a module with all sections', () => {
    const builder = new ModuleBuilder()
    const pair = builder.type([I64, I32], [I64, I32])
    const nothing = builder.type([], [])
    const memory = builder.importMemory('env', 'memory', 1, 65536)
    const table = builder.importTable('env', 'table', 10)
    const host = builder.importFunction('env', 'host', nothing)
    const global = builder.importGlobal('env', 'limit', F64, true)
    expect([memory, table, host, global]).toEqual([0, 0, 0, 0])

    const body = new FunctionBody(2)
    const first = body.local(I64)
    body.localGet(0)
    body.localTee(first)
    body.localGet(1)
    const second = body.local(I64)
    const third = body.local(V128)
    expect([first, second, third]).toEqual([2, 3, 4])
    body.hint(false)
    body.opBlock(OP.if, BLOCK_VOID)
    body.opIndex(OP.call, host)
    body.op(OP.end)
    body.localGet(1)
    body.i32Const(5)
    body.returnCallIndirect(pair, table)
    const one = builder.add(pair, body)
    body.reset(0)
    body.i64Const(0x89abcdef, 0x01234567)
    body.i32Const(-1)
    body.i32Const(9)
    body.callIndirect(pair, table)
    body.op(OP.drop)
    body.op(OP.drop)
    const two = builder.add(nothing, body)
    expect([one, two]).toEqual([1, 2])
    builder.exportFunction('two', two)
    builder.element(1000, [two, one])

    const bytes = builder.finish()
    const theirs = assemble(`(module
      (type (func (param i64 i32) (result i64 i32)))
      (type (func))
      (import "env" "memory" (memory 1 65536))
      (import "env" "table" (table 10 funcref))
      (import "env" "host" (func (type 1)))
      (import "env" "limit" (global (mut f64)))
      (func (type 0) (local i64 i64 v128)
        local.get 0 local.tee 2 local.get 1
        (@metadata.code.branch_hint "\\00") if call 0 end
        local.get 1 i32.const 5 return_call_indirect 0 (type 0))
      (func (type 1) i64.const 0x0123456789abcdef i32.const -1 i32.const 9 call_indirect 0 (type 0) drop drop)
      (export "two" (func 2))
      (elem (i32.const 1000) 2 1))`)
    expect(Buffer.from(bytes).toString('hex')).toBe(Buffer.from(theirs).toString('hex'))
    expect(WebAssembly.validate(bytes)).toBe(true)
  })

  it('installs functions in a table and runs them, one module after the other with the same builder', () => {
    const table = new WebAssembly.Table({ initial: 8, element: 'anyfunc' })
    const builder = new ModuleBuilder()
    const body = new FunctionBody()
    for (let slot = 2; slot < 4; slot++) {
      builder.reset()
      const type = builder.type([I32], [I32, I64])
      builder.importTable('env', 'table', 0)
      body.reset(1)
      body.localGet(0)
      body.i32Const(slot)
      body.op(OP.i32_mul)
      body.i64Const(0, slot)
      const index = builder.add(type, body)
      builder.element(slot, [index])
      new WebAssembly.Instance(new WebAssembly.Module(builder.finish()), { env: { table } })
    }
    const results = [2, 3].map((slot) => (table.get(slot) as (x: number) => [number, bigint])(7))
    expect(results).toEqual([
      [14, 2n << 32n],
      [21, 3n << 32n],
    ])
    expect(table.get(1)).toBe(null)
  })

  it('names functions as V8 shows them in stack traces', () => {
    const builder = new ModuleBuilder()
    const body = new FunctionBody()
    body.op(OP.unreachable)
    const index = builder.add(builder.type([], []), body)
    builder.exportFunction('run', index)
    builder.nameFunction(index, 'region 0x401000')
    const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.finish()))
    let stack = ''
    try {
      ;(instance.exports.run as () => void)()
    } catch (error) {
      stack = (error as Error).stack ?? ''
    }
    expect(stack).toContain('region 0x401000')
  })

  it('refuses an import that would renumber functions', () => {
    const builder = new ModuleBuilder()
    const type = builder.type([], [])
    builder.add(type, new FunctionBody())
    expect(() => builder.importFunction('env', 'late', type)).toThrow(/import after the first function/)
  })
})
