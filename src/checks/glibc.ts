/** Exists to read what the C library keeps in memory beside the program's own: words, and the sizes of blocks. */
import type { MachineView, TaskInfo } from '../tool/observer.ts'

/** Four bytes as a number; 0 where nothing can be read. */
export function wordAt(view: MachineView, task: TaskInfo, address: number): number {
  const bytes = view.readMemory(task, address, 4)
  return bytes === null ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
}

/** Largest block that is believed. */
const LARGEST = 2 ** 30

/** Bytes of a block of glibc's heap, as the word before it says; 0 where that cannot be. */
export function roomOf(view: MachineView, task: TaskInfo, address: number): number {
  const size = wordAt(view, task, address - 8)
  const room = size - (size % 8) - 8
  return size % 16 >= 8 || room < 24 || room > LARGEST ? 0 : room
}
