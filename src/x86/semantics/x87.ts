/** Exists to lift x87 instructions: memory operands and flags here, arithmetic in the engine's x87 helpers (X87 in ir/helpers.ts). */
import { EXIT } from '../../ir/exits.ts'
import type { CC } from '../../ir/flags.ts'
import { X87, X87_FORMAT } from '../../ir/helpers.ts'
import { STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'

const SUMMARY = 0x80
const BYTES: Record<number, number> = {
  [X87_FORMAT.f32]: 4,
  [X87_FORMAT.f64]: 8,
  [X87_FORMAT.f80]: 10,
  [X87_FORMAT.i16]: 2,
  [X87_FORMAT.i32]: 4,
  [X87_FORMAT.i64]: 8,
  [X87_FORMAT.bcd]: 10,
}

/** Raises a pending unmasked exception, as every instruction but the FN… ones does first. */
function wait(l: LiftContext): void {
  l.b.faultIf(l.b.and(l.b.stateLoad(32, STATE.x87Status), l.b.i32(SUMMARY)), EXIT.floatingPoint)
}

/** Notes the instruction, and its memory operand if it has one, as the last of the x87. */
function note(l: LiftContext): void {
  const { b, insn } = l
  b.stateStore(64, STATE.x87Ip, b.i64(insn.pc))
  b.stateStore(32, STATE.x87Opcode, b.i32(((insn.opcode & 7) << 8) | insn.modrm))
  if (insn.memory) b.stateStore(64, STATE.x87Dp, insn.segment === 0 ? l.ea() : l.offset())
}

const call = (l: LiftContext, id: number, a: number, b: number): Node => l.b.helper(id, l.b.i32(a), l.b.i32(b))

/** Loads the memory operand of the given format to scratch; all faults happen here. */
function fetch(l: LiftContext, format: number): void {
  const { b } = l
  const address = l.ea()
  const bytes = BYTES[format]!
  if (bytes === 2) b.stateStore(32, STATE.scratch, b.load(16, address))
  else if (bytes === 4) b.stateStore(32, STATE.scratch, b.load(32, address))
  else if (bytes === 8) b.stateStore(64, STATE.scratch, b.load(64, address))
  else {
    const low = b.load(64, address)
    const high = b.load(16, b.add(address, b.i64(8)))
    b.stateStore(64, STATE.scratch, low)
    b.stateStore(32, STATE.scratch + 8, high)
  }
}

/** An instruction that is one helper call on registers; `register` is the number in `STi` operand `i`. */
export const onRegister =
  (id: number, i: number, b: number): Lifter =>
  (l) => {
    wait(l)
    note(l)
    call(l, id, l.register(i), b)
  }

/** An instruction that is one helper call with two constants. */
export const fixed =
  (id: number, a: number, b: number): Lifter =>
  (l) => {
    wait(l)
    note(l)
    call(l, id, a, b)
  }

/** FFREE and FFREEP; `action` as in X87.stack. */
export const free =
  (action: number): Lifter =>
  (l) => {
    wait(l)
    note(l)
    call(l, X87.stack, action, l.register(0))
  }

/** FLD, FILD, FBLD from memory. */
export const load =
  (format: number): Lifter =>
  (l) => {
    wait(l)
    fetch(l, format)
    note(l)
    call(l, X87.load, format, 0)
  }

/** FST, FIST, FISTTP, FBSTP and their popping forms to memory; `options` as in X87.store. */
export const store =
  (format: number, options: number): Lifter =>
  (l) => {
    const { b } = l
    const address = l.ea()
    const bytes = BYTES[format]!
    wait(l)
    b.probeWrite(address, bytes)
    b.faultIf(call(l, X87.store, format, options), EXIT.unsupported)
    note(l)
    if (bytes === 2) b.store(16, address, b.stateLoad(32, STATE.scratch))
    else if (bytes === 4) b.store(32, address, b.stateLoad(32, STATE.scratch))
    else {
      b.store(64, address, b.stateLoad(64, STATE.scratch))
      if (bytes === 10) b.store(16, b.add(address, b.i64(8)), b.stateLoad(32, STATE.scratch + 8))
    }
  }

/** Arithmetic with ST(0) and a memory operand. */
export const arithmeticMemory =
  (operation: number, format: number): Lifter =>
  (l) => {
    wait(l)
    fetch(l, format)
    note(l)
    call(l, X87.arithmetic, operation, 8 | (format << 4))
  }

/** Arithmetic ST(0) = ST(0) op ST(i). */
export const arithmetic =
  (operation: number): Lifter =>
  (l) => {
    wait(l)
    note(l)
    call(l, X87.arithmetic, operation, l.register(1))
  }

/** Arithmetic ST(i) = ST(i) op ST(0), perhaps popping. */
export const arithmeticTo =
  (operation: number, pop: boolean): Lifter =>
  (l) => {
    wait(l)
    note(l)
    call(l, X87.arithmetic, operation, l.register(0) | 0x80 | (pop ? 0x100 : 0))
  }

/** FCOM and FICOM with a memory operand; `options` as in X87.compare. */
export const compareMemory =
  (format: number, options: number): Lifter =>
  (l) => {
    wait(l)
    fetch(l, format)
    note(l)
    call(l, X87.compare, 8 | (format << 4), options)
  }

/** FCOM, FUCOM and their popping forms with ST(i). */
export const compare =
  (options: number): Lifter =>
  (l) => {
    wait(l)
    note(l)
    call(l, X87.compare, l.register(1), options)
  }

/** FCOMI, FUCOMI and their popping forms: ZF, PF, CF; OF, SF and AF are cleared. */
export const compareToFlags =
  (options: number): Lifter =>
  (l) => {
    wait(l)
    const flags = call(l, X87.compare, l.register(1), options | 8)
    l.b.faultIf(l.b.ltS(flags, l.b.i32(0)), EXIT.unsupported)
    note(l)
    l.b.putFlags(flags)
  }

/** FCMOVcc. */
export const conditionalMove =
  (condition: (typeof CC)[keyof typeof CC]): Lifter =>
  (l) => {
    wait(l)
    note(l)
    l.b.helper(X87.conditionalMove, l.b.i32(l.register(1)), l.b.cond(condition))
  }

/** FWAIT and FNOP. */
export const waitOnly: Lifter = wait

/** FNOP. */
export const noOperation: Lifter = (l) => {
  wait(l)
  note(l)
}

/** FNENI, FNDISI, FNSETPM: left over from the 8087 and the 80287. */
export const ignored: Lifter = () => {}

/** FNINIT, FNCLEX: they do not wait, nor are they noted. */
export const control =
  (action: number): Lifter =>
  (l) => {
    call(l, X87.control, action, 0)
  }

/** FLDCW. */
export const loadControl: Lifter = (l) => {
  wait(l)
  l.b.helper(X87.control, l.b.i32(2), l.read(0))
}

/** FNSTCW. */
export const storeControl: Lifter = (l) => l.write(0, l.b.stateLoad(32, STATE.x87Control))

/** FNSTSW to AX or memory. */
export const storeStatus: Lifter = (l) => l.write(0, l.b.stateLoad(32, STATE.x87Status))

/** Bytes of an environment in its 32-bit form, and of one with the eight registers behind it. */
const ENVIRONMENT_BYTES = 28
const STATE_BYTES = 108

/** Asks for write permission on `bytes` bytes in the order of the processor: first doubleword, last byte. */
function probeArea(l: LiftContext, address: Node, bytes: number): void {
  l.b.probeWrite(address, 4)
  l.b.probeWrite(l.b.add(address, l.b.i64(bytes - 1)), 1)
}

/** Reads of the first doubleword and the last byte, for their faults only. */
function touchArea(l: LiftContext, address: Node, bytes: number): void {
  l.b.load(32, address)
  l.b.load(8, l.b.add(address, l.b.i64(bytes - 1)))
}

/** The 14-byte layouts of a 16-bit operand size are not implemented. */
const isShortForm = (l: LiftContext): boolean => l.insn.opsize === 16

function storeEnvironmentAt(l: LiftContext, address: Node): void {
  const { b } = l
  call(l, X87.environment, 0, 0)
  for (let offset = 0; offset < 24; offset += 8)
    b.store(64, b.add(address, b.i64(offset)), b.stateLoad(64, STATE.scratch + offset))
  b.store(32, b.add(address, b.i64(24)), b.stateLoad(32, STATE.scratch + 24))
}

/** The loads of an environment, and the stores to scratch that follow when nothing can fault any more. */
function fetchEnvironment(l: LiftContext, address: Node): () => void {
  const { b } = l
  const words = [0, 8, 16].map((offset) => b.load(64, b.add(address, b.i64(offset))))
  const last = b.load(32, b.add(address, b.i64(24)))
  return () => {
    words.forEach((word, i) => b.stateStore(64, STATE.scratch + 8 * i, word))
    b.stateStore(32, STATE.scratch + 24, last)
    call(l, X87.environment, 1, 0)
  }
}

/** FNSTENV. */
export const storeEnvironment: Lifter = (l) => {
  if (isShortForm(l)) return l.fault(EXIT.unsupported)
  const address = l.ea()
  probeArea(l, address, ENVIRONMENT_BYTES)
  storeEnvironmentAt(l, address)
}

/** FLDENV. */
export const loadEnvironment: Lifter = (l) => {
  if (isShortForm(l)) return l.fault(EXIT.unsupported)
  wait(l)
  const address = l.ea()
  touchArea(l, address, ENVIRONMENT_BYTES)
  fetchEnvironment(l, address)()
}

/** FNSAVE: environment, registers, then FNINIT. */
export const save: Lifter = (l) => {
  if (isShortForm(l)) return l.fault(EXIT.unsupported)
  const { b } = l
  const address = l.ea()
  probeArea(l, address, STATE_BYTES)
  storeEnvironmentAt(l, address)
  for (let i = 0; i < 8; i++) {
    call(l, X87.register, 0, i)
    b.store(64, b.add(address, b.i64(ENVIRONMENT_BYTES + 10 * i)), b.stateLoad(64, STATE.scratch))
    b.store(16, b.add(address, b.i64(ENVIRONMENT_BYTES + 10 * i + 8)), b.stateLoad(32, STATE.scratch + 8))
  }
  call(l, X87.control, 0, 0)
}

/** FRSTOR. */
export const restore: Lifter = (l) => {
  if (isShortForm(l)) return l.fault(EXIT.unsupported)
  const { b } = l
  const address = l.ea()
  wait(l)
  touchArea(l, address, STATE_BYTES)
  const finishEnvironment = fetchEnvironment(l, address)
  const images = Array.from({ length: 8 }, (_, i) => ({
    low: b.load(64, b.add(address, b.i64(ENVIRONMENT_BYTES + 10 * i))),
    high: b.load(16, b.add(address, b.i64(ENVIRONMENT_BYTES + 10 * i + 8))),
  }))
  finishEnvironment()
  images.forEach(({ low, high }, i) => {
    b.stateStore(64, STATE.scratch, low)
    b.stateStore(32, STATE.scratch + 8, high)
    call(l, X87.register, 1, i)
  })
}
