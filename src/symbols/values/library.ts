/**
 * Exists to show containers of the C++ library (libstdc++) and of Rust's as what they hold, in the words of gdb's printers for them. What does not look as
 * expected is shown as the structure that it is.
 */

import { LemmingError } from '../../base/errors.ts'
import { typeName } from '../types/names.ts'
import type { Type } from '../types/type.ts'
import { arrayOf, C, isIntegral, sizeOf, stripped } from '../types/type.ts'
import {
  aligned,
  counted,
  type Item,
  MOST,
  member,
  numberAt,
  pointerAt,
  type Reader,
  row,
  type Shown,
  target,
  typeArguments,
} from './library-parts.ts'
import { pointingReaders } from './library-iterators.ts'
import { rustReaders } from './library-rust.ts'
import { dereference, Value } from './value.ts'

export type { Item, Shown } from './library-parts.ts'

/** What the value, an object of a class, holds; undefined for what is no container, or is none that this knows. */
export function containerOf(value: Value): Shown | undefined {
  const type = stripped(value.space.complete(stripped(value.type)))
  if (type.kind !== 'struct' || type.name === undefined || type.language === 'c') return undefined
  const [, name] = /^((?:std|alloc|core|__gnu_cxx)::(?:\w+::)*\w+)(?:<.*)?$/s.exec(type.name) ?? []
  const reader = name === undefined ? undefined : readers[name.replace(/^std::(__cxx11|__debug|__8|_V2)::/, 'std::')]
  if (reader === undefined) return undefined
  return reader(value, name!, typeArguments(type))
}

/** A name without the arguments that the library fills in itself: `std::vector<int>`, `std::string`. */
export function friendlyName(name: string): string {
  let text = name.replaceAll(
    'std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >',
    'std::string',
  )
  for (let from = 0; ;) {
    const match = /, std::(allocator|default_delete|less|hash|equal_to|char_traits)</.exec(text.slice(from))
    if (match === null) break
    const start = from + match.index
    let at = start + match[0].length
    for (let depth = 1; depth > 0 && at < text.length; at++) depth += text[at] === '<' ? 1 : text[at] === '>' ? -1 : 0
    text = text.slice(0, start) + text.slice(at)
    from = start
  }
  return text.replace(/([^>]) >/g, '$1>')
}

function text(value: Value, pointer: string, length: string): Shown | undefined {
  const found = target(value, pointer)
  const count = numberAt(value, length)
  if (found === undefined || count === undefined) return undefined
  const size = Math.max(1, sizeOf(found.element))
  return {
    heading: '',
    style: 'string',
    text: Value.at(arrayOf(found.element, count), found.address, value.space),
    at: (index) => Value.at(found.element, found.address + index * size, value.space),
    items: () => [],
  }
}

const vector: Reader = (value, name) => {
  if (member(value, '_M_impl._M_start._M_p') !== undefined) return bits(value, name)
  const start = target(value, '_M_impl._M_start')
  const finish = numberAt(value, '_M_impl._M_finish')
  const end = numberAt(value, '_M_impl._M_end_of_storage')
  if (start === undefined || finish === undefined || end === undefined) return undefined
  const size = sizeOf(value.space.complete(stripped(start.element)))
  const [length, capacity] = [finish, end].map((one) => Math.trunc((one - start.address) / size)) as [number, number]
  if (length < 0) return undefined
  return row(`${name} of length ${length}, capacity ${capacity}`, start.element, start.address, length, value)
}

/** std::vector<bool>: words of bits. */
const bits = (value: Value, name: string): Shown | undefined => {
  const place = (which: string): number | undefined => {
    const word = numberAt(value, `_M_impl.${which}._M_p`)
    const offset = numberAt(value, `_M_impl.${which}._M_offset`)
    return word === undefined || offset === undefined ? undefined : word * 8 + offset
  }
  const [start, finish, end] = [place('_M_start'), place('_M_finish'), numberAt(value, '_M_impl._M_end_of_storage')]
  if (start === undefined || finish === undefined || end === undefined) return undefined
  const at = (index: number): Value => {
    const bit = start + index
    const byte = value.space.memory(Math.floor(bit / 8), 1)[0]!
    return Value.integer({ ...C.bool, language: 'c++' }, BigInt((byte >> (bit % 8)) & 1), value.space)
  }
  return {
    heading: `${name}<bool> of length ${finish - start}, capacity ${end * 8 - start}`,
    style: 'sequence',
    at,
    *items() {
      for (let i = 0; i < finish - start; i++) yield { label: '', value: at(i) }
    },
  }
}

