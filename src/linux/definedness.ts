/** Exists to tell when a system call depends on undefined bits, in its registers or in the memory that it makes the kernel read, and to carry V bits over signal handlers. */
import type { AddressSpace } from '../engine/address-space.ts'
import {
  definednessOf,
  defineRegisters,
  firstUndefined,
  hasUndefined,
  putDefinedness,
  setDefined,
  setUndefined,
} from '../engine/definedness.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { PAGE_SHIFT, PAGE_SIZE } from '../engine/layout.ts'
import { REG, registers, STATE, STATE_SIZE } from '../ir/registers.ts'
import { argumentRegister, type ArgType, type CallView, type Declaration, type Range } from './declare.ts'
import type { Kernel } from './kernel.ts'
import type { Memory } from './mm.ts'
import type { Task } from './state.ts'

const SYSCALL_LENGTH = 2
const AF_UNIX = 1
const AF_INET = 2
const SIGEV_THREAD_ID = 4

/** V bits of a general register. */
const bitsOf = (k: Kernel, register: number): bigint =>
  k.cpu.view.getBigUint64(registers[REG.gprUndefined + register]!.offset, true)

/** What the kernel looks at of an argument's register. */
function lookedAt(type: ArgType): bigint {
  return type.decode(0, 1) === type.decode(0, 0) ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn
}

/**
 * To be called before the handler: tells the observers of what the call depends on that is undefined. What the call leaves in the registers is defined.
 */
export function enterUndefined(k: Kernel, t: Task, declaration: Declaration, args: readonly number[]): void {
  if (k.undefinedObservers.length !== 0) {
    const call: CallView = { k, t, space: k.space(t), args, result: null }
    tellRegisters(k, t, declaration, call)
    for (const [argument, range] of readRanges(declaration, call)) tellMemory(k, t, declaration, argument, range)
  }
  defineRegisters(k.cpu.view, (1 << REG.rax) | (1 << REG.rcx) | (1 << REG.r11))
}

function tellRegisters(k: Kernel, t: Task, declaration: Declaration, call: CallView): void {
  const tell = (argument: number, register: number): void => {
    k.tellUndefined(
      t,
      place(k, { kind: 'syscall-register', by: declaration.name, argument, address: 0, start: 0, length: 0 }),
    )
    defineRegisters(k.cpu.view, 1 << register)
  }
  if ((bitsOf(k, REG.rax) & 0xffff_ffffn) !== 0n) tell(-1, REG.rax)
  declaration.args.forEach(([, type], i) => {
    const register = argumentRegister(i)
    if ((bitsOf(k, register) & lookedAt(type)) === 0n) return
    // Arguments that a trace leaves out are not looked at either.
    if (type.text(call.args[i]!, call) !== null) tell(i, register)
  })
}

function readRanges(declaration: Declaration, call: CallView): [number, Range][] {
  const found: [number, Range][] = []
  declaration.args.forEach(([, type], i) => {
    const value = call.args[i]!
    if (value === 0 || type.reads === undefined) return
    for (const range of type.reads(value, call)) {
      for (const [start, end] of withoutHoles(declaration.name, call, value, range))
        if (end > start) found.push([i, { start, length: end - start }])
    }
  })
  return found
}

