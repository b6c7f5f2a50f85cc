/** Exists to name the variable of a stack frame in which an address is, for those programs that say where their variables are. */
import type { Subject, TaskView } from '../replay/subject.ts'
import { createInspector, type InspectedFrame } from '../symbols/inspector.ts'
import type { Symbolizer } from '../symbols/symbolizer.ts'
import { dwarfRegisters } from './stacks.ts'

/** `value`, `pair+4`: the argument or local variable at `address` in the frame of number `physical` (0 is the innermost); null for none that is known. */
export function variableAt(
  symbolizer: Symbolizer,
  subject: Subject,
  task: TaskView,
  physical: number,
  address: number,
): string | null {
  try {
    const inspector = createInspector(symbolizer)
    const readMemory = (at: number, size: number): Uint8Array | undefined =>
      subject.read(task.pid, at, size) ?? undefined
    const { frames } = inspector.frames({ registers: dwarfRegisters(task), readMemory }, physical + 32)
    for (const frame of frames.filter((one: InspectedFrame) => one.physical === physical))
      for (const { name } of [...inspector.locals(frame), ...inspector.args(frame)]) {
        const place = inspector.place(name, { frame })
        if (place.kind !== 'memory') continue
        const offset = address - place.address
        if (offset >= 0 && offset < place.size) return offset === 0 ? name : `${name}+${offset}`
      }
  } catch {
    // Damaged or unusual debugging information: the frame is named all the same.
  }
  return null
}