/** Nodes of a red-black tree, in order: libstdc++ has colour, parent, left and right before the value. */
function tree(path: string, isMap: boolean): Reader {
  return (value, name) => {
    const whole = member(value, path)
    const count = whole && numberAt(whole, '_M_impl._M_node_count')
    const first = whole && numberAt(whole, '_M_impl._M_header._M_left')
    const type = whole && stripped(whole.space.complete(stripped(whole.type)))
    const element = type?.kind === 'struct' ? typeArguments(type)[1] : undefined
    if (count === undefined || first === undefined || element === undefined) return undefined
    const { space } = value
    const pointerAt = (address: number): number => Number(Value.at(C.unsignedLong, address, space).integer())
    const next = (node: number): number => {
      const [PARENT, LEFT, RIGHT] = [8, 16, 24]
      let at = pointerAt(node + RIGHT)
      if (at !== 0) {
        for (let left = pointerAt(at + LEFT), hops = 0; left !== 0 && hops < MOST; left = pointerAt(at + LEFT), hops++)
          at = left
        return at
      }
      let from = node
      at = pointerAt(node + PARENT)
      for (let hops = 0; hops < MOST && from === pointerAt(at + RIGHT); hops++) {
        from = at
        at = pointerAt(at + PARENT)
      }
      return at
    }
    return {
      heading: `${name} with ${counted(count)}`,
      style: isMap ? 'map' : 'named',
      *items() {
        let node = first
        for (let i = 0; i < Math.min(count, MOST); i++) {
          yield item(Value.at(element, node + aligned(32, element), space), isMap, i)
          if (i + 1 < count) node = next(node)
        }
      },
    }
  }
}

function item(value: Value, isMap: boolean, index: number): Item {
  const key = isMap ? member(value, 'first') : undefined
  const mapped = isMap ? member(value, 'second') : undefined
  return key !== undefined && mapped !== undefined ? { label: '', key, value: mapped } : { label: `[${index}]`, value }
}

function hashed(isMap: boolean): Reader {
  return (value, name) => {
    const table = member(value, '_M_h')
    const count = table && numberAt(table, '_M_element_count')
    const first = table && numberAt(table, '_M_before_begin._M_nxt')
    const type = table && stripped(table.space.complete(stripped(table.type)))
    const element = type?.kind === 'struct' ? typeArguments(type)[1] : undefined
    if (count === undefined || first === undefined || element === undefined) return undefined
    return {
      heading: `${name} with ${counted(count)}`,
      style: isMap ? 'map' : 'named',
      items: () => linked(value, first, 8, element, count, isMap),
    }
  }
}

/** Nodes that begin with the address of the next one. */
function* linked(
  value: Value,
  first: number,
  header: number,
  element: Type,
  most: number,
  isMap: boolean,
  end = 0,
): Generator<Item> {
  const { space } = value
  let node = first
  for (let i = 0; i < Math.min(most, MOST) && node !== end && node !== 0; i++) {
    yield item(Value.at(element, node + aligned(header, element), space), isMap, i)
    node = Number(Value.at(C.unsignedLong, node, space).integer())
  }
}

const list: Reader = (value, name, [element]) => {
  const node = member(value, '_M_impl._M_node')
  const first = node && numberAt(node, '_M_next')
  if (node?.address === undefined || first === undefined || element === undefined) return undefined
  const end = node.address
  if (first === end) return { heading: `empty ${name}`, style: 'bare', items: () => [] }
  return { heading: name, style: 'named', items: () => linked(value, first, 16, element, MOST, false, end) }
}

const forwardList: Reader = (value, name, [element]) => {
  const first = numberAt(value, '_M_impl._M_head._M_next')
  if (first === undefined || element === undefined) return undefined
  if (first === 0) return { heading: `empty ${name}`, style: 'bare', items: () => [] }
  return { heading: name, style: 'named', items: () => linked(value, first, 8, element, MOST, false) }
}

const deque: Reader = (value, name) => {
  const [start, finish] = [member(value, '_M_impl._M_start'), member(value, '_M_impl._M_finish')]
  const element = start && target(start, '_M_cur')?.element
  if (start === undefined || finish === undefined || element === undefined) return undefined
  const size = sizeOf(value.space.complete(stripped(element)))
  const perNode = size < 512 ? Math.floor(512 / size) : 1
  const [cur, first, node] = ['_M_cur', '_M_first', '_M_node'].map((one) => numberAt(start, one)!) as [
    number,
    number,
    number,
  ]
  const [lastCur, lastFirst, lastNode] = ['_M_cur', '_M_first', '_M_node'].map((one) => numberAt(finish, one)!) as [
    number,
    number,
    number,
  ]
  const skipped = (cur - first) / size
  const count = ((lastNode - node) / 8) * perNode + (lastCur - lastFirst) / size - skipped
  const { space } = value
  const at = (index: number): Value => {
    const place = index + skipped
    const buffer = Number(Value.at(C.unsignedLong, node + 8 * Math.floor(place / perNode), space).integer())
    return Value.at(element, buffer + (place % perNode) * size, space)
  }
  return {
    heading: `${name} with ${counted(count)}`,
    style: 'sequence',
    at,
    *items() {
      for (let i = 0; i < Math.min(count, MOST); i++) yield { label: '', value: at(i) }
    },
  }
}