/** Parts of a range that mean something, as [start, end): structures have padding, and addresses are of different lengths. */
function withoutHoles(name: string, { space }: CallView, value: number, { start, length }: Range): [number, number][] {
  const end = start + length
  if (start !== value) return [[start, end]]
  const except = (...holes: [number, number][]): [number, number][] => {
    const parts: [number, number][] = []
    let from = start
    for (const [at, bytes] of holes) {
      parts.push([from, Math.min(end, start + at)])
      from = start + at + bytes
    }
    parts.push([from, end])
    return parts
  }
  switch (name) {
    case 'fcntl':
      return length === 32 ? except([4, 4], [28, 4]) : [[start, end]]
    case 'sigaltstack':
      return except([12, 4])
    case 'sendmsg':
    case 'recvmsg':
      // The flags are what a call leaves there: sendmsg(2).
      return length === 56 ? except([12, 4], [48, 8]) : [[start, end]]
    case 'timer_create':
    case 'mq_notify': {
      // Value, signal and way to be notified; the thread only where it is one that is told.
      const notify = space.readU32(start + 12)
      return length === 64
        ? [[start, start + (notify !== null && (notify & SIGEV_THREAD_ID) !== 0 ? 20 : 16)]]
        : [[start, end]]
    }
    case 'epoll_ctl':
      // The program's own data goes through the kernel and back.
      return [[start, start + 4]]
    case 'connect':
    case 'bind':
    case 'sendto': {
      const family = space.read(start, 2)
      if (family === null || length < 2) return [[start, end]]
      const kind = family[0]! | (family[1]! << 8)
      if (kind === AF_INET && length >= 16) return [[start, start + 8]]
      if (kind !== AF_UNIX || length <= 2) return [[start, end]]
      const path = space.readString(start + 2, length - 2)
      // A name that begins with NUL is all of its bytes.
      return path === null || path.length === 0 ? [[start, end]] : [[start, start + 2 + path.length + 1]]
    }
    default:
      return [[start, end]]
  }
}

function tellMemory(k: Kernel, t: Task, { name }: Declaration, argument: number, { start, length }: Range): void {
  const space = k.space(t)
  const readable = space.read(start, length)
  if (readable === null) return
  const address = firstUndefined(space, start, length)
  if (address < 0) return
  k.tellUndefined(t, place(k, { kind: 'syscall-memory', by: name, argument, address, start, length }))
}

type Told = Parameters<Kernel['tellUndefined']>[1]

/** The instruction is behind us. */
function place(k: Kernel, told: Omit<Told, 'pc'>): Told {
  return { ...told, pc: Number(k.cpu.rip) - SYSCALL_LENGTH }
}

/** Where a signal frame has what: addresses. */
interface FramePlaces {
  /** General registers in this order, eight bytes each. */
  registers: number
  order: readonly number[]
  flags: number
  xmm: number
  /** The stack pointer of the handler. */
  stack: number
}

/** A frame has been written: the V bits of the interrupted registers lie beside what it holds of them, and the handler's are defined. */
export function pushDefinedness(k: Kernel, t: Task, places: FramePlaces): void {
  if (!k.definedness) return
  const space = k.space(t)
  const { bytes, view } = k.cpu
  places.order.forEach((register, i) => {
    if (register === REG.rsp) return
    const { offset } = registers[REG.gprUndefined + register]!
    putDefinedness(space, places.registers + i * 8, bytes.subarray(offset, offset + 8))
  })
  const flags = [REG.flagAUndefined, REG.flagBUndefined].some(
    (register) => view.getBigUint64(registers[register]!.offset, true) !== 0n,
  )
  putDefinedness(space, places.flags, new Uint8Array(8).fill(flags ? 255 : 0))
  const xmm = registers[REG.xmmUndefined]!.offset
  putDefinedness(space, places.xmm, bytes.subarray(xmm, xmm + 256))
  for (const [at, offset, length] of x87Places(space, places.xmm))
    putDefinedness(space, at, bytes.subarray(offset, offset + length))
  bytes.fill(0, STATE.undefined, STATE_SIZE)
  setUndefined(space, places.stack - 128, 128)
}

/** The registers have been set from a frame. */
export function popDefinedness(k: Kernel, t: Task, places: Omit<FramePlaces, 'stack'>): void {
  if (!k.definedness) return
  const space = k.space(t)
  const { bytes, view } = k.cpu
  bytes.fill(0, STATE.undefined, STATE_SIZE)
  places.order.forEach((register, i) => {
    if (register === REG.rsp) return
    bytes.set(definednessOf(space, places.registers + i * 8, 8), registers[REG.gprUndefined + register]!.offset)
  })
  if (firstUndefined(space, places.flags, 8) >= 0)
    view.setBigUint64(registers[REG.flagAUndefined]!.offset, 0xffff_ffff_ffff_ffffn, true)
  if (places.xmm === 0) return
  bytes.set(definednessOf(space, places.xmm, 256), registers[REG.xmmUndefined]!.offset)
  for (const [at, offset, length] of x87Places(space, places.xmm)) bytes.set(definednessOf(space, at, length), offset)
}

