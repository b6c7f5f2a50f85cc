/** Exists to read what C libraries keep in memory beside the program's own: words, and the sizes of blocks. */
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

/** Sizes of musl's slots by class, in units of 16 bytes (mallocng). */
const MUSL_CLASSES = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 31, 36, 42, 50, 63, 72, 84, 102, 127, 146, 170, 204, 255, 292, 340,
  409, 511, 584, 682, 818, 1023, 1169, 1364, 1637, 2047, 2340, 2730, 3276, 4095, 4680, 5460, 6552, 8191,
]

const UNIT = 16

/** Bytes of a block of musl's heap: its header leads to the group of slots that it is in, and that to what is known of the group. 0 where that cannot be. */
export function muslRoomOf(view: MachineView, task: TaskInfo, address: number): number {
  const header = view.readMemory(task, address - 8, 8)
  if (header === null || header[4] !== 0) return 0
  const group = address - (header[6]! + header[7]! * 256) * UNIT - UNIT
  const meta = wordAt(view, task, group) + wordAt(view, task, group + 4) * 2 ** 32
  const isOfGroup = wordAt(view, task, meta + 16) === group % 2 ** 32
  const room = (MUSL_CLASSES[(wordAt(view, task, meta + 32) >>> 6) & 63] ?? 0) * UNIT
  return isOfGroup ? room : 0
}