const optional: Reader = (value, name, [type]) => {
  const engaged = numberAt(value, '_M_payload._M_engaged')
  if (engaged === undefined || type === undefined) return undefined
  const heading = `${name}<${friendlyName(typeName(type))}>`
  const held = member(value, '_M_payload._M_payload._M_value') ?? member(value, '_M_payload._M_value')
  if (engaged === 0) return { heading: `${heading} [no contained value]`, style: 'bare', items: () => [] }
  const pointer = held?.address === undefined ? undefined : pointerAt(held.type, held.address, value)
  return held && { heading, style: 'named', pointer, items: () => [{ label: '[contained value]', value: held }] }
}

const variant: Reader = (value, name, types) => {
  const index = numberAt(value, '_M_index')
  const storage = member(value, '_M_u')
  if (index === undefined || storage === undefined) return undefined
  const heading = `${name}<${types.map((type) => friendlyName(typeName(type))).join(', ')}>`
  const type = types[index]
  if (type === undefined) return { heading: `${heading} [no contained value]`, style: 'bare', items: () => [] }
  return {
    heading: `${heading} [index ${index}]`,
    style: 'sequence',
    items: () => [{ label: '', value: storage.part(type, 0) }],
  }
}

/** The elements of a tuple: each in a base class of its own, `_Head_base<N, T, …>`, below the one of the rest. */
function tupled(value: Value): Value[] {
  const found: Value[] = []
  const walk = (at: Value): void => {
    const type = stripped(at.space.complete(stripped(at.type)))
    if (type.kind !== 'struct') return
    const bases = type.members.filter(({ isBase }) => isBase)
    const own = bases.find((one) => nameOf(one.type).startsWith('std::_Head_base<'))
    if (own !== undefined) {
      const head = at.member(own)
      found.push(member(head, '_M_head_impl') ?? head)
    }
    const rest = bases.find((one) => nameOf(one.type).startsWith('std::_Tuple_impl<'))
    if (rest !== undefined) walk(at.member(rest))
  }
  walk(value)
  return found
}

function nameOf(type: Type): string {
  const plain = stripped(type)
  return plain.kind === 'struct' ? (plain.name ?? '') : ''
}

const tuple: Reader = (value, name) => {
  const all = tupled(value)
  if (all.length === 0) return { heading: `empty ${name}`, style: 'bare', items: () => [] }
  return {
    heading: `${name} containing`,
    style: 'named',
    items: () => all.map((one, i) => ({ label: `[${i + 1}]`, value: one })),
  }
}

const uniquePointer: Reader = (value, name, [type]) => {
  const whole = member(value, '_M_t._M_t') ?? member(value, '_M_t')
  const pointer = whole && tupled(whole)[0]
  if (pointer === undefined || type === undefined) return undefined
  return {
    heading: `${name}<${friendlyName(typeName(type))}>`,
    style: 'named',
    pointer,
    items: () => [{ label: 'get()', value: pointer }],
  }
}

const sharedPointer: Reader = (value, name, [type]) => {
  const pointer = member(value, '_M_ptr')
  const control = member(value, '_M_refcount._M_pi')
  if (pointer === undefined || control === undefined || type === undefined) return undefined
  let counts = '(empty)'
  if (control.integer() !== 0n) {
    const block = dereference(control)
    const [used, weak] = [numberAt(block, '_M_use_count') ?? 0, numberAt(block, '_M_weak_count') ?? 0]
    counts = used === 0 ? `(expired, weak count ${weak})` : `(use count ${used}, weak count ${weak - 1})`
  }
  return {
    heading: `${name}<${friendlyName(typeName(type))}> ${counts}`,
    style: 'named',
    pointer,
    items: () => [{ label: 'get()', value: pointer }],
  }
}

const initializerList: Reader = (value, name, [type]) => {
  const start = target(value, '_M_array')
  const count = numberAt(value, '_M_len')
  if (start === undefined || count === undefined || type === undefined) return undefined
  return row(`${name} of length ${count}`, start.element, start.address, count, value)
}