/** Where the area of FXSAVE that has the vector registers at `xmm` has those of x87 and the status word (Intel SDM 1, 10.5.1), their V bits in the CPU state, and their bytes. */
function x87Places({ view }: AddressSpace, xmm: number): [number, number, number][] {
  const area = xmm - 160
  const top = (view.getUint16(area + 2, true) >> 11) & 7
  const stack = Array.from({ length: 8 }, (_, i): [number, number, number] => [
    area + 32 + 16 * i,
    STATE.x87Undefined + 16 * ((top + i) & 7),
    10,
  ])
  return [[area + 2, STATE.x87StatusUndefined, 2], ...stack]
}

/** No opcode of a conditional jump. */
const NO_JUMP = 0

/**
 * How functions of the C library for SSE2 begin that look at whole vectors and find out afterwards which part of what they saw counts, so that the rest decides
 * nothing: memchr, wmemchr and memrchr, of which all jumps are meant, and strrchr, wcsrchr and wcschr, of which those behind one of `before` are. The first jump of each, by `jump`, goes to
 * the last part, which has `rest` bytes; with NO_JUMP the whole function has so many.
 */
const WHOLE_VECTORS = [
  {
    begin: [0x66, 0x0f, 0x6e, 0xce, 0x89, 0xf9, 0x66, 0x0f, 0x60, 0xc9, 0x48, 0x85, 0xd2],
    jump: 0x84,
    rest: 3,
    before: [],
  },
  { begin: [0x66, 0x0f, 0x6e, 0xce, 0x89, 0xf9, 0x48, 0x85, 0xd2], jump: 0x84, rest: 3, before: [] },
  {
    begin: [0x66, 0x0f, 0x6e, 0xc6, 0x48, 0x89, 0xf8, 0x25, 0xff, 0x0f, 0, 0],
    jump: 0x87,
    rest: 0x40,
    before: [[0x29, 0xc8]],
  },
  {
    begin: [0x66, 0x0f, 0x6e, 0xc6, 0x48, 0x8d, 0x0c, 0x3a, 0x66, 0x0f, 0x60, 0xc0],
    jump: NO_JUMP,
    rest: 0x152,
    before: [],
  },
  {
    begin: [0x66, 0x48, 0x0f, 0x6e, 0xce, 0x66, 0x0f, 0xef, 0xd2, 0x48, 0x89, 0xf9],
    jump: NO_JUMP,
    rest: 0x184,
    before: [
      [0x48, 0x85, 0xc0],
      [0x48, 0x85, 0xd2],
      [0x48, 0x39, 0xd0],
      [0x48, 0x39, 0xc8],
    ],
  },
]
const LONGEST_FUNCTION = 0x3c0
/** The first jump is not farther from the beginning. */
const FIRST_JUMP = 40

/** Is a jump at `pc` one of a function that searches by vectors, on what may lie behind the range that it searches? */
function isVectorSearch(space: AddressSpace, pc: number): boolean {
  return isWithinSearch(space, pc, true)
}

/** Does `pc` lie in a function that searches by vectors (`jump`: as such a jump)? What it finds behind the range that it searches decides nothing in the end. */
export function isWithinSearch({ bytes, view }: AddressSpace, pc: number, isJump: boolean): boolean {
  const follows = (at: number, list: readonly number[]): boolean => list.every((byte, i) => bytes[at + i] === byte)
  const isOneOf = (jump: number, before: readonly (readonly number[])[]): boolean =>
    before.length === 0 || before.some((list) => follows(jump - list.length, list))
  for (let at = pc; at > pc - LONGEST_FUNCTION; at--) {
    if (bytes[at] !== 0x66 || (bytes[at + 2] !== 0x6e && bytes[at + 3] !== 0x6e)) continue
    const found = WHOLE_VECTORS.find(({ begin }) => follows(at, begin))
    if (found === undefined || (isJump && !isOneOf(pc, found.before))) continue
    if (found.jump === NO_JUMP) {
      if (pc < at + found.rest) return true
      continue
    }
    let jump = at + found.begin.length
    while (jump < at + FIRST_JUMP && !follows(jump, [0x0f, found.jump])) jump++
    if (pc < jump + 6 + view.getInt32(jump + 2, true) + found.rest) return true
  }
  return false
}

