/**
 * Exists to answer in wasm what the engine would be asked about most calls of string functions, in checked machines: nothing is guarded of what the call must read. What is
 * not so simple, and what the table does not know, goes to the engine.
 */
import { REG, registers, STATE } from '../ir/registers.ts'
import { CLEAN, CLEAN_WORDS } from '../ir/clean.ts'
import { ANSWERED, KNOWN, LOOK, NEAR, READ, RECORD, SECOND, STRING_FACTOR, STRING_TABLE } from '../ir/strings.ts'
import { BLOCK_VOID, FunctionBody, I32, I64, ModuleBuilder } from './encode.ts'
import * as OP from './opcodes.ts'
import { ACCESS } from './runtime-index.ts'
import { compare, find, isGuarded, isUndefined, MOST, returnIf, type StringPlaces } from './runtime-scan.ts'
import { MOST_PAGES } from './runtime.ts'

/** Indices of the functions: imports first. */
const F = {
  intercept: 0,
  guarded: 1,
  answer: 2,
  checkClean: 3,
  isGuarded: 4,
  find: 5,
  compare: 6,
  isUndefined: 7,
} as const

/** The module: imports `intercept` and `guarded` of the engine and `checkClean` of the runtime, and exports what takes their place (runtime.ts). */
export function stringModule(places: StringPlaces): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder()
  m.importMemory('l', 'memory', places.memoryPages, MOST_PAGES)
  const asked = m.type([I32], [I32])
  const access = m.type([I32, I32, I32], [I32])
  m.importFunction('l', 'intercept', asked)
  m.importFunction('l', 'guarded', access)
  m.importFunction('l', 'answer', asked)
  const check = m.type([I64, I32, I32], [I32])
  m.importFunction('l', 'checkClean', check)
  const add = (parameters: number, type: number, write: (f: FunctionBody, places: StringPlaces) => void): number => {
    const f = new FunctionBody(parameters)
    write(f, places)
    return m.add(type, f)
  }
  const range = m.type([I32, I32], [I32])
  add(2, range, isGuarded)
  const four = m.type([I32, I32, I32, I32], [I32])
  add(4, four, find)
  add(4, four, compare)
  add(2, range, isUndefined)
  m.exportFunction('intercept', add(1, asked, intercept))
  m.exportFunction('guarded', add(3, access, guarded))
  m.exportFunction('checkClean', add(3, check, checkClean))
  return m.finish()
}

function pushRegister(f: FunctionBody, { stateBase }: StringPlaces, register: number): void {
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, stateBase + registers[register]!.offset)
}

/** Pushes the place of the entry for the address in local `pc`, in `at`, and branches if it is another's. */
function findEntry(f: FunctionBody, { tableBase, flag }: StringPlaces, pc: number, at: number, depth: number): void {
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, flag)
  f.op(OP.i32_eqz)
  f.opIndex(OP.br_if, depth)
  f.localGet(pc)
  f.i32Const(STRING_FACTOR)
  f.op(OP.i32_mul)
  f.i32Const(32 - STRING_TABLE.bits)
  f.op(OP.i32_shr_u)
  f.i32Const(3)
  f.op(OP.i32_shl)
  f.localTee(at)
  f.opMemory(OP.i32_load, 2, tableBase)
  f.localGet(pc)
  f.op(OP.i32_ne)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(at)
  f.i32Const(SECOND)
  f.op(OP.i32_xor)
  f.localTee(at)
  f.opMemory(OP.i32_load, 2, tableBase)
  f.localGet(pc)
  f.op(OP.i32_ne)
  f.opIndex(OP.br_if, depth + 1)
  f.op(OP.end)
}

/** Puts the place of the running thread's record into local `at`, from the start of the table. */
function findRecord(f: FunctionBody, places: StringPlaces, at: number): void {
  pushRegister(f, places, REG.fsBase)
  f.op(OP.i32_wrap_i64)
  f.i32Const(STRING_FACTOR)
  f.op(OP.i32_mul)
  f.i32Const(32 - STRING_TABLE.recordBits)
  f.op(OP.i32_shr_u)
  f.i32Const(STRING_TABLE.recordBytes)
  f.op(OP.i32_mul)
  f.localSet(at)
}

