/** Exists to show containers of Rust's library as what they hold, in the words of the printers that come with rustc. */

import type { Type } from '../types/type.ts'
import { arrayOf, C, pointerTo, sizeOf, stripped } from '../types/type.ts'
import { type Item, MOST, member, numberAt, type Reader, row, type Shown, typeArguments } from './library-parts.ts'
import { dereference, Value } from './value.ts'

const rustVector: Reader = (value, _name, [type]) => {
  const pointer = member(value, 'buf.inner.ptr.pointer.pointer') ?? member(value, 'buf.ptr.pointer.pointer')
  const length = numberAt(value, 'len')
  if (pointer === undefined || length === undefined || type === undefined) return undefined
  return row(`Vec(size=${length})`, type, Number(pointer.as(pointerTo(type)).integer()), length, value)
}

const textIn =
  (path: string): Reader =>
  (value) => {
    const bytes = member(value, path)
    return bytes && rustString(bytes, '', [])
  }

const rustString: Reader = (bytes) => {
  const pointer = bytes && (member(bytes, 'buf.inner.ptr.pointer.pointer') ?? member(bytes, 'buf.ptr.pointer.pointer'))
  const length = bytes && numberAt(bytes, 'len')
  if (pointer === undefined || length === undefined) return undefined
  const characters = arrayOf(C.char, length)
  return {
    heading: '',
    style: 'utf-8',
    text: Value.at(characters, Number(pointer.integer()), bytes.space),
    items: () => [],
  }
}

/** A ring of elements in a vector's memory. */
const ring: Reader = (value, _name, [type]) => {
  const pointer = member(value, 'buf.inner.ptr.pointer.pointer') ?? member(value, 'buf.ptr.pointer.pointer')
  const [head, count] = [numberAt(value, 'head'), numberAt(value, 'len')]
  const capacity =
    numberAt(value, 'buf.inner.cap.__0') ?? numberAt(value, 'buf.inner.cap') ?? numberAt(value, 'buf.cap')
  if (pointer === undefined || head === undefined || count === undefined || !capacity || type === undefined)
    return undefined
  const [first, size] = [Number(pointer.integer()), sizeOf(type)]
  const at = (index: number): Value => Value.at(type, first + ((head + index) % capacity) * size, value.space)
  return {
    heading: `VecDeque(size=${count})`,
    style: 'sequence',
    at,
    *items() {
      for (let i = 0; i < Math.min(count, MOST); i++) yield { label: '', value: at(i) }
    },
  }
}

/** hashbrown's tables: elements lie in front of their control bytes, the first one nearest; the top bit of a control byte says that there is none. */
function hashed(path: string, heading: string, isMap: boolean): Reader {
  return (value) => {
    const whole = member(value, path)
    const type = whole && stripped(whole.type)
    const element = type?.kind === 'struct' ? typeArguments(type)[0] : undefined
    const mask = whole && numberAt(whole, 'table.bucket_mask')
    const control = whole && numberAt(whole, 'table.ctrl.pointer')
    const count = whole && numberAt(whole, 'table.items')
    if (element === undefined || mask === undefined || control === undefined || count === undefined) return undefined
    const { space } = value
    const size = sizeOf(element)
    return {
      heading: `${heading}(size=${count})`,
      style: isMap ? 'map' : 'sequence',
      *items(): Generator<Item> {
        for (let i = 0; i <= Math.min(mask, MOST); i++) {
          if ((space.memory(control + i, 1)[0]! & 0x80) !== 0) continue
          const pair = Value.at(element, control - (i + 1) * size, space)
          const [key, mapped] = [member(pair, '__0'), member(pair, '__1')]
          if (key === undefined) continue
          yield isMap && mapped !== undefined ? { label: '', key, value: mapped } : { label: '', value: key }
        }
      },
    }
  }
}

/** Nodes of a B-tree: keys, values, and behind a leaf's fields the edges of an inner one. */
function ordered(path: string, heading: string, isMap: boolean): Reader {
  return (value) => {
    const map = path === '' ? value : member(value, path)
    const count = map && numberAt(map, 'length')
    if (map === undefined || count === undefined) return undefined
    const root = count === 0 ? undefined : (member(map, 'root.__0') ?? member(map, 'root'))
    const height = root && numberAt(root, 'height')
    const node = root && member(root, 'node.pointer')
    const pointed = node && stripped(node.type)
    if (count > 0 && (height === undefined || pointed?.kind !== 'pointer')) return undefined
    return {
      heading: `${heading}(size=${count})`,
      style: isMap ? 'map' : 'sequence',
      *items() {
        if (pointed?.kind === 'pointer') yield* within(Number(node!.integer()), height!, pointed.target, value, isMap)
      },
    }
  }
}