/**
 * strncmp for SSE2 compares whole vectors, of which R11 bytes count. Where two differ at all, perhaps behind those, it comes to `found`, with the vectors at RDI and RSI; from its
 * loops (`jne` after comparing the mask with 0xffff) by way of `fromLoop`, with the vectors at RDI + R9 + RCX - 16 and at RSI + RCX.
 */
const BOUNDED_COMPARE = {
  differ: [0x81, 0xea, 0xff, 0xff, 0, 0],
  fromLoop: [0x49, 0x8d, 0x44, 0x09, 0xf0],
  found: [0x48, 0x0f, 0xbc, 0xd2, 0x49, 0x29, 0xd3],
  /** After `found`: jbe to where the answer is 0. */
  bound: [0x76, 0x0b, 0x0f, 0xb6, 0x0c, 0x16],
  /** From `fromLoop` to `found`. */
  distance: 32,
}

/** Is the instruction at rip a jump of strncmp, and are all bytes defined that count? Whether there is a difference depends on the others, the answer does not. */
function isBoundedCompare(space: AddressSpace, cpu: CpuState): boolean {
  const { bytes } = space
  const { differ, fromLoop, found, bound, distance } = BOUNDED_COMPARE
  const has = (at: number, list: readonly number[]): boolean => list.every((byte, i) => bytes[at + i] === byte)
  const value = (register: number): bigint => cpu.view.getBigUint64(registers[register]!.offset, true)
  const pc = Number(cpu.rip)
  let left = value(REG.r11)
  let first = value(REG.rdi)
  let second = value(REG.rsi)
  if (has(pc, bound) && has(pc - found.length, found)) left += value(REG.rdx)
  else {
    if (!has(pc - differ.length, differ) || bytes[pc] !== 0x0f || bytes[pc + 1] !== 0x85) return false
    const target = pc + 6 + space.view.getInt32(pc + 2, true)
    const looped = has(target, fromLoop)
    if (!has(looped ? target + distance : target, found)) return false
    if (looped) {
      first += value(REG.r9) + value(REG.rcx) - 16n
      second += value(REG.rcx)
    }
  }
  left = BigInt.asUintN(64, left)
  const count = left < 16n ? Number(left) : 16
  return [first, second].every((at) => firstUndefined(space, Number(BigInt.asUintN(64, at)), count) < 0)
}

/** Is the instruction at rip a jump of a string function that depends on undefined bits and decides nothing by them? */
export function isHarmlessJump(space: AddressSpace, cpu: CpuState): boolean {
  return isVectorSearch(space, Number(cpu.rip)) || isBoundedCompare(space, cpu)
}

/** Numbers of the pages of an address space with bits that are not defined, ascending, and the V bits of all of their bytes. */
export interface DefinednessImage {
  pages: Int32Array
  bits: Uint8Array
}

/** The V bits of all address spaces. */
export function takeImages(k: Kernel): Map<number, DefinednessImage> {
  return new Map([...k.memories].map(([id, memory]) => [id, takeImage(memory)]))
}

function takeImage({ map, space }: Memory): DefinednessImage {
  const pages: number[] = []
  for (const { start, end } of map.mappings)
    for (let page = start >>> PAGE_SHIFT; page < end >>> PAGE_SHIFT; page++)
      if (hasUndefined(space, page)) pages.push(page)
  const bits = new Uint8Array(pages.length * PAGE_SIZE)
  pages.forEach((page, i) => bits.set(definednessOf(space, page << PAGE_SHIFT, PAGE_SIZE), i * PAGE_SIZE))
  return { pages: Int32Array.from(pages), bits }
}

/** Gives a space the V bits of an image; nothing in it is guarded any more. */
export function putImage({ map, space }: Memory, { pages, bits }: DefinednessImage): void {
  space.unguardAll()
  for (const { start, end } of map.mappings) setDefined(space, start, end - start)
  pages.forEach((page, i) =>
    putDefinedness(space, page << PAGE_SHIFT, bits.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE)),
  )
}
