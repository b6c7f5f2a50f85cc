/**
 * Exists to go back and forth between moments of one machine cheaply: a checkpoint shares with an earlier one all pages that were not written in between,
 * and going to one changes only the pages that differ.
 */
import { ATTRIBUTE, ATTRIBUTE_COUNT, PAGE_SHIFT, PAGE_SIZE } from '../engine/layout.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { World } from '../host/host.ts'
import { putImage, takeImages, type DefinednessImage } from './definedness.ts'
import { filePages, watchShared } from './fs/mapping.ts'
import type { Heap } from './heap.ts'
import { Kernel } from './kernel.ts'
import { Memory } from './mm.ts'
import { barredPages } from './snapshot.ts'
import type { KernelState, Mapping, MemoryMap } from './state.ts'

/** Contents of one address space. The pages' bytes are shared by checkpoints and never changed. */
interface SpaceCopy {
  /** Numbers of the pages that are not all zero, ascending. */
  numbers: Int32Array
  /** Their bytes, in the same order. */
  pages: Uint8Array[]
  /** As in a Snapshot: pages that cannot be touched although their mapping's rights say so. */
  barred: number[]
}

/** A machine at a moment. */
export interface Checkpoint {
  /** Instructions executed. */
  moment: number
  state: KernelState
  spaces: Map<number, SpaceCopy>
  /** Pages copied for this one alone. */
  copied: number
  /** V bits, in machines that have them. */
  definedness: Map<number, DefinednessImage> | null
}

const NOTHING: SpaceCopy = { numbers: new Int32Array(0), pages: [], barred: [] }
const UNMAPPED_RIGHTS = 255

/** Takes and restores the checkpoints of one machine, and knows of each address space which copy it was equal to last. */
export class Checkpoints {
  private readonly bases = new WeakMap<AddressSpace, SpaceCopy>()

  /** The machine as it is; only outside `advance`. */
  take(k: Kernel): Checkpoint {
    const spaces = new Map<number, SpaceCopy>()
    let copied = 0
    for (const [id, memory] of k.memories) {
      const base = this.bases.get(memory.space) ?? NOTHING
      const copy = copySpace(memory, base)
      copied += copy.copied
      spaces.set(id, copy)
      this.keep(memory, copy)
    }
    const definedness = k.definedness ? takeImages(k) : null
    return { moment: k.state.count, state: structuredClone(k.state), spaces, copied, definedness }
  }

  /**
   * A kernel that goes on where the checkpoint was taken, in the address spaces of `old`, which must not be used afterwards. The world and the heap may be others, which
   * say and do the same.
   */
  restore(
    old: Kernel,
    { state, spaces, definedness }: Checkpoint,
    { world = old.world, heap = old.heap }: { world?: World; heap?: Heap | null } = {},
  ): Kernel {
    const k = new Kernel(structuredClone(state), world, old.processor, old.definedness)
    k.heap = heap
    k.traps = old.traps
    for (const [id, map] of k.state.spaces) {
      const space = old.memories.get(id)?.space ?? k.processor.createSpace(k.definedness)
      space.setTraces([], false)
      const copy = spaces.get(id)!
      setRights(space, old.state.spaces.get(id)?.mappings ?? [], map, copy.barred)
      const memory = new Memory(map, space, k.processor.stateOf(space), filePages(k))
      setContents(memory, this.bases.get(space) ?? NOTHING, copy)
      k.memories.set(id, memory)
      this.keep(memory, copy)
    }
    for (const [id, image] of definedness ?? []) putImage(k.memories.get(id)!, image)
    for (const [id, { space }] of old.memories) if (!k.memories.has(id)) k.processor.releaseSpace(space)
    for (const [id, memory] of k.memories) {
      memory.space.dirtied.length = 0
      k.heap?.resume(memory)
      k.libraryCalls?.resume(memory)
      k.watchSpace(memory.space, id)
    }
    for (const inode of k.state.fs.inodes.values()) if (inode.shared.length > 1) watchShared(k, inode)
    return k
  }

  private keep({ map, space }: Memory, copy: SpaceCopy): void {
    space.keep(map.mappings.map(({ start, end }) => [start >>> PAGE_SHIFT, end >>> PAGE_SHIFT]))
    this.bases.set(space, copy)
  }
}

/** Pages of a checkpoint that neither of its neighbours in time has: what is gained by giving it up. */
export function ownPages(
  { spaces }: Checkpoint,
  before: Checkpoint | undefined,
  after: Checkpoint | undefined,
): number {
  let own = 0
  for (const [id, { numbers, pages }] of spaces) {
    const shared = new Set([...(before?.spaces.get(id)?.pages ?? []), ...(after?.spaces.get(id)?.pages ?? [])])
    for (let i = 0; i < numbers.length; i++) if (!shared.has(pages[i]!)) own++
  }
  return own
}

/** Whether a page of a process' memory is one and the same in two checkpoints: then nothing was stored into it in between. */
export function isUnchanged(a: Checkpoint, b: Checkpoint, spaceId: number, page: number): boolean {
  const find = (checkpoint: Checkpoint): Uint8Array | null | undefined => {
    const copy = checkpoint.spaces.get(spaceId)
    if (copy === undefined) return undefined
    const at = indexOf(copy.numbers, page)
    return at < 0 ? null : copy.pages[at]
  }
  const bytes = find(a)
  return bytes !== undefined && bytes !== null && bytes === find(b)
}

