/**
 * Exists to end what was said of memory on a stack when the function returns that it belongs to: a program says of a local variable that it must not be accessed, and the
 * functions that are called next have their own there. Nobody unwinds here: what looks like return addresses above the variable is intercepted, and the one that is
 * taken with the stack pointer where it lies was one.
 */
import type { AddressSpace } from '../engine/address-space.ts'
import { REG } from '../ir/registers.ts'
import type { Kernel } from '../linux/kernel.ts'
import type { Task } from '../linux/state.ts'
import { endsInCall, LONGEST_CALL } from '../tool/return-address.ts'
import type { Allocator } from './allocator.ts'

/** Words above the variable that may be return addresses: older ones lie about in frames. */
const MOST_CANDIDATES = 8
/** A function without calls keeps so many bytes below the stack pointer (System V ABI, 3.2.2). */
const RED_ZONE = 128
/** Bytes of the stack in which they are looked for. */
const LOOK = 64 * 1024

/** A function's return, with which what lies between `start` and `slot` is over. */
export interface StackMark {
  tid: number
  start: number
  /** Where the return address lies. */
  slot: number
}

/** [start, start + length) is about to be marked by the task. True when places were intercepted for the first time: the request must be made once more. */
export function willMark(k: Kernel, t: Task, heap: Allocator, start: number, length: number): boolean {
  const { state, space } = heap
  const stack = k.cpu.gprNumber(REG.rsp)
  const mapping = k.memory(t).at(stack)
  if (
    length <= 0 ||
    mapping === undefined ||
    start < stack - RED_ZONE ||
    start + length > mapping.end ||
    heap.isHeap(start)
  )
    return false
  const { marks } = state.requests
  let isNew = false
  let left = MOST_CANDIDATES
  const end = Math.min(mapping.end - 8, start + length + LOOK)
  for (let slot = Math.ceil((start + length) / 8) * 8; slot <= end && left > 0; slot += 8) {
    const back = returnAddress(space, slot)
    if (back === 0) continue
    left--
    const known = marks.find((one) => one.tid === t.tid && one.slot === slot)
    if (known !== undefined) known.start = Math.min(known.start, start)
    else marks.push({ tid: t.tid, start, slot })
    if (state.sites.has(back)) continue
    state.sites.add(back)
    space.intercept(back)
    isNew = true
  }
  return isNew
}

/** What the word at `slot` may be: an address behind a call, or 0. */
function returnAddress(space: AddressSpace, slot: number): number {
  const low = space.readU32(slot) ?? 0
  if (low < LONGEST_CALL || space.readU32(slot + 4) !== 0 || !space.isExecutable(low)) return 0
  const code = space.read(low - LONGEST_CALL, LONGEST_CALL)
  return code !== null && endsInCall(code) ? low : 0
}

/** The task is where a function may have returned to: what was said of that one's memory, and of all below, is over. */
export function endMarks(k: Kernel, t: Task, heap: Allocator): void {
  const { requests } = heap.state
  const stack = k.cpu.gprNumber(REG.rsp)
  if (!requests.marks.some(({ tid, slot }) => tid === t.tid && slot + 8 === stack)) return
  const isOver = ({ tid, slot }: StackMark): boolean => tid === t.tid && slot < stack
  for (const mark of requests.marks) if (isOver(mark)) heap.open(mark.start, mark.slot)
  requests.marks = requests.marks.filter((mark) => !isOver(mark))
}