function* within(address: number, height: number, leaf: Type, value: Value, isMap: boolean): Generator<Item> {
  const node = Value.at(leaf, address, value.space)
  const count = numberAt(node, 'len') ?? 0
  const [keys, values] = [member(node, 'keys'), member(node, 'vals')]
  const edge = (i: number): number =>
    Number(Value.at(C.unsignedLong, address + Math.ceil(sizeOf(leaf) / 8) * 8 + 8 * i, value.space).integer())
  for (let i = 0; i <= count; i++) {
    if (height > 0) yield* within(edge(i), height - 1, leaf, value, isMap)
    if (i === count) return
    const [key, mapped] = [initialised(keys, i), initialised(values, i)]
    if (key === undefined) return
    yield isMap && mapped !== undefined ? { label: '', key, value: mapped } : { label: '', value: key }
  }
}

/** Element `i` of an array of `MaybeUninit`. */
function initialised(array: Value | undefined, i: number): Value | undefined {
  const type = array && stripped(array.type)
  if (type?.kind !== 'array') return undefined
  const element = array!.part(type.element, i * sizeOf(type.element))
  return member(element, 'value.value.__0') ?? member(element, 'value.value')
}

/** Rc and Arc: what is counted, and how often. */
function counted(heading: string, strong: string, weak: string, data: string): Reader {
  return (value) => {
    const pointer = member(value, 'ptr.pointer')
    const block = pointer && dereference(pointer)
    const [used, held] = [block && numberAt(block, strong), block && member(block, data)]
    const others = block && numberAt(block, weak)
    if (used === undefined || others === undefined || held === undefined) return undefined
    const number = (count: number): Value => Value.integer(C.long, BigInt(count), value.space)
    return {
      heading: `${heading}(strong=${used}, weak=${others - 1})`,
      style: 'named',
      items: () => [
        { label: 'value', value: held },
        { label: 'strong', value: number(used) },
        { label: 'weak', value: number(others - 1) },
      ],
    }
  }
}

const cell: Reader = (value) => {
  const held = member(value, 'value.value')
  return held && { heading: 'Cell', style: 'named', items: () => [{ label: 'value', value: held }] }
}

const countedCell: Reader = (value): Shown | undefined => {
  const held = member(value, 'value.value')
  const borrow = member(value, 'borrow.value.value')
  if (held === undefined || borrow === undefined) return undefined
  const times = Number(borrow.integer())
  return {
    heading: times >= 0 ? `RefCell(borrow=${times})` : `RefCell(borrow_mut=${-times})`,
    style: 'named',
    items: () => [
      { label: 'value', value: held },
      {
        label: times >= 0 ? 'borrow' : 'borrow_mut',
        value: Value.integer(C.long, BigInt(Math.abs(times)), value.space),
      },
    ],
  }
}

/** By the names that classes have in debugging information. */
export const rustReaders: Readonly<Record<string, Reader>> = {
  'alloc::vec::Vec': rustVector,
  'alloc::string::String': textIn('vec'),
  'std::ffi::os_str::OsString': textIn('inner.inner'),
  'core::num::nonzero::NonZero': (value) => {
    const held = member(value, '__0.__0')
    return held && { heading: '', style: 'plain', items: () => [{ label: '', value: held }] }
  },
  'alloc::collections::vec_deque::VecDeque': ring,
  'std::collections::hash::map::HashMap': hashed('base.table', 'HashMap', true),
  'std::collections::hash::set::HashSet': hashed('base.map.table', 'HashSet', false),
  'alloc::collections::btree::map::BTreeMap': ordered('', 'BTreeMap', true),
  'alloc::collections::btree::set::BTreeSet': ordered('map', 'BTreeSet', false),
  'alloc::rc::Rc': counted('Rc', 'strong.value.value', 'weak.value.value', 'value'),
  'alloc::sync::Arc': counted('Arc', 'strong.v.value', 'weak.v.value', 'data'),
  'core::cell::Cell': cell,
  'core::cell::RefCell': countedCell,
}
