/** Exists to copy a whole machine into plain data and back, and to hash it: state and bytes, none of the caches. */
import { LemmingError } from '../base/errors.ts'
import { ATTRIBUTE, PAGE_SHIFT, PAGE_SIZE } from '../engine/layout.ts'
import type { Processor } from '../engine/processor.ts'
import type { World } from '../host/host.ts'
import { putImage, takeImages, type DefinednessImage } from './definedness.ts'
import { watchShared } from './fs/mapping.ts'
import { Hash, hashFiles, hashRegisters, PAGE_WORDS } from './hash.ts'
import { Kernel } from './kernel.ts'
import type { Memory } from './mm.ts'
import { addMemory } from './spaces.ts'
import type { KernelState, MemoryMap } from './state.ts'

/** Raised when KernelState or this layout changes: an old snapshot is refused, not misread. */
const FORMAT = 2

/** Contents of one address space. */
interface SpaceImage {
  /** Numbers of the pages that are not all zero, ascending. */
  pages: Int32Array
  /** Their bytes, one page after the other. */
  bytes: Uint8Array
  /** Pages that cannot be touched although their mapping's rights say so: they lay behind the end of their file. */
  barred: Int32Array
}

/** A machine at a moment, as plain data; independent of the machine that it was taken from. */
export interface Snapshot {
  format: number
  state: KernelState
  spaces: Map<number, SpaceImage>
  /** V bits of the spaces, in machines that have them. */
  definedness?: Map<number, DefinednessImage>
}

/** The machine as it is; only outside `advance`. */
export function takeSnapshot(k: Kernel): Snapshot {
  const spaces = new Map<number, SpaceImage>()
  for (const [id, memory] of k.memories) spaces.set(id, takeSpace(memory))
  const snapshot: Snapshot = { format: FORMAT, state: structuredClone(k.state), spaces }
  if (k.definedness) snapshot.definedness = takeImages(k)
  return snapshot
}

/** A kernel that goes on where the snapshot was taken. Throws a LemmingError for a snapshot of another format. */
export function kernelFrom(snapshot: Snapshot, world: World, processor: Processor): Kernel {
  if (snapshot.format !== FORMAT) {
    throw new LemmingError(
      'snapshot-format',
      `a snapshot of format ${snapshot.format} cannot be read: this version writes format ${FORMAT}`,
      'execute the recording again from its start',
    )
  }
  const state = structuredClone(snapshot.state)
  const k = new Kernel(state, world, processor, snapshot.definedness !== undefined)
  for (const [id, map] of state.spaces) addSpace(k, map, snapshot.spaces.get(id)!)
  for (const [id, image] of snapshot.definedness ?? []) putImage(k.memories.get(id)!, image)
  for (const inode of state.fs.inodes.values()) if (inode.shared.length > 1) watchShared(k, inode)
  return k
}

/** Makes the bytes of an address space from an image. */
function addSpace(k: Kernel, map: MemoryMap, image: SpaceImage): void {
  const memory = addMemory(k, map)
  const { space } = memory
  for (const { start, end, prot } of map.mappings) space.map(start, end - start, prot)
  for (const page of image.barred) space.protect(page << PAGE_SHIFT, PAGE_SIZE, 0)
  image.pages.forEach((page, i) =>
    space.poke(page << PAGE_SHIFT, image.bytes.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE)),
  )
  memory.findAliases()
}

/** Calls `visit` for each mapped page that may differ from zero and does. */
function eachPage({ map, space }: Memory, visit: (page: number) => void): void {
  for (const { start, end, untouched } of map.mappings) {
    if (untouched) continue
    const last = end >>> PAGE_SHIFT
    for (let page = space.nextUsed(start >>> PAGE_SHIFT, last); page < last; page = space.nextUsed(page + 1, last))
      visit(page)
  }
}

/** Pages of file mappings that lie behind the end of their file. */
export function barredPages(memory: Memory): number[] {
  const barred: number[] = []
  for (const { start, end, prot, file } of memory.map.mappings) {
    if (file === null || prot === 0) continue
    for (let page = start >>> PAGE_SHIFT; page < end >>> PAGE_SHIFT; page++) {
      // Accesses to a page that is watched are allowed, by and by.
      const attribute = memory.space.attributes[page]! & (ATTRIBUTE.noRead | ATTRIBUTE.watched)
      if (attribute === ATTRIBUTE.noRead) barred.push(page)
    }
  }
  return barred
}

function takeSpace(memory: Memory): SpaceImage {
  const pages: number[] = []
  memory.settle()
  eachPage(memory, (page) => pages.push(page))
  const bytes = new Uint8Array(pages.length * PAGE_SIZE)
  pages.forEach((page, i) =>
    bytes.set(memory.space.bytes.subarray(page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT), i * PAGE_SIZE),
  )
  return { pages: Int32Array.from(pages), bytes, barred: Int32Array.from(barredPages(memory)) }
}

/**
 * 64 bits, in hexadecimal, over everything that the execution depends on: kernel state, registers as the program sees them, and mapped memory.
 * Only outside `advance`.
 */
export function hashMachine(k: Kernel): string {
  const hash = new Hash()
  const { tasks, fs, ...others } = k.state
  hash.data(others)
  hashFiles(hash, fs)
  for (const { cpu, ...rest } of tasks.values()) {
    hash.data(rest)
    hashRegisters(hash, k.processor, cpu)
  }
  for (const [id, memory] of k.memories) {
    hash.word(id)
    memory.settle()
    hash.data(barredPages(memory))
    const words = new Int32Array(memory.space.memory.buffer)
    eachPage(memory, (page) => {
      hash.word(page)
      hash.words(words, page * PAGE_WORDS, (page + 1) * PAGE_WORDS)
    })
  }
  return hash.digest()
}
