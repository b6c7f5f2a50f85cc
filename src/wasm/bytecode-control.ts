/** Exists to build the operations of the interpreter that begin and end blocks: fuel, jumps, calls, the ways out. */
import { CLEAN } from '../ir/clean.ts'
import { EXIT } from '../ir/exits.ts'
import { REG, registers, STATE } from '../ir/registers.ts'
import { AT, DEPTH, FUEL, IP, type OperationWriter, type Operations } from './bytecode-parts.ts'
import { blockResult, I32 } from './encode.ts'
import * as OP from './opcodes.ts'
import { pushJumpPlace } from './runtime-jumps.ts'
import { RUNTIME } from './runtime.ts'

/** Takes the fuel for the instructions in the upper half of the first word; stops at the address in word 1 if there is too little. */
function takeFuel(w: OperationWriter): void {
  const { f } = w
  f.localGet(FUEL)
  w.half(AT.high)
  f.op(OP.i32_lt_u)
  w.if(() => {
    f.i32Const(EXIT.fuel)
    f.i32Const(0)
    w.word(1)
    f.opIndex(OP.call, RUNTIME.stop!)
    w.stopped()
  })
  f.localGet(FUEL)
  w.half(AT.high)
  f.op(OP.i32_sub)
  f.localSet(FUEL)
}

/** The guest address at the operand to xpc; stops where no code can be. */
function toPc(w: OperationWriter): void {
  const { f } = w
  const { guestMin, guestLimit } = w.layout
  w.operand('i64', AT.high)
  f.localTee(w.full)
  f.i64Const(guestMin, 0)
  f.op(OP.i64_sub)
  f.i64Const(guestLimit - guestMin, 0)
  f.op(OP.i64_ge_u)
  w.if(() => {
    f.localGet(w.full)
    f.opIndex(OP.call, RUNTIME.wild!)
    w.stopped()
  })
  f.localGet(w.full)
  f.op(OP.i32_wrap_i64)
  f.localSet(w.xpc)
}

/** The entry code of the address in xpc to xcode, or -1: jump cache, else the engine. */
function lookup(w: OperationWriter): void {
  const { f } = w
  const { jumpCacheBase, jumpCacheEntries } = w.layout
  pushJumpPlace(f, w.xpc, jumpCacheEntries)
  f.localTee(w.xcode)
  f.opMemory(OP.i32_load, 2, jumpCacheBase)
  f.localGet(w.xpc)
  f.op(OP.i32_eq)
  f.opBlock(OP.if, blockResult(I32))
  f.localGet(w.xcode)
  f.opMemory(OP.i32_load, 2, jumpCacheBase + 4)
  f.op(OP.else)
  f.localGet(w.xpc)
  f.opIndex(OP.call, RUNTIME.resolve!)
  f.op(OP.end)
  f.localSet(w.xcode)
}

/** Where definedness is checked: what the interpreter executes is full code, and may have come from clean code. */
function settle(w: OperationWriter): void {
  if (!w.layout.checked) return
  const { f } = w
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, w.layout.cleanBase + 4)
  f.i32Const(CLEAN.stale)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  w.if(() => f.opIndex(OP.call, RUNTIME.leaveClean!))
}

function rsp(w: OperationWriter): void {
  w.f.i32Const(0)
  w.f.opMemory(OP.i64_load, 3, w.layout.stateBase + registers[REG.rsp]!.offset)
}

/** A guest call of the code in xcode, at xpc; the return address is in word `ret`. Leaves unless the callee comes back there with the stack where it was. */
function call(w: OperationWriter, ret: number, words: number): void {
  const { f } = w
  f.localGet(DEPTH)
  f.op(OP.i32_eqz)
  f.localGet(w.xcode)
  f.i32Const(0)
  f.op(OP.i32_lt_s)
  f.op(OP.i32_or)
  w.if(() => w.leave())
  rsp(w)
  f.i64Const(8, 0)
  f.op(OP.i64_add)
  f.localSet(w.full)
  f.localGet(w.xcode)
  f.localGet(FUEL)
  f.localGet(DEPTH)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.localGet(w.xcode)
  f.i32Const(8)
  f.op(OP.i32_shr_u)
  f.callIndirect(w.region, 0)
  f.localSet(FUEL)
  f.localTee(w.xpc)
  w.word(ret)
  f.op(OP.i32_ne)
  rsp(w)
  f.localGet(w.full)
  f.op(OP.i64_ne)
  f.op(OP.i32_or)
  w.if(() => w.leave())
  settle(w)
  w.next(words)
}

