/** Exists to find the pages of a memory that hold anything but zeros, at the speed of memory: forks copy these, hashes and snapshots look at these. */
import { BLOCK_VOID, FunctionBody, I32, ModuleBuilder, V128 } from '../wasm/encode.ts'
import * as OP from '../wasm/opcodes.ts'
import { MOST_PAGES } from '../wasm/runtime.ts'
import { MEMORY_WASM_PAGES, PAGE_SHIFT, PAGE_SIZE } from './layout.ts'

/** (first page, page behind the last) -> the first page that is not all zero, or the second parameter. */
export type UsedPages = (page: number, end: number) => number

/** Vectors that are looked at together. */
const STRIDE = 8

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder()
  m.importMemory('l', 'memory', MEMORY_WASM_PAGES, MOST_PAGES)
  const f = new FunctionBody(2)
  const [page, end] = [0, 1]
  const at = f.local(I32)
  const stop = f.local(I32)
  const any = f.local(V128)
  f.opBlock(OP.block, BLOCK_VOID)
  f.opBlock(OP.loop, BLOCK_VOID)
  f.localGet(page)
  f.localGet(end)
  f.op(OP.i32_ge_u)
  f.opIndex(OP.br_if, 1)
  f.localGet(page)
  f.i32Const(PAGE_SHIFT)
  f.op(OP.i32_shl)
  f.localTee(at)
  f.i32Const(PAGE_SIZE)
  f.op(OP.i32_add)
  f.localSet(stop)
  f.opBlock(OP.loop, BLOCK_VOID)
  for (let i = 0; i < STRIDE; i++) {
    f.localGet(at)
    f.opMemory(OP.v128_load, 4, i * 16)
    if (i > 0) f.op(OP.v128_or)
  }
  f.localSet(any)
  f.localGet(any)
  f.op(OP.v128_any_true)
  f.opIndex(OP.br_if, 2)
  f.localGet(at)
  f.i32Const(STRIDE * 16)
  f.op(OP.i32_add)
  f.localTee(at)
  f.localGet(stop)
  f.op(OP.i32_ne)
  f.opIndex(OP.br_if, 0)
  f.op(OP.end)
  f.localGet(page)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.localSet(page)
  f.opIndex(OP.br, 0)
  f.op(OP.end)
  f.op(OP.end)
  f.localGet(page)
  m.exportFunction('usedPages', m.add(m.type([I32, I32], [I32]), f))
  return m.finish()
}

let compiled: WebAssembly.Module | null = null

/** The function for one memory. */
export function usedPages(memory: WebAssembly.Memory): UsedPages {
  compiled ??= new WebAssembly.Module(moduleBytes())
  return new WebAssembly.Instance(compiled, { l: { memory } }).exports.usedPages as UsedPages
}
