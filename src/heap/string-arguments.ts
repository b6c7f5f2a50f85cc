/**
 * Exists to tell when a string function decides by an undefined argument, a count or a character to look for: what it reads may all be defined then, and what it decides
 * is still left to chance.
 */
import type { AddressSpace } from '../engine/address-space.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { isUndefined } from '../engine/definedness.ts'
import { REG, registers } from '../ir/registers.ts'
import { FUNCTIONS } from './functions.ts'

/** Functions whose third argument is a count. */
const COUNTED =
  /^(?:w?mem(?:cpy|move|cmp|chr)|mempcpy|memccpy|bcmp|memrchr|strn(?:case)?cmp|st[rp]ncpy|strncat|wcsn(?:case)?cmp|wc[sp]ncpy|wcsncat)$/

/** Functions whose second argument is a count, or what is looked for. */
const SECOND =
  /^(?:strnlen|wcsnlen|strchr|strrchr|strchrnul|index|rindex|memchr|memrchr|rawmemchr|wcschr|wcsrchr|wmemchr)$/

/** From the entry of a function to where it decides, in bytes of code. */
const LONGEST = 0x300

/** Bytes of a linkage table's entry: ENDBR64, and a prefix of JMP. */
const BEFORE_JUMP = 5

/** Does the thread, within a function that was called from before `back`, decide by an argument that has undefined bits? `functions`: indices in FUNCTIONS by address. */
export function decidesByArgument(
  space: AddressSpace,
  cpu: CpuState,
  back: number,
  functions: ReadonlyMap<number, number>,
): boolean {
  const isCount = isUndefined(cpu.view, REG.rdx)
  const isSecond = isUndefined(cpu.view, REG.rsi)
  if (!isCount && !isSecond) return false
  // CALL rel32.
  const code = space.read(back - 5, 5)
  if (code === null || code[0] !== 0xe8) return false
  const stub = back + new DataView(code.buffer, code.byteOffset).getInt32(1, true)
  const index = functions.get(stub)
  const name = index === undefined ? '' : (FUNCTIONS[index]?.name ?? '')
  const register =
    isCount && COUNTED.test(name) ? REG.rdx : isSecond && SECOND.test(name) && hasUndefined(cpu, name) ? REG.rsi : -1
  return register >= 0 && isKept(space, entryOf(space, stub), cpu.ripNumber, register)
}

/** Of a character of one byte only that is looked at, of a wide one four. */
function hasUndefined({ view }: CpuState, name: string): boolean {
  if (name.includes('nlen')) return true
  const { offset } = registers[REG.gprUndefined + REG.rsi]!
  return (name.startsWith('w') ? view.getUint32(offset, true) : view.getUint8(offset)) !== 0
}

/** Where an entry of a linkage table leads: FF 25 with the place of the address. */
function entryOf(space: AddressSpace, stub: number): number {
  const code = space.read(stub, BEFORE_JUMP + 6)
  for (let i = 0; code !== null && i <= BEFORE_JUMP; i++) {
    if (code[i] !== 0xff || code[i + 1] !== 0x25) continue
    const slot = stub + i + 6 + new DataView(code.buffer, code.byteOffset).getInt32(i + 2, true)
    return Number(space.readU64(slot) ?? 0n)
  }
  return stub
}

/** Has no mask of a comparison been put into the register on the way (PMOVMSKB: 0F D7)? */
function isKept(space: AddressSpace, entry: number, pc: number, register: number): boolean {
  const length = pc - entry
  if (length < 0 || length > LONGEST) return false
  const code = space.read(entry, length)
  if (code === null) return false
  for (let i = 0; i + 2 < length; i++)
    if (code[i] === 0x0f && code[i + 1] === 0xd7 && ((code[i + 2]! >> 3) & 7) === register) return false
  return true
}
