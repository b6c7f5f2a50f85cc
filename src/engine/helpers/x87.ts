/** Exists to execute x87 instructions for translated code: one entry that the engine calls with a helper number (X87 in ir/helpers.ts). */
import { LemmingError } from '../../base/errors.ts'
import { FLAG } from '../../ir/flags.ts'
import { X87, X87_OPERATION } from '../../ir/helpers.ts'
import { STATE } from '../../ir/registers.ts'
import { add, type Binary, compare, divide, multiply, subtract } from './x87-arithmetic.ts'
import { loadEnvironment, loadHeader, storeEnvironment, storeHeader } from './x87-environment.ts'
import { loadNumber, storeNumber } from './x87-memory.ts'
import {
  BEFORE,
  CLASS,
  classOf,
  dropBits,
  type Extended,
  INDEFINITE,
  type Outcome,
  quieted,
  roundingOf,
  STATUS,
  zeroOf,
} from './x87-number.ts'
import { OVERFLOW, readExtended, Stack, UNDERFLOW, writeExtended } from './x87-registers.ts'
import { executeTop } from './x87-top.ts'

const ORDER_CODES = STATUS.c3 | STATUS.c2 | STATUS.c0
const UNORDERED = { codes: ORDER_CODES, flags: UNDERFLOW.flags }

/** log2(10), log2(e), pi, log10(2), ln(2) with 67 bits, truncated: FLDL2T to FLDLN2 round them by the rounding mode. */
const CONSTANTS: Record<number, { mantissa: bigint; scale: number }> = {
  0xe9: { mantissa: 0x6a4d3c25e68dc57f2n, scale: -65 },
  0xea: { mantissa: 0x5c551d94ae0bf85ddn, scale: -66 },
  0xeb: { mantissa: 0x6487ed5110b4611a6n, scale: -65 },
  0xec: { mantissa: 0x4d104d427de7fbcc4n, scale: -68 },
  0xed: { mantissa: 0x58b90bfbe8e7bcd5en, scale: -67 },
}

/** A constant without exceptions, rounded by the rounding mode. */
function constant(code: number, control: number): Extended {
  if (code === 0xe8) return { sign: 0, exponent: 16383, mantissa: 1n << 63n }
  const exact = CONSTANTS[code]
  if (exact === undefined) return zeroOf(0)
  const rounded = dropBits(exact.mantissa, 3, true, roundingOf(control), 0)
  return { sign: 0, exponent: exact.scale + 66 + 16383, mantissa: rounded.mantissa }
}

/** Pushes a number; loading reports a denormal but is not kept from it. */
function push(stack: Stack, outcome: Outcome): void {
  if (!stack.isEmpty(7)) {
    if (stack.raise(OVERFLOW.flags)) stack.push(INDEFINITE)
    return
  }
  const denormal = outcome.flags & STATUS.denormal
  if (!stack.raise(outcome.flags & ~STATUS.denormal)) return
  stack.status |= denormal
  stack.push((outcome.flags & STATUS.invalid) !== 0 ? quieted(outcome.value) : outcome.value)
}

/** X87.loadRegister: an empty source counts before a stack that is full. */
function loadRegister(stack: Stack, register: number): void {
  if (!stack.isEmpty(register)) push(stack, { value: stack.read(register), flags: 0 })
  else if (stack.raise(UNDERFLOW.flags)) stack.push(INDEFINITE)
}

/** X87.store. */
function store(stack: Stack, format: number, options: number): number {
  const empty = stack.isEmpty(0)
  const x = empty ? INDEFINITE : stack.read(0)
  let flags = storeNumber(stack.view, STATE.scratch, format, x, stack.control, (options & 2) !== 0)
  if (empty) flags = UNDERFLOW.flags
  if ((flags & ~stack.control & (BEFORE | STATUS.overflow | STATUS.underflow)) !== 0) return 1
  stack.raise(flags)
  if ((options & 1) !== 0) stack.pop()
  return 0
}

/** X87.storeRegister. */
function storeRegister(stack: Stack, register: number, pop: boolean): void {
  if (stack.isEmpty(0)) {
    if (!stack.finish(register, UNDERFLOW)) return
  } else {
    stack.raise(0)
    stack.write(register, stack.read(0))
  }
  if (pop) stack.pop()
}

/** The source operand of `arithmetic` and `compare`, with the exceptions of converting it, or null when its register is empty. */
function source(stack: Stack, spec: number): Outcome | null {
  if ((spec & 8) !== 0) return loadNumber(stack.view, STATE.scratch, spec >> 4)
  return stack.isEmpty(spec & 7) ? null : { value: stack.read(spec & 7), flags: 0 }
}

const OPERATIONS: Record<number, Binary> = {
  [X87_OPERATION.add]: add,
  [X87_OPERATION.multiply]: multiply,
  [X87_OPERATION.subtract]: subtract,
  [X87_OPERATION.subtractReversed]: (x, y, control) => subtract(y, x, control),
  [X87_OPERATION.divide]: divide,
  [X87_OPERATION.divideReversed]: (x, y, control) => divide(y, x, control),
}