const recordBase = ({ tableBase }: StringPlaces): number => tableBase + STRING_TABLE.records

function intercept(f: FunctionBody, places: StringPlaces): void {
  const { stateBase, tableBase, guestMin, guestLimit } = places
  const pc = f.local(I32)
  const at = f.local(I32)
  const [start0, length0, start1, length1] = [f.local(I32), f.local(I32), f.local(I32), f.local(I32)]
  const [stack, wide] = [f.local(I64), f.local(I64)]
  const argumentRegisters = [REG.rdi, REG.rsi, REG.rdx]
  /** Depth of the block that is left for the engine, from within the cases. */
  let slow = 0
  const address = (argument: number, local: number): void => {
    pushRegister(f, places, argumentRegisters[argument]!)
    f.localTee(wide)
    f.i64Const(guestLimit, 0)
    f.op(OP.i64_ge_u)
    f.opIndex(OP.br_if, slow)
    f.localGet(wide)
    f.op(OP.i32_wrap_i64)
    f.localSet(local)
  }
  /** A number of bytes: one that is too large to be looked at here counts as endless. */
  const pushMost = (argument: number): void => {
    pushRegister(f, places, argumentRegisters[argument]!)
    f.localTee(wide)
    f.op(OP.i32_wrap_i64)
    f.i32Const(0x7fff_ffff)
    f.localGet(wide)
    f.i64Const(0x7fff_ffff, 0)
    f.op(OP.i64_lt_u)
    f.op(OP.select)
  }
  const endless = (): void => f.i32Const(0x7fff_ffff)
  const pushByte = (argument: number): void => {
    pushRegister(f, places, argumentRegisters[argument]!)
    f.op(OP.i32_wrap_i64)
  }
  const scanned = (start: number, length: number, most: () => void, bytes: () => void): void => {
    f.localGet(start)
    most()
    bytes()
    f.opIndex(OP.call, F.find)
    f.localSet(length)
  }
  const zeros = (): void => {
    f.i32Const(0)
    f.i32Const(0)
  }
  const compared = (most: () => void, ends: number): void => {
    address(0, start0)
    address(1, start1)
    f.localGet(start0)
    f.localGet(start1)
    most()
    f.i32Const(ends)
    f.opIndex(OP.call, F.compare)
    f.localTee(length0)
    f.localSet(length1)
  }
  const bytes = (): void => {
    address(1, start0)
    pushMost(2)
    f.localTee(length0)
    f.i32Const(MOST)
    f.op(OP.i32_gt_u)
    f.opIndex(OP.br_if, slow)
  }
  /** What is written at argument 0 may not overlap the first range; at the very same place it may (`same`). */
  const apart = (same: boolean): void => {
    address(0, start1)
    f.localGet(start1)
    f.localGet(start0)
    f.localGet(length0)
    f.op(OP.i32_add)
    f.op(OP.i32_lt_u)
    f.localGet(start0)
    f.localGet(start1)
    f.localGet(length0)
    f.op(OP.i32_add)
    f.op(OP.i32_lt_u)
    f.op(OP.i32_and)
    if (same) {
      f.localGet(start0)
      f.localGet(start1)
      f.op(OP.i32_ne)
      f.op(OP.i32_and)
    }
    f.opIndex(OP.br_if, slow)
  }
  const cases: Record<keyof typeof LOOK, () => void> = {
    string: () => {
      address(0, start0)
      scanned(start0, length0, endless, zeros)
    },
    bounded: () => {
      address(0, start0)
      scanned(start0, length0, () => pushMost(1), zeros)
    },
    find: () => {
      address(0, start0)
      scanned(start0, length0, endless, () => {
        f.i32Const(0)
        pushByte(1)
      })
    },
    findBytes: () => {
      address(0, start0)
      scanned(
        start0,
        length0,
        () => pushMost(2),
        () => {
          pushByte(1)
          pushByte(1)
        },
      )
    },
    compareBytes: () => compared(() => pushMost(2), 0),
    compare: () => compared(endless, 1),
    compareBounded: () => compared(() => pushMost(2), 1),
    bytes,
    copy: () => {
      bytes()
      apart(true)
    },
    copyString: () => {
      address(1, start0)
      scanned(start0, length0, endless, zeros)
      apart(false)
    },
    both: () => {
      address(0, start0)
      scanned(start0, length0, endless, zeros)
      address(1, start1)
      scanned(start1, length1, endless, zeros)
    },
  }
  const kinds = Object.entries(LOOK).toSorted(([, a], [, b]) => a - b)
  f.opBlock(OP.block, BLOCK_VOID)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, stateBase + STATE.rip)
  f.localSet(pc)
  findEntry(f, places, pc, at, 0)
  f.opBlock(OP.block, BLOCK_VOID)
  for (let i = 0; i <= kinds.length; i++) f.opBlock(OP.block, BLOCK_VOID)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, tableBase + 4)
  f.brTable(
    kinds.map((_, i) => i),
    kinds.length,
  )
  f.op(OP.end)
  kinds.forEach(([name], i) => {
    // Blocks still open: those of the kinds that follow, that of what is unknown, `done`, and `slow`.
    slow = kinds.length - i + 1
    cases[name as keyof typeof LOOK]()
    f.opIndex(OP.br, slow - 1)
    f.op(OP.end)
  })
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, tableBase + 4)
  f.i32Const(ANSWERED)
  f.op(OP.i32_ne)
  f.opIndex(OP.br_if, 1)
  answer(f, places)
  f.op(OP.end)
  const ranges: [number, number][] = [
    [start0, length0],
    [start1, length1],
  ]
  // A copy's second start is where it goes to: of no length.
  for (const [start, length] of ranges) {
    f.localGet(length)
    f.i32Const(-1)
    f.op(OP.i32_eq)
    f.opIndex(OP.br_if, 0)
    f.localGet(start)
    f.localGet(length)
    f.opIndex(OP.call, F.isGuarded)
    f.opIndex(OP.br_if, 0)
  }
  pushRegister(f, places, REG.rsp)
  f.localTee(stack)
  f.i64Const(guestMin, 0)
  f.op(OP.i64_sub)
  f.i64Const(guestLimit - guestMin - 8, 0)
  f.op(OP.i64_ge_u)
  f.opIndex(OP.br_if, 0)
  findRecord(f, places, at)
  const base = recordBase(places)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, base + RECORD.known)
  f.localGet(at)
  f.opMemory(OP.i64_load, 3, base + RECORD.fs)
  pushRegister(f, places, REG.fsBase)
  f.op(OP.i64_ne)
  f.op(OP.i32_and)
  f.opIndex(OP.br_if, 0)
  const put = (offset: number, store: number, align: number, push: () => void): void => {
    f.localGet(at)
    push()
    f.opMemory(store, align, base + offset)
  }
  put(RECORD.fs, OP.i64_store, 3, () => pushRegister(f, places, REG.fsBase))
  put(RECORD.stack, OP.i64_store, 3, () => f.localGet(stack))
  put(RECORD.back, OP.i64_store, 3, () => {
    f.localGet(stack)
    f.op(OP.i32_wrap_i64)
    f.opMemory(OP.i64_load, 0, 0)
  })
  ranges.flat().forEach((local, i) => put(RECORD.ranges + i * 4, OP.i32_store, 2, () => f.localGet(local)))
  put(RECORD.known, OP.i32_store, 2, () => f.i32Const(KNOWN.here))
  f.i32Const(-1)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(0)
  f.opIndex(OP.call, F.intercept)
}