/** std::array is written as the structure that it is; only its elements can be asked for by index. */
export function elementAt(value: Value, index: number): Value | undefined {
  const type = stripped(value.space.complete(stripped(value.type)))
  if (type.kind !== 'struct') return undefined
  if ((type.name ?? '').startsWith('std::array<')) {
    const elements = member(value, '_M_elems')
    const array = elements && stripped(elements.type)
    return array?.kind === 'array' ? elements!.part(array.element, index * sizeOf(array.element)) : undefined
  }
  return containerOf(value)?.at?.(index)
}

const pair: Reader = (value) => {
  const [first, second] = [member(value, 'first'), member(value, 'second')]
  if (first === undefined || second === undefined) return undefined
  const items = [
    { label: 'first', value: first },
    { label: 'second', value: second },
  ]
  return { heading: '', style: 'named', items: () => items }
}

const atomic: Reader = (value, name, [type]) => {
  const held = member(value, '_M_i') ?? member(value, '_M_base._M_i') ?? member(value, '_M_b._M_p')
  if (held === undefined || type === undefined) return undefined
  return {
    heading: `${name}<${friendlyName(typeName(type))}>`,
    style: 'atomic',
    items: () => [{ label: '', value: held }],
  }
}

const wrapper: Reader = (value, name) => {
  const held = member(value, 'c')
  return held && { heading: `${name} wrapping`, style: 'wrapping', items: () => [{ label: '', value: held }] }
}

/** The value that a map has for a key, a number or text; undefined for what is no map. Throws `expression-type` where it has none. */
export function mappedTo(value: Value, key: Value): Value | undefined {
  const container = containerOf(value)
  if (container?.style !== 'map') return undefined
  const wanted = keyOf(key)
  for (const one of container.items()) if (one.key !== undefined && keyOf(one.key) === wanted) return one.value
  throw new LemmingError('expression-type', 'the map has no such key')
}

/** Whether a string of a library equals another text; undefined where neither is one. */
export function sameText(a: Value, b: Value): boolean | undefined {
  const isString = (value: Value): boolean =>
    stripped(value.type).kind === 'struct' && (containerOf(value)?.text !== undefined || slice(value) !== undefined)
  if (!isString(a) && !isString(b)) return undefined
  const [one, other] = [keyOf(a), keyOf(b)]
  return one?.startsWith('text ') && other?.startsWith('text ') ? one === other : undefined
}

/** The bytes of Rust's `&str`. */
function slice(value: Value): Value | undefined {
  const start = target(value, 'data_ptr')
  const count = numberAt(value, 'length')
  return start && count !== undefined ? Value.at(arrayOf(start.element, count), start.address, value.space) : undefined
}

/** Numbers and texts as what can be compared; other keys equal nothing. */
function keyOf(value: Value): string | undefined {
  const type = stripped(value.type)
  const text = type.kind === 'struct' ? (containerOf(value)?.text ?? slice(value)) : value
  const plain = text === undefined ? undefined : stripped(text.type)
  if (text !== undefined && plain?.kind === 'array') {
    const bytes = text.bytes()
    // A literal has an end that is no part of it.
    const end = text === value && bytes.at(-1) === 0 ? bytes.length - sizeOf(plain.element) : bytes.length
    return `text ${bytes.subarray(0, end).join(' ')}`
  }
  return plain !== undefined && isIntegral(plain) ? `number ${value.integer()}` : undefined
}

const readers: Readonly<Record<string, Reader>> = {
  'std::basic_string': (value) => text(value, '_M_dataplus._M_p', '_M_string_length'),
  'std::basic_string_view': (value) => text(value, '_M_str', '_M_len'),
  'std::vector': vector,
  'std::map': tree('_M_t', true),
  'std::multimap': tree('_M_t', true),
  'std::set': tree('_M_t', false),
  'std::multiset': tree('_M_t', false),
  'std::unordered_map': hashed(true),
  'std::unordered_multimap': hashed(true),
  'std::unordered_set': hashed(false),
  'std::unordered_multiset': hashed(false),
  'std::list': list,
  'std::forward_list': forwardList,
  'std::deque': deque,
  'std::optional': optional,
  'std::variant': variant,
  'std::tuple': tuple,
  'std::unique_ptr': uniquePointer,
  'std::shared_ptr': sharedPointer,
  'std::weak_ptr': sharedPointer,
  'std::initializer_list': initializerList,
  'std::pair': pair,
  'std::atomic': atomic,
  'std::stack': wrapper,
  'std::queue': wrapper,
  'std::priority_queue': wrapper,
  ...pointingReaders,
  ...rustReaders,
}
