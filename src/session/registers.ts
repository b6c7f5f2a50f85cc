/** Exists to give the registers of a thread by gdb's names, in the order of its description of amd64-linux. */
import { REG, registers, STATE } from '../ir/registers.ts'
import type { TaskView } from '../replay/subject.ts'
import type { Register } from './protocol.ts'

/** Numbers of the x86 encoding in gdb's order. */
const GENERAL: readonly [string, number][] = [
  ['rax', REG.rax],
  ['rbx', REG.rbx],
  ['rcx', REG.rcx],
  ['rdx', REG.rdx],
  ['rsi', REG.rsi],
  ['rdi', REG.rdi],
  ['rbp', REG.rbp],
  ['rsp', REG.rsp],
  ...Array.from({ length: 8 }, (_, i): [string, number] => [`r${i + 8}`, REG.r8 + i]),
]

/** Selectors of a 64-bit Linux process. */
const SELECTORS: readonly [string, number][] = [
  ['cs', 0x33],
  ['ss', 0x2b],
  ['ds', 0],
  ['es', 0],
  ['fs', 0],
  ['gs', 0],
]

/** All registers of a task; `floating` is its FXSAVE image. */
export function registersOf(
  { registers: values, state, flags, fsBase, wait }: TaskView,
  floating: Uint8Array,
): Register[] {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength)
  const image = new DataView(floating.buffer, floating.byteOffset, floating.byteLength)
  const out: Register[] = []
  const add = (name: string, size: 4 | 8, value: bigint): void => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, value, true)
    out.push({ name, bytes: bytes.slice(0, size) })
  }
  for (const [name, number] of GENERAL) add(name, 8, values[number]!)
  add('rip', 8, values[16]!)
  add('eflags', 4, BigInt(flags))
  for (const [name, value] of SELECTORS) add(name, 4, BigInt(value))
  for (let i = 0; i < 8; i++) out.push({ name: `st${i}`, bytes: floating.slice(32 + 16 * i, 42 + 16 * i) })
  add('fctrl', 4, BigInt(image.getUint16(0, true)))
  add('fstat', 4, BigInt(image.getUint16(2, true)))
  add('ftag', 4, BigInt(view.getUint32(STATE.x87Tag, true) & 0xffff))
  const ip = image.getBigUint64(8, true)
  const dp = image.getBigUint64(16, true)
  add('fiseg', 4, ip >> 32n)
  add('fioff', 4, ip & 0xffffffffn)
  add('foseg', 4, dp >> 32n)
  add('fooff', 4, dp & 0xffffffffn)
  add('fop', 4, BigInt(image.getUint16(6, true)))
  for (let i = 0; i < 16; i++) out.push({ name: `xmm${i}`, bytes: floating.slice(160 + 16 * i, 176 + 16 * i) })
  add('mxcsr', 4, BigInt(view.getUint32(STATE.mxcsr, true)))
  // Of a thread that is not in a call it is -1.
  add('orig_rax', 8, BigInt.asUintN(64, BigInt(wait?.nr ?? -1)))
  add('fs_base', 8, fsBase)
  add('gs_base', 8, view.getBigUint64(registers[REG.gsBase]!.offset, true))
  return out
}