/** The register of a result. */
const RESULT = 1 << REG.rax
/** Those of arguments. */
const ARGUMENTS = [REG.rdi, REG.rsi, REG.rdx, REG.rcx]

/**
 * The engine answers from clean code, and its arguments are defined: what else is known of registers stays where it is, rather than going to the mirrors and coming back. Branches over one block where that is not
 * so.
 */
function answer(f: FunctionBody, { stateBase, cleanBase }: StringPlaces): void {
  const result = f.local(I32)
  const bits = ARGUMENTS.reduce((sum, register) => sum | (1 << register), 0)
  const pushWord = (): void => {
    f.i32Const(0)
    f.opMemory(OP.i64_load, 3, cleanBase)
  }
  pushWord()
  f.i64Const(bits, CLEAN.stale)
  f.op(OP.i64_and)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.opIndex(OP.br_if, 1)
  for (const register of ARGUMENTS) {
    f.i32Const(0)
    f.i64Const(0, 0)
    f.opMemory(OP.i64_store, 3, stateBase + registers[REG.gprUndefined + register]!.offset)
  }
  f.localGet(0)
  f.opIndex(OP.call, F.answer)
  f.localTee(result)
  f.i32Const(0)
  f.op(OP.i32_gt_s)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  pushWord()
  f.i64Const(~(RESULT | (1 << REG.rdi)), -1)
  f.op(OP.i64_and)
  f.opMemory(OP.i64_store, 3, cleanBase)
  f.op(OP.end)
  f.localGet(result)
  f.op(OP.return)
}

