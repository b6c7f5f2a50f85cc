/** Exists to give processes their address spaces: make them, copy them for fork, leave them, and keep memory that several of them share the same in all. */
import { filePages } from './fs/mapping.ts'
import type { Kernel } from './kernel.ts'
import { MAP, Memory } from './mm.ts'
import type { MemoryMap, Process } from './state.ts'

/** Makes the bytes of an address space, empty or a copy of those of `from`. */
export function addMemory(k: Kernel, map: MemoryMap, from?: Memory): Memory {
  const space = k.processor.createSpace(k.definedness)
  k.watchSpace(space, map.id)
  for (const { start, end, untouched, onFork } of from === undefined ? [] : map.mappings)
    space.adopt(from!.space, start, end - start, !untouched && onFork !== 'wipe')
  const memory = new Memory(map, space, k.processor.stateOf(space), filePages(k))
  k.state.spaces.set(map.id, map)
  k.memories.set(map.id, memory)
  return memory
}

/** A copy of a process' address space, as fork(2) makes it; its id. */
export function copySpace(k: Kernel, process: Process): number {
  const from = k.memories.get(process.spaceId)!
  from.settle()
  const mappings = from.map.mappings
    .filter(({ onFork }) => onFork !== 'drop')
    // Locks on memory are not inherited.
    .map((mapping) => ({ ...mapping, flags: mapping.flags & ~MAP.locked, file: mapping.file && { ...mapping.file } }))
  const total = mappings.reduce((sum, { start, end }) => sum + end - start, 0)
  const map: MemoryMap = { ...from.map, id: k.state.nextSpace++, users: 1, mappings, total }
  if (map.heap !== undefined) map.heap = structuredClone(map.heap)
  const memory = addMemory(k, map, from)
  memory.holdFiles()
  k.heap?.resume(memory)
  k.libraryCalls?.resume(memory)
  return map.id
}

/** The process no longer uses its address space; with the last user it is gone. */
export function leaveSpace(k: Kernel, process: Process): void {
  const map = k.state.spaces.get(process.spaceId)!
  map.users--
  if (map.users > 0) return
  const memory = k.memories.get(map.id)!
  memory.release()
  k.memories.delete(map.id)
  k.state.spaces.delete(map.id)
  k.processor.releaseSpace(memory.space)
}