/** X87.arithmetic. */
function arithmetic(stack: Stack, operation: number, spec: number): void {
  const toRegister = (spec & 0x80) !== 0
  const destination = toRegister ? spec & 7 : 0
  const right = source(stack, toRegister ? 0 : spec & 0x7f)
  let outcome = UNDERFLOW
  if (right !== null && !stack.isEmpty(destination)) {
    const result = OPERATIONS[operation]!(stack.read(destination), right.value, stack.control)
    // A denormal memory operand is reported unless a NaN or an invalid operation decided the result, or a division by zero did.
    const kept = classOf(result.value) === CLASS.nan || (result.flags & STATUS.zeroDivide) !== 0 ? STATUS.invalid : ~0
    outcome = { value: result.value, flags: result.flags | (right.flags & kept) }
  }
  if (stack.finish(destination, outcome) && (spec & 0x100) !== 0) stack.pop()
}

/** C1 as it is: the instructions that came with the P6 leave it alone unless the stack is at fault. */
const keptC1 = (stack: Stack, flags: number): number =>
  (flags & STATUS.stackFault) !== 0 ? 0 : stack.status & STATUS.c1

/** X87.compare. */
function comparison(stack: Stack, spec: number, options: number): number {
  const right = source(stack, spec)
  let order = UNORDERED
  if (right !== null && !stack.isEmpty(0)) {
    const { codes, flags } = compare(stack.read(0), right.value, (options & 4) !== 0)
    order = { codes, flags: flags | (right.flags & (codes === ORDER_CODES ? STATUS.invalid : ~0)) }
  }
  if ((options & 8) !== 0) {
    if ((order.flags & BEFORE & ~stack.control) !== 0) return -1
    order = { codes: order.codes, flags: order.flags | keptC1(stack, order.flags) }
  }
  const permitted = stack.raise(order.flags)
  if ((options & 8) === 0) stack.setCodes(ORDER_CODES, order.codes)
  if (permitted) for (let i = options & 3; i > 0; i--) stack.pop()
  return (
    (order.codes & STATUS.c0 ? FLAG.cf : 0) |
    (order.codes & STATUS.c2 ? FLAG.pf : 0) |
    (order.codes & STATUS.c3 ? FLAG.zf : 0)
  )
}

/** X87.exchange: an empty register counts as the indefinite number. */
function exchange(stack: Stack, register: number): void {
  const missing = stack.isEmpty(0) || stack.isEmpty(register)
  if (!stack.raise(missing ? UNDERFLOW.flags : 0)) return
  const first = stack.isEmpty(0) ? INDEFINITE : stack.read(0)
  stack.write(0, stack.isEmpty(register) ? INDEFINITE : stack.read(register))
  stack.write(register, first)
}

/** X87.conditionalMove: both registers must be in use whether or not the move happens. */
function conditionalMove(stack: Stack, register: number, condition: number): void {
  if (stack.isEmpty(0) || stack.isEmpty(register)) stack.finish(0, UNDERFLOW)
  else {
    if (condition !== 0) stack.write(0, stack.read(register))
  }
}

/** X87.stack. */
function moveStack(stack: Stack, action: number, register: number): void {
  stack.raise(0)
  if (action === 0) stack.top = stack.top + 1
  else if (action === 1) stack.top = stack.top - 1
  else {
    stack.free(register)
    if (action === 3) stack.pop()
  }
}

const CLEARED_BY_FNCLEX = 0x7f

/** X87.control. */
function setControl(stack: Stack, action: number, value: number): void {
  if (action === 0) stack.initialise()
  else if (action === 1) stack.status = stack.status & ~CLEARED_BY_FNCLEX
  else stack.setControl(value)
}

/** X87.register. */
function image(stack: Stack, action: number, register: number): void {
  const offset = STATE.x87 + 16 * stack.physical(register)
  if (action === 0) {
    stack.view.setBigUint64(STATE.scratch + 8, 0n, true)
    writeExtended(stack.view, STATE.scratch, readExtended(stack.view, offset))
  } else {
    writeExtended(stack.view, offset, readExtended(stack.view, STATE.scratch))
  }
}

/**
 * Executes x87 helper `id` (X87) with operands a and b on the CPU state `state` (layout in ir/registers.ts). Returns what the helper's
 * description says, else 0.
 */
export function x87Helper(state: DataView, id: number, a: number, b: number): number {
  const stack = new Stack(state)
  switch (id) {
    case X87.load:
      push(stack, loadNumber(state, STATE.scratch, a))
      return 0
    case X87.loadRegister:
      loadRegister(stack, a)
      return 0
    case X87.loadConstant:
      push(stack, { value: constant(a, stack.control), flags: 0 })
      return 0
    case X87.store:
      return store(stack, a, b)
    case X87.storeRegister:
      storeRegister(stack, a, b !== 0)
      return 0
    case X87.arithmetic:
      arithmetic(stack, a, b)
      return 0
    case X87.compare:
      return comparison(stack, a, b)
    case X87.top:
      executeTop(stack, a)
      return 0
    case X87.exchange:
      exchange(stack, a)
      return 0
    case X87.conditionalMove:
      conditionalMove(stack, a, b)
      return 0
    case X87.stack:
      moveStack(stack, a, b)
      return 0
    case X87.control:
      setControl(stack, a, b)
      return 0
    case X87.environment:
      if (a === 0) storeEnvironment(stack)
      else loadEnvironment(stack)
      return 0
    case X87.header:
      if (a === 0) storeHeader(stack)
      else loadHeader(stack, b !== 0)
      return 0
    case X87.register:
      image(stack, a, b)
      return 0
    default:
      throw new LemmingError('internal', `no x87 helper ${id}`)
  }
}
