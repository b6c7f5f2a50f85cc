/** Exists for `x`, which shows memory in gdb's forms, and for finding and explaining addresses. */
import { stringIn } from '../../session/strings.ts'
import { refusal, type State, wholeNumberIn } from './state.ts'
import { symbol } from './looking.ts'

const SIZES: Record<string, number> = { b: 1, h: 2, w: 4, g: 8 }
const LONGEST_STRING = 200
const MOST_MATCHES = 100

/** `x/8xw EXPRESSION`; without one it goes on. */
export async function examine(state: State, args: string): Promise<void> {
  const [, count, letters, text] = /^(?:\/(-?\d*)([a-z]*))? *(.*)$/s.exec(args)!
  for (const letter of letters ?? '') {
    if (letter in SIZES) state.examined.size = letter
    else {
      // Strings have characters of one byte unless it is said.
      if (letter === 's' && state.examined.format !== 's' && !/[bhw]/.test(letters!)) state.examined.size = 'b'
      state.examined.format = letter
    }
  }
  if (state.examined.format === 'a') state.examined.size = 'g'
  if (text !== '') {
    const place = await state.remote.place(state.tid, state.level, text!)
    // An array or a structure is meant where it lies, a pointer where it points.
    const isPointer = place.kind === 'memory' && place.size === 8 && /^[*&]|\*( const)?$/.test(place.type)
    // A slice of Rust's is meant where its elements are.
    const isSlice = place.kind === 'memory' && place.size === 16 && /^&(str|\[.*\])$/.test(place.type)
    const pointer = isPointer ? text! : isSlice ? `(${text}).data_ptr` : null
    state.examined.next = pointer === null ? place.address : await pointed(state, pointer)
  }
  const wanted = count === undefined || count === '' ? 1 : Number(count)
  const { format, size } = state.examined
  const times = Math.abs(wanted)
  if (wanted < 0) {
    if (format === 'i' || format === 's')
      throw refusal(
        `x/${wanted}${format}: instructions and strings have no fixed size to go back by`,
        'give an address before',
      )
    state.examined.next -= times * SIZES[size]!
  }
  if (format === 'i') return instructions(state, times)
  if (format === 's') return strings(state, times)
  if (!'xduotcaf'.includes(format))
    throw refusal(`x: there is no format '${format}'`, 'the formats are x d u o t c a f i s')
  const start = state.examined.next
  // As with gdb, numbers of one or two bytes are no floating-point ones.
  await units(state, times, format, SIZES[format === 'f' && /[bh]/.test(size) ? 'g' : size]!)
  // Backwards goes on backwards.
  if (wanted < 0) state.examined.next = start
}

async function pointed(state: State, text: string): Promise<number> {
  const place = await state.remote.place(state.tid, state.level, `(unsigned long)(${text})`)
  return place.address
}

async function instructions(state: State, count: number): Promise<void> {
  const { pc } = await state.frame()
  const found = await state.remote.instructions(state.pid, state.examined.next, count + 1)
  if (found.length === 0) throw unreadable(state.examined.next)
  for (const { address, text, symbol: name } of found.slice(0, count)) {
    const mark = address === pc ? '=> ' : '   '
    state.say(`${mark}0x${address.toString(16)}${name === null ? '' : ` <${name}>`}:\t${text}\n`)
  }
  state.examined.next = found[count]?.address ?? state.examined.next
}

async function strings(state: State, count: number): Promise<void> {
  const size = ({ h: 2, w: 4 } as const)[state.examined.size] ?? 1
  const limit = state.how.limit ?? LONGEST_STRING
  for (let i = 0; i < count; i++) {
    const { next } = state.examined
    const bytes = await state.remote.memory(state.pid, next, limit * size)
    if (bytes.length < size) throw unreadable(next)
    const { text, length } = stringIn(bytes, size)
    const name = await symbol(state, next)
    state.say(`0x${next.toString(16)}${name === '' ? '' : ` ${name}`}:\t${text}\n`)
    state.examined.next = next + length
  }
}

async function units(state: State, count: number, format: string, size: number): Promise<void> {
  const { next } = state.examined
  const bytes = await state.remote.memory(state.pid, next, count * size)
  const perLine = format === 'c' ? 8 : format === 'a' ? 2 : Math.max(1, format === 't' ? 8 / size : 16 / size)
  const whole = Math.floor(bytes.length / size)
  for (let i = 0; i < whole; i += perLine) {
    const address = next + i * size
    const cells: string[] = []
    for (let j = i; j < Math.min(whole, i + perLine); j++)
      cells.push(await cell(state, bytes.subarray(j * size, (j + 1) * size), format))
    const name = await symbol(state, address)
    state.say(`0x${address.toString(16)}${name === '' ? '' : ` ${name}`}:\t${cells.join('\t')}\n`)
  }
  state.examined.next = next + whole * size
  if (whole > 0) {
    const type = { 1: 'char', 2: 'short', 4: 'int', 8: 'long' }[size]
    const last = next + (whole - 1) * size
    await state.remote.value(state.tid, state.level, `$_ = (${type} *) 0x${last.toString(16)}`, false)
    await state.remote.value(state.tid, state.level, '$__ = *$_', false)
  }
  if (whole < count) throw unreadable(next + whole * size)
}