/** Whether some bytes of a process are the same in two checkpoints; what is not mapped counts as zeros. False where the process has another memory. */
export function isEqual(a: Checkpoint, b: Checkpoint, pid: number, start: number, end: number): boolean {
  const spaceId = a.state.processes.get(pid)?.spaceId
  if (spaceId === undefined || b.state.processes.get(pid)?.spaceId !== spaceId) return false
  for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
    const [one, other] = [a, b].map(({ spaces }) => pageOf(spaces.get(spaceId), page))
    if (one === other) continue
    const first = Math.max(start, page << PAGE_SHIFT) & (PAGE_SIZE - 1)
    const last = (Math.min(end, (page + 1) << PAGE_SHIFT) - 1) & (PAGE_SIZE - 1)
    for (let i = first; i <= last; i++) if ((one ?? ZEROS)[i] !== (other ?? ZEROS)[i]) return false
  }
  return true
}

function pageOf(copy: SpaceCopy | undefined, page: number): Uint8Array | undefined {
  if (copy === undefined) return undefined
  const at = indexOf(copy.numbers, page)
  return at < 0 ? undefined : copy.pages[at]
}

function indexOf(numbers: Int32Array, page: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle]! < page) low = middle + 1
    else high = middle
  }
  return numbers[low] === page ? low : -1
}

function copySpace(memory: Memory, base: SpaceCopy): SpaceCopy & { copied: number } {
  const { map, space } = memory
  const numbers: number[] = []
  const pages: Uint8Array[] = []
  let copied = 0
  let known = 0
  for (const { start, end, untouched } of map.mappings) {
    if (untouched) continue
    for (let page = start >>> PAGE_SHIFT; page < end >>> PAGE_SHIFT; page++) {
      if (space.isKept(page)) {
        while (known < base.numbers.length && base.numbers[known]! < page) known++
        if (base.numbers[known] !== page) continue
        pages.push(base.pages[known]!)
      } else {
        if (space.nextUsed(page, page + 1) !== page) continue
        pages.push(space.bytes.slice(page << PAGE_SHIFT, (page + 1) << PAGE_SHIFT))
        copied++
      }
      numbers.push(page)
    }
  }
  return { numbers: Int32Array.from(numbers), pages, barred: barredPages(memory), copied }
}

/** Rights that pages are to have; only meaningful while they are set. */
const wanted = new Uint8Array(ATTRIBUTE_COUNT)

/** Maps, unmaps and protects pages of a space with the mappings `before` until they are those of the map. */
function setRights(space: AddressSpace, before: readonly Mapping[], map: MemoryMap, barred: readonly number[]): void {
  const key = ({ start, end, prot }: Mapping): string => `${start} ${end} ${prot}`
  const had = new Set(before.map(key))
  const has = new Set(map.mappings.map(key))
  const ranges = [...before.filter((one) => !has.has(key(one))), ...map.mappings.filter((one) => !had.has(key(one)))]
  const changed = ranges.map(({ start, end }): [number, number] => [start >>> PAGE_SHIFT, end >>> PAGE_SHIFT])
  // Pages that cannot be touched lie in mappings of files: these are few.
  for (const { start, end, file } of map.mappings)
    if (file !== null) changed.push([start >>> PAGE_SHIFT, end >>> PAGE_SHIFT])
  for (const [first, end] of changed) wanted.fill(UNMAPPED_RIGHTS, first, end)
  for (const { start, end, prot } of map.mappings) wanted.fill(rightsOf(prot), start >>> PAGE_SHIFT, end >>> PAGE_SHIFT)
  for (const page of barred) wanted[page] = 0
  const rights = (page: number): number =>
    space.attributes[page]! & ATTRIBUTE.unmapped ? UNMAPPED_RIGHTS : space.protOf(page << PAGE_SHIFT)
  for (const [start, end] of changed) {
    for (let page = start; page < end;) {
      const now = rights(page)
      const then = wanted[page]!
      const first = page++
      if (now === then) continue
      while (page < end && wanted[page] === then && rights(page) === now) page++
      const [address, length] = [first << PAGE_SHIFT, (page - first) << PAGE_SHIFT]
      if (then === UNMAPPED_RIGHTS) space.unmap(address, length)
      else if (now === UNMAPPED_RIGHTS) space.map(address, length, then)
      else space.protect(address, length, then)
    }
  }
}

/** PROT_* as AddressSpace.protOf tells it: what can be written or executed can be read. */
function rightsOf(prot: number): number {
  return (prot & 7) === 0 ? 0 : (prot & 7) | 1
}

const ZEROS = new Uint8Array(PAGE_SIZE)

/** Gives the mapped pages the bytes of `copy`; those that were not written since they were equal to `base` need it only where the two differ. */
function setContents({ map, space }: Memory, base: SpaceCopy, copy: SpaceCopy): void {
  let known = 0
  let at = 0
  for (const { start, end } of map.mappings) {
    for (let page = start >>> PAGE_SHIFT; page < end >>> PAGE_SHIFT; page++) {
      while (at < copy.numbers.length && copy.numbers[at]! < page) at++
      const bytes = copy.numbers[at] === page ? copy.pages[at]! : null
      if (space.isKept(page)) {
        while (known < base.numbers.length && base.numbers[known]! < page) known++
        if ((base.numbers[known] === page ? base.pages[known]! : null) === bytes) continue
      }
      if (bytes !== null) space.poke(page << PAGE_SHIFT, bytes)
      else if (space.nextUsed(page, page + 1) === page) space.poke(page << PAGE_SHIFT, ZEROS)
    }
  }
}
