/** Exists to open values part by part, as the trees of editors do: the members of a structure, the elements of an array, what a pointer points to. */
import { LemmingError } from '../base/errors.ts'
import { chosenVariant } from '../symbols/expressions/members.ts'
import { typeName } from '../symbols/types/names.ts'
import { sizeOf, stripped, type Member, type Type } from '../symbols/types/type.ts'
import type { FormatOptions } from '../symbols/values/options.ts'
import { formatInner } from '../symbols/values/format.ts'
import { containerOf, type Item } from '../symbols/values/library.ts'
import { isMissing } from '../symbols/values/space.ts'
import { dereference, type Value } from '../symbols/values/value.ts'
import type { ValueInfo } from './protocol.ts'

/** Characters of a value in one line; whoever wants more opens it. */
const LIMIT = 64
/** Things that a container holds, in a tree. */
const MOST_ITEMS = 1000

/** A value that somebody may open. */
interface Held {
  value: Value
  expression: string | null
}

/** A part of a value. */
interface Part {
  name: string
  value: Value
  expression: string | null
}

/** Values of one moment by number: they are given up when the run moves. */
export class OpenValues {
  private readonly held = new Map<number, Held>()
  private moment = -1
  private next = 0

  /** Tells of a value, and holds it if it has parts. */
  tell(
    moment: number,
    name: string,
    value: Value | undefined,
    text: string | null,
    expression: string | null,
  ): ValueInfo {
    if (moment !== this.moment) this.held.clear()
    this.moment = moment
    if (value === undefined)
      return { name, text: text ?? '', type: '', handle: 0, elements: 0, address: null, size: 0, expression }
    const shown = text ?? textOf(value)
    const array = arrayOf(value)
    const hasParts = array === null ? canOpen(value) : array.count > 0
    let handle = 0
    if (hasParts) this.held.set((handle = ++this.next), { value, expression })
    return {
      name,
      text: shown,
      type: typeName(value.type),
      handle,
      elements: array?.count ?? 0,
      address: value.bits === undefined ? (value.address ?? null) : null,
      size: value.size,
      expression,
    }
  }

  /** The parts of a value that was told of at this moment; of an array those from `start` on. Throws `expression-moved` when the run has moved. */
  parts(moment: number, handle: number, start: number, count: number, options: FormatOptions): ValueInfo[] {
    const held = moment === this.moment ? this.held.get(handle) : undefined
    if (held === undefined)
      throw new LemmingError('expression-moved', 'the run has moved since this value was shown', 'ask for it again')
    const out: ValueInfo[] = []
    for (const { name, value, expression } of partsOf(held, start, count))
      out.push(this.tell(moment, name, value, textOf(value, options), expression))
    return out
  }
}

/** A value as a line; what cannot be read is said in its place. */
function textOf(value: Value, options: FormatOptions = {}): string {
  try {
    return formatInner(value, { limit: LIMIT, ...options })
  } catch (error) {
    if (!(error instanceof LemmingError) || error.code === 'internal') throw error
    return `<${error.message}>`
  }
}

function plain(value: Value): ReturnType<typeof stripped> {
  return stripped(value.space.complete(stripped(value.type)))
}

function arrayOf(value: Value): { element: Type; count: number } | null {
  const type = plain(value)
  return type.kind === 'array' ? { element: type.element, count: type.count ?? 0 } : null
}

/** Has it parts? Of a pointer: can what it points to be read, and is it no text? */
function canOpen(value: Value): boolean {
  const type = plain(value)
  if (value.location.kind === 'optimized-out') return false
  if (type.kind === 'struct') return !type.isDeclaration
  if (type.kind !== 'pointer' && type.kind !== 'reference') return false
  const target = stripped(value.space.complete(stripped(type.target)))
  const isText = target.kind === 'base' && target.size === 1
  if (isText || target.kind === 'void' || target.kind === 'function') return false
  if (target.kind === 'struct' && target.isDeclaration) return false
  try {
    const at = dereference(value)
    return sizeOf(target) > 0 && (at.address === undefined || at.as(target).part(target, 0).contents() !== undefined)
  } catch (error) {
    if (!isMissing(error) && !(error instanceof LemmingError && error.code === 'expression-size')) throw error
    return false
  }
}

function partsOf({ value, expression }: Held, start: number, count: number): Part[] {
  const type = plain(value)
  const of = expression === null ? null : isSimple(expression) ? expression : `(${expression})`
  const container = contained(value)
  if (container !== undefined) return container.map((item, i) => partOf(item, i, of))
  if (type.kind === 'array') {
    const size = sizeOf(type.element)
    const end = Math.min(type.count ?? 0, start + count)
    return Array.from({ length: Math.max(0, end - start) }, (_, i) => ({
      name: `[${start + i}]`,
      value: value.part(type.element, (start + i) * size),
      expression: of && `${of}[${start + i}]`,
    }))
  }
  if (type.kind === 'pointer' || type.kind === 'reference') {
    const target = dereference(value)
    const whole = target.as(target.space.complete(stripped(type.target)))
    const isPointer = type.kind === 'pointer'
    if (plain(whole).kind === 'struct') return members(whole, of, isPointer ? '->' : '.')
    if (plain(whole).kind === 'array')
      return partsOf({ value: whole, expression: of && (isPointer ? `(*${of})` : of) }, start, count)
    return [{ name: isPointer ? '*' : '&', value: target, expression: of && (isPointer ? `*${of}` : of) }]
  }
  return members(value, of, '.')
}

/** What a container of the library holds, the first ones; undefined for what is none, or a text. */
function contained(value: Value): Item[] | undefined {
  try {
    const container = containerOf(stripped(value.type).kind === 'reference' ? dereference(value) : value)
    if (container === undefined || container.style === 'string') return undefined
    const items: Item[] = []
    for (const item of container.items()) {
      if (items.push(item) >= MOST_ITEMS) break
    }
    return items
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function partOf({ label, key, value }: Item, i: number, of: string | null): Part {
  if (key !== undefined) {
    const text = textOf(key, { library: true })
    const isWord = of !== null && /^(-?\d+|"[^"\\]*")$/.test(text)
    return { name: `[${text}]`, value, expression: isWord ? `${of}[${text}]` : null }
  }
  return {
    name: label === '' ? `[${i}]` : label,
    value,
    expression: label === '' && of !== null ? `${of}[${i}]` : null,
  }
}

/** Members of a structure; those of members without a name and of the chosen variant are its own. */
function members(value: Value, of: string | null, operator: string): Part[] {
  const type = plain(value)
  if (type.kind !== 'struct') return []
  if (type.variants !== undefined) {
    const chosen = chosenVariant(value, type)
    return chosen === undefined ? [] : members(value.member(chosen.member), of, operator)
  }
  return type.members.flatMap((member: Member): Part[] => {
    const part = value.member(member)
    if (member.isBase) return [{ name: `<${member.name ?? typeName(member.type)}>`, value: part, expression: of }]
    if (member.name === undefined) return members(part, of, operator)
    return [{ name: member.name, value: part, expression: of && `${of}${operator}${member.name}` }]
  })
}

function isSimple(expression: string): boolean {
  return /^(?:[\w.$[\]]|->)+$/.test(expression)
}
