/** Exists for those things of the C++ library (libstdc++) that stand for another one: iterators are shown as the element they are at, `std::any` as what is in it. */

import { DW_TAG } from '../dwarf/constants.ts'
import { typeOfEntry } from '../types/reader.ts'
import type { Type } from '../types/type.ts'
import { stripped } from '../types/type.ts'
import { typeName } from '../types/names.ts'
import { aligned, member, numberAt, pointerAt, type Reader } from './library-parts.ts'
import { dereference, Value } from './value.ts'

/** An iterator that has a pointer to its element. */
const atElement =
  (path: string): Reader =>
  (value, name) => {
    const pointer = member(value, path)
    return pointer && shownAs(pointer, name)
  }

/** An iterator that has a pointer to a node: the element lies behind `header` bytes. */
const inNode =
  (path: string, header: number): Reader =>
  (value, name, [element]) => {
    const node = numberAt(value, path)
    if (node === undefined || element === undefined) return undefined
    return shownAs(pointerAt(element, node === 0 ? 0 : node + aligned(header, element), value), name)
  }

function shownAs(pointer: Value, name: string): ReturnType<Reader> {
  const heading = `non-dereferenceable iterator for ${CONTAINERS[name] ?? name}`
  if (pointer.integer() === 0n) return { heading, style: 'bare', pointer, items: () => [] }
  return { heading: '', style: 'plain', pointer, items: () => [{ label: '', value: dereference(pointer) }] }
}

const CONTAINERS: Readonly<Record<string, string>> = {
  '__gnu_cxx::__normal_iterator': 'std::vector',
  'std::_Deque_iterator': 'std::deque',
  'std::_List_iterator': 'std::list',
  'std::_List_const_iterator': 'std::list',
  'std::_Fwd_list_iterator': 'std::forward_list',
  'std::_Fwd_list_const_iterator': 'std::forward_list',
}

/** What is in it is told by the class whose function manages it: `_Manager_internal<T>` for what has room inside, `_Manager_external<T>`. */
const any: Reader = (value, name) => {
  const manager = numberAt(value, '_M_manager')
  if (manager === undefined) return undefined
  if (manager === 0) return { heading: `${name} [no contained value]`, style: 'bare', items: () => [] }
  const [, own, isInside] =
    /^std::any::(_Manager_(internal|external)<.*>)::_S_manage\(/.exec(value.space.symbolic(manager) ?? '') ?? []
  const type = stripped(value.space.complete(stripped(value.type)))
  const classes = type.kind === 'struct' ? (type.entry?.children ?? []) : []
  const found = classes.find((one) => one.isClass && own !== undefined && sameName(one.name ?? '', own))
  const parameter = found?.children.find(({ tag }) => tag === DW_TAG.template_type_parameter)
  const held: Type | undefined = parameter && typeOfEntry(parameter)
  const storage = member(value, '_M_storage')
  if (held === undefined || storage === undefined) return undefined
  const content =
    isInside === 'internal' ? storage.part(held, 0) : Value.at(held, numberAt(value, '_M_storage._M_ptr')!, value.space)
  return {
    heading: `${name} containing ${typeName(held).replace(STRING, 'std::string')}`,
    style: 'named',
    items: () => [{ label: '[contained value]', value: content }],
  }
}

const STRING = 'std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >'

/** Demanglers and compilers leave blanks at different places. */
function sameName(a: string, b: string): boolean {
  return a.replaceAll(' ', '') === b.replaceAll(' ', '')
}

/** The bits that are set. */
const bitset: Reader = (value, name) => {
  const words = member(value, '_M_w')
  if (words === undefined) return undefined
  const bytes = words.bytes()
  return {
    heading: name,
    style: 'named',
    *items() {
      for (let i = 0; i < bytes.length * 8; i++)
        if (((bytes[i >> 3]! >> (i & 7)) & 1) === 1) yield { label: `[${i}]`, value: one(value) }
    },
  }
}

function one({ space }: Value): Value {
  return Value.integer({ kind: 'base', language: 'c++', name: 'int', size: 4, encoding: 5 }, 1n, space)
}

/** By the names of their classes. */
export const pointingReaders: Readonly<Record<string, Reader>> = {
  'std::any': any,
  'std::bitset': bitset,
  '__gnu_cxx::__normal_iterator': atElement('_M_current'),
  'std::_Deque_iterator': atElement('_M_cur'),
  'std::_Rb_tree_iterator': inNode('_M_node', 32),
  'std::_Rb_tree_const_iterator': inNode('_M_node', 32),
  'std::_List_iterator': inNode('_M_node', 16),
  'std::_List_const_iterator': inNode('_M_node', 16),
  'std::_Fwd_list_iterator': inNode('_M_node', 8),
  'std::_Fwd_list_const_iterator': inNode('_M_node', 8),
  'std::__detail::_Node_iterator': inNode('_M_cur', 8),
  'std::__detail::_Node_const_iterator': inNode('_M_cur', 8),
}
