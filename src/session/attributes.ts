/** Exists to take from a failure what its user wants to tell failures apart by: the values of expressions at its moment. */
import { LemmingError } from '../base/errors.ts'
import type { ReportWorld } from '../replay/recording-world.ts'
import type { Subject, TaskView } from '../replay/subject.ts'
import { createInspector, type InspectedFrame, type Inspector, type ThreadState } from '../symbols/inspector.ts'
import { isFloating, isIntegral, stripped } from '../symbols/types/type.ts'
import { registersOf } from './registers.ts'
import { dwarfRegisters, Namer, type Inflate } from './stacks.ts'

/** What is to be taken: a name, and an expression as for `print`. */
export interface AttributeWish {
  name: string
  expression: string
}

/** What was taken: the value as `print` writes it, and as a number if it is one; or why there is none. */
export interface Attribute {
  name: string
  value: string | null
  number: number | null
  error: string | null
}

/** Frames that are looked at. */
const DEEPEST = 64

/** What expressions see of a thread. */
export function threadState(subject: Subject, task: TaskView): ThreadState {
  let named: Map<string, Uint8Array> | null = null
  return {
    registers: dwarfRegisters(task),
    readMemory: (address, size) => subject.read(task.pid, address, size) ?? undefined,
    otherRegister: (name) => {
      named ??= new Map(registersOf(task, subject.floatingPoint(task.tid)!).map((one) => [one.name, one.bytes]))
      return named.get(name)
    },
  }
}

/** The values of expressions where `subject` stands: each in the innermost frame of the thread's that knows its names, the program's own frames before those of libraries. */
export function attributesAt(
  subject: Subject,
  world: ReportWorld,
  inflate: Inflate,
  tid: number,
  program: string,
  wishes: readonly AttributeWish[],
): Attribute[] {
  const tasks = subject.tasks()
  const task = tasks.find((one) => one.tid === tid) ?? tasks[0]
  if (task === undefined) return wishes.map(({ name }) => lost(name, 'there is no thread at this moment'))
  const inspector = createInspector(new Namer(subject, task.pid, world, inflate).symbolizer)
  const { frames } = inspector.frames(threadState(subject, task), DEEPEST)
  const isOwn = ({ module }: InspectedFrame): boolean => module === program
  const inOrder = [...frames.filter(isOwn), ...frames.filter((frame) => !isOwn(frame))]
  return wishes.map(({ name, expression }) => attributeIn(inspector, inOrder, name, expression))
}

function attributeIn(
  inspector: Inspector,
  frames: readonly InspectedFrame[],
  name: string,
  expression: string,
): Attribute {
  let first: string | null = null
  for (const frame of frames) {
    const scope = { frame, variables: new Map() }
    try {
      const value = inspector.print(expression, scope)
      return { name, value, number: numberOf(inspector, expression, scope), error: null }
    } catch (error) {
      if (!(error instanceof LemmingError)) throw error
      first ??= error.message
      // In another frame a name may mean something; a value that is gone, or no expression at all, is the same everywhere.
      if (error.code !== 'expression-name') return lost(name, error.message)
    }
  }
  return lost(name, first ?? 'the thread has no frame')
}

function numberOf(inspector: Inspector, text: string, scope: Parameters<Inspector['evaluate']>[1]): number | null {
  const value = inspector.evaluate(text.replace(/^\s*\/\S*\s*/, ''), scope)
  const isNumber = isIntegral(value.type) || isFloating(value.type) || stripped(value.type).kind === 'pointer'
  const number = isNumber ? value.number() : NaN
  return Number.isFinite(number) ? number : null
}

function lost(name: string, error: string): Attribute {
  return { name, value: null, number: null, error }
}