async function cell(state: State, bytes: Uint8Array, format: string): Promise<string> {
  const value = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const signed = BigInt.asIntN(bytes.length * 8, value)
  switch (format) {
    case 'd':
      return `${signed}`
    case 'u':
      return `${value}`
    case 'o':
      return value === 0n ? '0' : `0${value.toString(8)}`
    case 't':
      return value.toString(2).padStart(bytes.length * 8, '0')
    case 'c': {
      const char = Number(value & 0xffn)
      return `${BigInt.asIntN(8, value)} '${char >= 32 && char < 127 ? String.fromCharCode(char) : `\\${char.toString(8).padStart(3, '0')}`}'`
    }
    case 'a':
      return `0x${value.toString(16)} ${value < 1n << 48n ? await symbol(state, Number(value)) : ''}`.trimEnd()
    case 'f': {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return bytes.length === 4
        ? `${Math.fround(view.getFloat32(0, true))}`
        : bytes.length === 8
          ? `${view.getFloat64(0, true)}`
          : `${signed}`
    }
    default:
      return `0x${value.toString(16).padStart(bytes.length * 2, '0')}`
  }
}

function unreadable(address: number): Error {
  return refusal(`Cannot access memory at address 0x${address.toString(16)}`)
}

/** `who ADDRESS`: mapping, symbol, stack. */
export async function who(state: State, args: string): Promise<void> {
  const { address } = await state.remote.place(state.tid, state.level, args)
  const { mapping, place, stackOf, block } = await state.remote.who(state.pid, address)
  state.say(`0x${address.toString(16)}`)
  if (mapping === null) return state.say(': nothing is mapped there\n')
  const rights = `${mapping.prot & 1 ? 'r' : '-'}${mapping.prot & 2 ? 'w' : '-'}${mapping.prot & 4 ? 'x' : '-'}`
  state.say(` in 0x${mapping.start.toString(16)}-0x${mapping.end.toString(16)} ${rights} ${mapping.name}\n`)
  if (place?.function !== undefined) {
    const offset = place.offset === undefined || place.offset === 0 ? '' : `+${place.offset}`
    state.say(`  ${place.function}${offset}${place.file === undefined ? '' : ` at ${place.file}:${place.line}`}\n`)
  }
  for (const tid of stackOf) state.say(`  the stack of thread ${tid}\n`)
  if (block === null) return
  const { madeBy, madeAt, madeTid, freedBy, freedAt, freedTid } = block
  const freed = block.state === 'freed' ? `, freed by ${freedBy} at @${freedAt} in thread ${freedTid}` : ''
  const offset = address - block.address
  state.say(
    `  ${offset} bytes from the start of a ${block.state} block of ${block.size} bytes at 0x${block.address.toString(16)}\n`,
  )
  state.say(`  made by ${madeBy} at @${madeAt} in thread ${madeTid}${freed}\n`)
}

/** `find "text"`, `find 0x1234` (8 bytes), `find 4 0x1234` (4 bytes), `find hex 00ff12`. */
export async function find(state: State, args: string): Promise<void> {
  const pattern = patternOf(args)
  const found = await state.remote.find(state.pid, pattern, MOST_MATCHES)
  for (const { address, where, what } of found) state.say(`0x${address.toString(16)}  ${where}: ${what}\n`)
  state.say(found.length === MOST_MATCHES ? `the first ${MOST_MATCHES} are shown\n` : `${found.length} found\n`)
}

function patternOf(args: string): Uint8Array {
  const text = /^"(.*)"$/s.exec(args)
  if (text !== null) return new TextEncoder().encode(JSON.parse(args) as string)
  const hex = /^hex ([0-9a-f ]+)$/i.exec(args)
  if (hex !== null) return Buffer.from(hex[1]!.replaceAll(' ', ''), 'hex')
  const [, size, value] = /^(?:([1248]) +)?(0x[0-9a-f]+|\d+)$/i.exec(args) ?? []
  if (value === undefined) throw refusal('find: give "text", a number, a size and a number, or hex and digits')
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes.slice(0, size === undefined ? 8 : wholeNumberIn(size, 'find'))
}
