/** Exists to give the guarded heap the functions of wasm/heap-paint.ts, which say around blocks what may be accessed, for the memory of an address space. */
import { paintModule } from '../wasm/heap-paint.ts'
import type { AddressSpace } from './address-space.ts'
import { MEMORY_WASM_PAGES, SHADOW_DISPLACEMENT, UNADDRESSABLE_BASE } from './layout.ts'

/** Addresses are those of plain pages (`isPlain`). */
export interface Painter {
  /** A block [address, end) is handed out: its redzones begin at `slot` and end at `limit`. `checked` 1: V bits and guards say so, 0: there are none. */
  claim(slot: number, address: number, end: number, limit: number, checked: number): void
  /** Nobody may access the block [address, end) from now on, in a checked space. */
  guard(address: number, end: number): void
  /** 1 if all bytes of both ranges, each of 16 or more, are the pattern. */
  intact(from: number, to: number, from2: number, to2: number): number
}

let shared: { pattern: number; module: WebAssembly.Module } | null = null
const painters = new WeakMap<AddressSpace, Painter>()

/** The functions for a space; `pattern` is the byte that redzones are filled with, the same for all. */
export function painterOf(space: AddressSpace, pattern: number): Painter {
  let painter = painters.get(space)
  if (painter === undefined) {
    if (shared?.pattern !== pattern) {
      const places = {
        memoryPages: MEMORY_WASM_PAGES,
        shadowDisplacement: SHADOW_DISPLACEMENT,
        unaddressableBase: UNADDRESSABLE_BASE,
        pattern,
      }
      shared = { pattern, module: new WebAssembly.Module(paintModule(places)) }
    }
    const { exports } = new WebAssembly.Instance(shared.module, { l: { memory: space.memory } })
    painters.set(space, (painter = exports as unknown as Painter))
  }
  return painter
}

/** May plain stores be made to a range of at most a page, as translated code makes them? */
export function isPlain({ attributes }: AddressSpace, from: number, to: number): boolean {
  return to - from <= 4096 && (attributes[from >>> 12]! | attributes[(to - 1) >>> 12]!) === 0
}
