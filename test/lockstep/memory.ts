/** Exists to keep the engine's guest memory what the native program's is, and to go back to an earlier content. */
import type { AddressSpace } from '../../src/engine/address-space.ts'
import type { CpuState } from '../../src/engine/cpu-state.ts'
import { PAGE_SHIFT, PAGE_SIZE } from '../../src/engine/layout.ts'
import { checksum, type Memory } from './native.ts'

const PAGES = 0x7000_0000 / PAGE_SIZE
const WRITE = 2

/** Registers and writable memory at a moment. */
export interface Saved {
  registers: Uint8Array
  ranges: { start: number; bytes: Uint8Array }[]
}

/** The guest memory of one address space, mapped as the native program's. */
export class GuestMemory {
  private readonly space: AddressSpace
  /** PROT_* bits of each page, -1 where nothing is mapped. */
  private rights = new Int8Array(PAGES).fill(-1)
  private writable: { start: number; end: number }[] = []

  constructor(space: AddressSpace) {
    this.space = space
  }

  /** Takes over mappings and changed pages. */
  update(memory: Memory): void {
    const rights = new Int8Array(PAGES).fill(-1)
    for (const { start, end, prot } of memory.maps) rights.fill(prot, start >>> PAGE_SHIFT, end >>> PAGE_SHIFT)
    for (let page = 0; page < PAGES; page++) {
      const now = rights[page]!
      const before = this.rights[page]!
      if (now === before) continue
      const address = page << PAGE_SHIFT
      if (now < 0) this.space.unmap(address, PAGE_SIZE)
      else if (before < 0) this.space.map(address, PAGE_SIZE, now)
      else this.space.protect(address, PAGE_SIZE, now)
    }
    this.rights = rights
    this.writable = memory.maps.filter(({ prot }) => (prot & WRITE) !== 0)
    for (const { address, bytes } of memory.pages) this.space.poke(address, bytes)
  }

  save(state: CpuState): Saved {
    return {
      registers: state.bytes.slice(),
      ranges: this.writable.map(({ start, end }) => ({ start, bytes: this.space.bytes.slice(start, end) })),
    }
  }

  restore(saved: Saved, state: CpuState): void {
    state.bytes.set(saved.registers)
    for (const { start, bytes } of saved.ranges) {
      for (let at = 0; at < bytes.length; at += PAGE_SIZE) {
        const old = bytes.subarray(at, at + PAGE_SIZE)
        if (Buffer.compare(old, this.space.bytes.subarray(start + at, start + at + PAGE_SIZE)) !== 0)
          this.space.poke(start + at, old)
      }
    }
  }

  /** The sum that the stepper computes over the same page. */
  checksum(address: number): number {
    return checksum(new Int32Array(this.space.bytes.buffer, address, PAGE_SIZE / 4))
  }
}