/** A load in a string function finds guarded bytes: usually it means no harm, and it is remembered where that was. */
function guarded(f: FunctionBody, places: StringPlaces): void {
  const { tableBase, unaddressableBase } = places
  const [address, what, pc] = [0, 1, 2]
  const [at, record, first] = [f.local(I32), f.local(I32), f.local(I32)]
  const stack = f.local(I64)
  const base = recordBase(places)
  f.opBlock(OP.block, BLOCK_VOID)
  findEntry(f, places, pc, at, 0)
  f.localGet(what)
  f.i32Const(ACCESS.store)
  f.op(OP.i32_and)
  f.opIndex(OP.br_if, 0)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, tableBase + 4)
  f.i32Const(READ.vector)
  f.op(OP.i32_lt_u)
  f.opIndex(OP.br_if, 0)
  findRecord(f, places, record)
  f.localGet(record)
  f.opMemory(OP.i32_load, 2, base + RECORD.known)
  f.i32Const(KNOWN.here)
  f.op(OP.i32_ne)
  f.localGet(record)
  f.opMemory(OP.i64_load, 3, base + RECORD.fs)
  pushRegister(f, places, REG.fsBase)
  f.op(OP.i64_ne)
  f.op(OP.i32_or)
  f.opIndex(OP.br_if, 0)
  pushRegister(f, places, REG.rsp)
  f.localSet(stack)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, tableBase + 4)
  f.i32Const(READ.search)
  f.op(OP.i32_eq)
  f.opBlock(OP.if, BLOCK_VOID)
  // In a call that was seen it is judged by what that must read.
  f.localGet(stack)
  f.localGet(record)
  f.opMemory(OP.i64_load, 3, base + RECORD.stack)
  f.op(OP.i64_gt_u)
  f.localGet(record)
  f.opMemory(OP.i32_load, 2, base + RECORD.stack)
  f.opMemory(OP.i64_load, 0, 0)
  f.localGet(record)
  f.opMemory(OP.i64_load, 3, base + RECORD.back)
  f.op(OP.i64_ne)
  f.op(OP.i32_or)
  returnIf(f, 2)
  f.op(OP.end)
  f.localGet(address)
  f.localGet(address)
  f.i32Const(3)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load, 0, unaddressableBase)
  f.localGet(address)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.op(OP.i32_shr_u)
  f.op(OP.i32_ctz)
  f.op(OP.i32_add)
  f.localSet(first)
  const word = (offset: number): void => {
    f.localGet(record)
    f.opMemory(OP.i32_load, 2, base + offset)
  }
  word(RECORD.pc)
  f.op(OP.i32_eqz)
  word(RECORD.readStack)
  f.localGet(stack)
  f.op(OP.i32_wrap_i64)
  f.op(OP.i32_ne)
  f.op(OP.i32_or)
  f.localGet(first)
  word(RECORD.address)
  f.op(OP.i32_sub)
  f.i32Const(NEAR)
  f.op(OP.i32_gt_u)
  f.op(OP.i32_or)
  f.opBlock(OP.if, BLOCK_VOID)
  const put = (offset: number, push: () => void): void => {
    f.localGet(record)
    push()
    f.opMemory(OP.i32_store, 2, base + offset)
  }
  put(RECORD.pc, () => f.localGet(pc))
  put(RECORD.readStack, () => {
    f.localGet(stack)
    f.op(OP.i32_wrap_i64)
  })
  put(RECORD.address, () => f.localGet(first))
  f.op(OP.end)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  for (const parameter of [address, what, pc]) f.localGet(parameter)
  f.opIndex(OP.call, F.guarded)
}

