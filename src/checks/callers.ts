/** Exists to tell callers of the same code apart where no stack is unwound: by what looks like a return address. */
import type { MachineView, TaskInfo } from '../tool/observer.ts'
import { endsInCall, LONGEST_CALL } from '../tool/return-address.ts'

/** Bytes of the stack that are looked at. */
const LOOK = 4096

/** So many of these words: where it is not known what is defined, what a function has not yet written in its frame may look like a return address, too. */
const WORDS = 8

/** The nearest words on the stack from `stack` on that lie behind a call, or the first word; '' where nothing can be read. */
export function callerOf(view: MachineView, task: TaskInfo, stack: number): string {
  const bytes = view.readMemory(task, stack, LOOK) ?? view.readMemory(task, stack, 8)
  if (bytes === null) return ''
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const undefinedBits = view.readUndefined?.(task, stack, bytes.length) ?? null
  const found: number[] = []
  for (let at = 0; found.length < WORDS && at + 8 <= bytes.length; at += 8) {
    // Left behind by a function that has returned.
    if (undefinedBits !== null && undefinedBits[at] !== 0) continue
    const low = words.getUint32(at, true)
    if (low < LONGEST_CALL || words.getUint32(at + 4, true) !== 0) continue
    const code = view.readMemory(task, low - LONGEST_CALL, LONGEST_CALL)
    if (code !== null && endsInCall(code)) found.push(low)
  }
  return found.length > 0 ? found.join() : bytes.subarray(0, 8).join()
}
