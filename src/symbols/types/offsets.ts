/** Exists to write structures out with the offsets and sizes of their members and the holes between them, as `ptype/o` does. */

import { describeType, needsLabels, structHeading, throughTypedefs, unqualifiedCore } from './describe.ts'
import { declaration, innermost, typeName } from './names.ts'
import type { Access, Member, StructType, Type } from './type.ts'
import { sizeOf } from './type.ts'

type Complete = <T extends Type>(type: T) => T

/** Characters of the column of offsets. */
const COLUMN = 27
const HEAD = '/* offset      |    size */  '

/** The definition of a type, with offsets if it is a structure (gdb manual, "Symbols"). */
export function describeOffsets(type: Type, complete: Complete): string {
  const plain = throughTypedefs(type)
  const core = unqualifiedCore(innermost(plain))
  const whole = throughTypedefs(core)
  const body = whole.kind === 'struct' && whole.language !== 'rust' ? complete(whole) : undefined
  if (body?.kind !== 'struct' || body.isDeclaration) return `type = ${describeType(type, complete)}`
  const head = type.kind === 'struct' ? HEAD : ''
  const text = bodyOf(body, 0, 0, complete)
  return `${head}type = ${declaration(plain, '', text)}`
}

function bodyOf(type: StructType, depth: number, from: number, complete: Complete): string {
  const blank = (indent: number): string => ' '.repeat(COLUMN + indent)
  const lines: string[] = [structHeading(type)]
  const isUnion = type.keyword === 'union'
  const labelled = type.language === 'c++' && needsLabels(type)
  let access: Access | null = type.keyword === 'class' ? 'private' : null
  const section = (now: Access): void => {
    if (labelled && now !== access) lines.push(`${blank(depth + 2)}${now}:`)
    access = now
  }
  let end = 0
  const hole = (first: number, what: string): void => {
    if (end === 0 || end >= first) return
    const bits = first - end
    if (bits % 8 > 0) lines.push(`/* XXX ${String(bits % 8).padStart(2)}-bit ${what.padEnd(7)}    */`)
    if (bits >= 8) lines.push(`/* XXX ${String(bits >> 3).padStart(2)}-byte ${what.padEnd(7)}   */`)
  }
  const statics = [...type.statics]
  const flush = (position: number): void => {
    while (statics.length > 0 && statics[0].position <= position) {
      const one = statics.shift()!
      section(type.access(one.entry))
      lines.push(`${blank(depth + 4)}static ${typeName(one.type, one.name)};`)
    }
  }
  let shown = 0
  type.members.forEach((member, i) => {
    flush(i)
    if (member.isBase || member.name?.startsWith('_vptr')) return
    section(type.access(member.entry))
    shown++
    const size = sizeOf(complete(unqualifiedCore(member.type)))
    const first = member.bits?.offset ?? (member.offset ?? 0) * 8
    let column = `/*${String(size).padStart(22)} */`
    if (!isUnion) {
      hole(first, 'hole')
      const byte = String((first + from) >> 3).padStart(6)
      const bit = member.bits === undefined ? '   ' : `:${String((first + from) & 7).padStart(2)}`
      column = `/* ${byte}${bit}   |  ${String(size).padStart(6)} */`
      end = first + (member.bits?.size ?? size * 8)
    }
    lines.push(`${column}${' '.repeat(depth + 4)}${memberText(member, depth + 4, first + from, complete)};`)
  })
  flush(Infinity)
  if (shown === 0 && type.statics.length === 0) lines.push(`${blank(depth + 4)}<no data fields>`)
  if (!isUnion) hole(type.size * 8, 'padding')
  lines.push('', `${blank(depth + 4)}/* total size (bytes): ${String(type.size).padStart(4)} */`)
  return `${lines.join('\n')}\n${blank(depth === 0 ? 2 : depth)}}`
}

/** A member; structures are written out where they stand. */
function memberText({ type, name = '', bits }: Member, depth: number, from: number, complete: Complete): string {
  const width = bits === undefined ? '' : ` : ${bits.size}`
  if (type.kind === 'struct') return `${bodyOf(complete(type), depth, from, complete)}${name === '' ? '' : ` ${name}`}`
  const core = unqualifiedCore(innermost(type))
  if (core.kind === 'struct' && core.name === undefined)
    return `${declaration(type, name, bodyOf(complete(core), depth, from, complete))}${width}`
  return `${typeName(type, name)}${width}`
}