/** Bytes around a string that its function may read, too: four vectors at once. */
const BESIDE = 64

/**
 * A load in a string function finds undefined bits in clean code: what it must read is defined, and so is what it finds out, whatever lies around that. Where the function was not seen to begin, or is not one of those
 * that are known, full code is to find out.
 */
function checkClean(f: FunctionBody, places: StringPlaces): void {
  const { tableBase, cleanBase } = places
  const [address, what, pc] = [0, 1, 2]
  const [at, record] = [f.local(I32), f.local(I32)]
  const base = recordBase(places)
  const word = (offset: number): void => {
    f.localGet(record)
    f.opMemory(OP.i32_load, 2, base + offset)
  }
  for (const parameter of [address, what, pc]) f.localGet(parameter)
  f.opIndex(OP.call, F.checkClean)
  f.op(OP.i32_eqz)
  returnIf(f, 0)
  f.opBlock(OP.block, BLOCK_VOID)
  // It is left for what is undefined, and not by a fault. The other one of a pair is a load of the same function.
  f.localGet(what)
  f.i32Const(ACCESS.store)
  f.op(OP.i32_and)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, cleanBase + CLEAN_WORDS.pc)
  f.op(OP.i32_eqz)
  f.op(OP.i32_or)
  f.opIndex(OP.br_if, 0)
  findEntry(f, places, pc, at, 0)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, tableBase + 4)
  f.i32Const(~(READ.vector | READ.search))
  f.op(OP.i32_and)
  f.opIndex(OP.br_if, 0)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, tableBase + 4)
  f.op(OP.i32_eqz)
  f.opIndex(OP.br_if, 0)
  findRecord(f, places, record)
  word(RECORD.known)
  f.i32Const(KNOWN.here)
  f.op(OP.i32_ne)
  f.localGet(record)
  f.opMemory(OP.i64_load, 3, base + RECORD.fs)
  pushRegister(f, places, REG.fsBase)
  f.op(OP.i64_ne)
  f.op(OP.i32_or)
  word(RECORD.stack)
  f.op(OP.i32_eqz)
  f.op(OP.i32_or)
  f.opIndex(OP.br_if, 0)
  // Where the stack pointer is only the region knows: by the address to which it returns, and by what is read, the call is still under way.
  word(RECORD.stack)
  f.opMemory(OP.i64_load, 0, 0)
  f.localGet(record)
  f.opMemory(OP.i64_load, 3, base + RECORD.back)
  f.op(OP.i64_ne)
  f.opIndex(OP.br_if, 0)
  const ranges = [RECORD.ranges, RECORD.ranges + 8]
  for (const start of ranges) {
    f.localGet(address)
    f.op(OP.i32_wrap_i64)
    f.i32Const(BESIDE)
    f.op(OP.i32_add)
    word(start)
    f.op(OP.i32_sub)
    word(start + 4)
    f.i32Const(2 * BESIDE)
    f.op(OP.i32_add)
    f.op(OP.i32_ge_u)
    if (start !== RECORD.ranges) f.op(OP.i32_and)
  }
  f.opIndex(OP.br_if, 0)
  for (const start of ranges) {
    word(start)
    word(start + 4)
    f.opIndex(OP.call, F.isUndefined)
    f.opIndex(OP.br_if, 0)
  }
  f.i32Const(0)
  f.i32Const(0)
  f.opMemory(OP.i32_store, 2, cleanBase + CLEAN_WORDS.pc)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  f.i32Const(1)
}