function storeRip(w: OperationWriter, word: number): void {
  const { f } = w
  f.i32Const(0)
  w.word(word)
  f.op(OP.i64_extend_i32_u)
  f.opMemory(OP.i64_store, 3, w.layout.stateBase + STATE.rip)
}

export function controlOperations(w: OperationWriter): Operations {
  const { f } = w
  return {
    enter: () => {
      f.localGet(IP)
      w.word(2)
      f.i32Const(1)
      f.op(OP.i32_add)
      f.localTee(w.low)
      f.opMemory(OP.i32_store, 2, AT.word(2))
      f.localGet(w.low)
      f.i32Const(w.layout.visits)
      f.op(OP.i32_eq)
      w.if(() => {
        w.word(3)
        f.opIndex(OP.call, w.promote)
        w.goToAnswer()
      })
      settle(w)
      takeFuel(w)
      w.next(4)
    },
    block: () => {
      takeFuel(w)
      w.next(2)
    },
    unless: () => {
      w.operand('i32', AT.high)
      w.if(() => w.next(2))
      skip(w)
    },
    goto: () => skip(w),
    jump: () => {
      w.word(1)
      f.localSet(w.xcode)
      w.goTo()
    },
    branch: () => {
      w.word(1)
      w.word(2)
      w.operand('i32', AT.high)
      f.op(OP.select)
      f.localSet(w.xcode)
      w.goTo()
    },
    call: () => {
      w.word(1)
      f.localSet(w.xcode)
      w.word(3)
      f.localSet(w.xpc)
      call(w, 2, 4)
    },
    icall: () => {
      toPc(w)
      lookup(w)
      call(w, 1, 2)
    },
    ijump: () => {
      toPc(w)
      lookup(w)
      f.localGet(w.xcode)
      f.i32Const(0)
      f.op(OP.i32_lt_s)
      w.if(() => w.leave())
      f.localGet(w.xcode)
      f.i32Const(255)
      f.op(OP.i32_and)
      w.if(() => w.enterRegion())
      w.goTo()
    },
    ret: () => {
      toPc(w)
      w.leave()
    },
    ...exits(w),
  }
}

/** Goes on at the distance in word 1. */
function skip(w: OperationWriter): void {
  w.f.localGet(IP)
  w.word(1)
  w.f.op(OP.i32_add)
  w.f.localSet(IP)
  w.again()
}

function exits(w: OperationWriter): Operations {
  const { f } = w
  return {
    syscall: () => {
      storeRip(w, 1)
      f.localGet(FUEL)
      f.opIndex(OP.call, RUNTIME.systemCall!)
      w.if(() => w.stopped())
      w.next(2)
    },
    intercept: () => {
      storeRip(w, 1)
      f.localGet(FUEL)
      f.opIndex(OP.call, RUNTIME.intercept!)
      f.localTee(w.xpc)
      f.i32Const(-1)
      f.op(OP.i32_ne)
      w.if(() => w.leave())
      f.localGet(FUEL)
      f.i32Const(1)
      f.op(OP.i32_add)
      f.localSet(FUEL)
      w.next(2)
    },
    fault: () => {
      w.half(AT.high)
      f.i32Const(1)
      w.word(1)
      f.opIndex(OP.call, RUNTIME.stop!)
      w.stopped()
    },
    leave: () => {
      w.word(1)
      f.localSet(w.xpc)
      w.leave()
    },
    wild: () => {
      f.localGet(IP)
      f.opMemory(OP.i64_load, 2, AT.word(1))
      f.opIndex(OP.call, RUNTIME.wild!)
      w.stopped()
    },
  }
}
