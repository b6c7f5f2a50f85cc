/**
 * Exists to keep what translated code knows of string functions in checked spaces (wasm/runtime-strings.ts): which addresses are entries of such functions, and for each thread its
 * latest call and where it has read beyond a block. No part of the state: what is forgotten is asked about.
 */
import { REG, registers } from '../ir/registers.ts'
import { KNOWN, RECORD, SECOND, STRING_TABLE, stringEntry, stringRecord } from '../ir/strings.ts'
import { stringModule } from '../wasm/runtime-strings.ts'
import type { AddressSpace } from './address-space.ts'
import {
  ATTRIBUTES_BASE,
  CLEAN_BASE,
  GUEST_LIMIT,
  GUEST_MIN,
  MEMORY_WASM_PAGES,
  SHADOW_DISPLACEMENT,
  STATE_BASE,
  STRINGS_BASE,
  STRINGS_FLAG,
  STRINGS_SIZE,
  UNADDRESSABLE_BASE,
} from './layout.ts'

/** The functions that ask the engine. */
export interface StringImports {
  readonly intercept: (fuel: number) => number
  readonly guarded: (address: number, what: number, pc: number) => number
  readonly checkClean: (address: bigint, what: number, pc: number) => number
}

/** What `intercept` is for functions that the engine answers: mirrors of registers are exact only for arguments. */
interface AnswerImports extends StringImports {
  readonly answer: (fuel: number) => number
}

let shared: WebAssembly.Module | null = null

/** What translated code of a checked space calls instead of these. */
export function stringFunctions({ memory }: AddressSpace, imports: AnswerImports): StringImports {
  shared ??= new WebAssembly.Module(
    stringModule({
      memoryPages: MEMORY_WASM_PAGES,
      stateBase: STATE_BASE,
      attributesBase: ATTRIBUTES_BASE,
      unaddressableBase: UNADDRESSABLE_BASE,
      displacement: SHADOW_DISPLACEMENT,
      cleanBase: CLEAN_BASE,
      guestMin: GUEST_MIN,
      guestLimit: GUEST_LIMIT,
      tableBase: STRINGS_BASE,
      flag: STRINGS_FLAG,
    }),
  )
  const { exports } = new WebAssembly.Instance(shared, { l: { memory, ...imports } })
  return exports as unknown as StringImports
}

/** Says whether translated code may go by what is known, rather than asking. */
export function useStrings({ checked, view }: AddressSpace, use: boolean): void {
  if (checked) view.setUint32(STRINGS_FLAG, use ? 1 : 0, true)
}

/** Forgets which addresses mean something, and (`all`) the calls of all threads, too. */
export function forgetStrings({ checked, bytes }: AddressSpace, all = false): void {
  if (checked) bytes.fill(0, STRINGS_BASE, STRINGS_BASE + (all ? STRINGS_SIZE : STRING_TABLE.records))
}

/** From now on `kind` (LOOK or READ) is known of an address. */
export function knowString({ checked, view }: AddressSpace, pc: number, kind: number): void {
  if (!checked) return
  const first = stringEntry(pc)
  const isFree = [0, pc].includes(view.getUint32(STRINGS_BASE + first, true))
  const at = STRINGS_BASE + (isFree ? first : first ^ SECOND)
  view.setUint32(at, pc, true)
  view.setUint32(at + 4, kind, true)
}

/** Records of threads that another one has displaced, by the base of FS. */
const displaced = new WeakMap<AddressSpace, Map<bigint, Uint8Array>>()

/** The record of the running thread: its address (RECORD). */
export function threadRecord(space: AddressSpace): number {
  const { view, bytes } = space
  const fs = view.getBigUint64(STATE_BASE + registers[REG.fsBase]!.offset, true)
  const at = STRINGS_BASE + stringRecord(Number(fs & 0xffff_ffffn))
  const owner = view.getBigUint64(at + RECORD.fs, true)
  if (owner === fs) return at
  let others = displaced.get(space)
  if (others === undefined) displaced.set(space, (others = new Map()))
  if (view.getUint32(at + RECORD.known, true) !== KNOWN.nothing)
    others.set(owner, bytes.slice(at, at + STRING_TABLE.recordBytes))
  const mine = others.get(fs)
  others.delete(fs)
  if (mine === undefined) bytes.fill(0, at, at + STRING_TABLE.recordBytes)
  else bytes.set(mine, at)
  view.setBigUint64(at + RECORD.fs, fs, true)
  return at
}
