/** Exists to name the variable of a stack frame in which an address is, for those programs that say where their variables are. */
import type { Subject, TaskView } from '../replay/subject.ts'
import { createInspector, type InspectedFrame } from '../symbols/inspector.ts'
import type { Symbolizer } from '../symbols/symbolizer.ts'
import { dwarfRegisters, type Namer } from './stacks.ts'

/** `pair.second`, `text+3`: the argument or local variable at `address` in the frame of number `physical` (0 is the innermost); null for none that is known. */
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
        const found = inspector.nameAt(name, address, { frame })
        if (found !== null) return found
      }
  } catch {
    // Damaged or unusual debugging information: the frame is named all the same.
  }
  return null
}

/** The same for a variable that is in no frame, by the linker's symbol at its start. */
export function dataAt(
  symbolizer: Symbolizer,
  subject: Subject,
  task: TaskView,
  name: string,
  address: number,
): string | null {
  try {
    const readMemory = (at: number, size: number): Uint8Array | undefined =>
      subject.read(task.pid, at, size) ?? undefined
    return createInspector(symbolizer).nameAt(name, address, {
      thread: { registers: dwarfRegisters(task), readMemory },
    })
  } catch {
    return null
  }
}

/** The variable on the task's stack in which an address is, with the frame that has it: `x in the stack frame of f() (f.c:3)`; null where it is in no frame. */
export function onStack(namer: Namer, subject: Subject, task: TaskView, address: number): string | null {
  const frame = namer.frameAt(task, address)
  if (frame === null) return null
  const variable = variableAt(namer.symbolizer, subject, task, frame.index, address)
  return variable === null ? frame.what : `${variable} in ${frame.what}`
}
