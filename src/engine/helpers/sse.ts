/** Exists to execute SSE floating point as MXCSR says where translated code cannot: other roundings, flushed denormals, exception flags, unmasked exceptions. */
import { FLOAT, FLOAT_TYPE } from '../../ir/helpers.ts'
import { STATE } from '../../ir/registers.ts'
import { changeFormat, fromInteger, operate, toInteger, toIntegral } from './sse-arithmetic.ts'
import { DOUBLES, type Modes, modesOf, type Outcome, SINGLES } from './sse-number.ts'
import { BEFORE, STATUS } from './x87-number.ts'

/** MXCSR without its exception flags: what programs find, all exceptions masked, rounding to nearest, denormals as they are. */
const DEFAULT_MODES = 0x1f80
const FLAGS = 0x3f
/** FTZ and DAZ. */
const DENORMAL_MODES = 0x8040

/** Must the task's floating-point code follow MXCSR exactly? Otherwise its results do not depend on MXCSR, and nobody has looked at the flags. */
export function isExact(state: DataView): boolean {
  return (
    state.getUint32(STATE.watchExceptions, true) !== 0 ||
    (state.getUint32(STATE.mxcsr, true) & ~FLAGS) !== DEFAULT_MODES
  )
}

/**
 * Makes a valid value MXCSR; `restored` by FXRSTOR. Returns 1 when the program has to go on in the other variant of its code. From the first LDMXCSR on that may
 * be meant for the exception flags they are kept. One that only changes the treatment of denormals (what -ffast-math does at the start) is not, and
 * FXRSTOR of what is there already (what the dynamic linker does) is not either.
 */
export function loadMxcsr(state: DataView, value: number, restored: boolean): number {
  const before = isExact(state)
  const old = state.getUint32(STATE.mxcsr, true)
  if (restored ? value !== old : ((value ^ old) & DENORMAL_MODES) === 0) state.setUint32(STATE.watchExceptions, 1, true)
  state.setUint32(STATE.mxcsr, value, true)
  return isExact(state) === before ? 0 : 1
}

/** Bytes in a lane and number of lanes, by FLOAT_TYPE. */
const SIZE = [4, 8, 4, 8, 4, 8, 4]
const LANES = [1, 1, 4, 2, 1, 1, 4]
const isInteger = (type: number): boolean => type >= FLOAT_TYPE.i32
const layoutOf = (type: number): typeof SINGLES =>
  type === FLOAT_TYPE.f32 || type === FLOAT_TYPE.f32x4 ? SINGLES : DOUBLES

const get = (state: DataView, at: number, size: number): bigint =>
  size === 4 ? BigInt(state.getUint32(STATE.scratch + at, true)) : state.getBigUint64(STATE.scratch + at, true)

function put(state: DataView, at: number, size: number, bits: bigint): void {
  if (size === 4) state.setUint32(STATE.scratch + at, Number(bits), true)
  else state.setBigUint64(STATE.scratch + at, bits, true)
}

function lane(
  state: DataView,
  modes: Modes,
  operation: number,
  from: number,
  to: number,
  predicate: number,
  index: number,
): Outcome {
  const size = SIZE[from]!
  const x = get(state, size * index, size)
  if (operation === FLOAT.round) return toIntegral(layoutOf(from), modes, predicate, x)
  if (operation !== FLOAT.convert) {
    const lanewise = operation !== FLOAT.addSubtract ? operation : (index & 1) === 0 ? FLOAT.sub : FLOAT.add
    return operate(layoutOf(from), modes, lanewise, predicate, x, get(state, 16 + size * index, size))
  }
  if (isInteger(from)) return fromInteger(layoutOf(to), modes, BigInt.asIntN(8 * size, x))
  if (isInteger(to)) return toInteger(layoutOf(from), modes, 8 * SIZE[to]!, predicate !== 0, x)
  return changeFormat(layoutOf(from), layoutOf(to), modes, x)
}

/** HELPER.float. */
export function float(state: DataView, code: number, predicate: number): number {
  const operation = code >> 8
  const from = (code >> 4) & 15
  const to = code & 15
  const mxcsr = state.getUint32(STATE.mxcsr, true)
  if (quick(state, mxcsr, operation, from)) return 0
  const modes = modesOf(mxcsr)
  const outcomes: Outcome[] = []
  let flags = 0
  for (let i = 0; i < Math.min(LANES[from]!, LANES[to]!); i++) {
    const outcome = lane(state, modes, operation, from, to, predicate, i)
    outcomes.push(outcome)
    flags |= outcome.flags
  }
  const unmasked = ~(mxcsr >>> 7) & FLAGS
  // Exceptions that are found before the operation keep those of its result from showing.
  const early = flags & BEFORE & unmasked
  if (early !== 0) flags &= BEFORE
  state.setUint32(STATE.mxcsr, mxcsr | flags, true)
  if ((flags & unmasked) !== 0) return 1
  state.setBigUint64(STATE.scratch, 0n, true)
  state.setBigUint64(STATE.scratch + 8, 0n, true)
  const size = operation === FLOAT.order ? 4 : SIZE[to]!
  outcomes.forEach(({ bits }, i) => put(state, size * i, size, bits))
  return 0
}

/** Magnitudes between which host arithmetic needs no second look: their products, quotients and roots are normal numbers, too. */
const PLAIN = { f64: [2 ** -500, 2 ** 500], f32: [2 ** -60, 2 ** 60] } as const

/** Performs the operation on the host when the result is a matter of course: to nearest, moderate numbers, and inexactness is no news. */
function quick(state: DataView, mxcsr: number, operation: number, from: number): boolean {
  if (operation > FLOAT.sqrt || (mxcsr & 0x6000) !== 0) return false
  if ((mxcsr & STATUS.precision) === 0 && state.getUint32(STATE.watchExceptions, true) !== 0) return false
  if ((mxcsr & 0x1f80) !== 0x1f80) return false
  const wide = from === FLOAT_TYPE.f64 || from === FLOAT_TYPE.f64x2
  const [low, high] = wide ? PLAIN.f64 : PLAIN.f32
  const size = SIZE[from]!
  const read = (at: number): number =>
    wide ? state.getFloat64(STATE.scratch + at, true) : state.getFloat32(STATE.scratch + at, true)
  const isPlain = (x: number): boolean => Math.abs(x) >= low && Math.abs(x) <= high
  const results = [0, 0, 0, 0]
  for (let i = 0; i < LANES[from]!; i++) {
    const x = read(size * i)
    const y = operation === FLOAT.sqrt ? 1 : read(16 + size * i)
    if (!isPlain(x) || !isPlain(y) || (operation === FLOAT.sqrt && x < 0)) return false
    const r = arithmetic(operation, x, y)
    // A difference may be anything.
    if (!isPlain(r)) return false
    results[i] = r
  }
  for (let i = 0; i < LANES[from]!; i++) {
    if (wide) state.setFloat64(STATE.scratch + size * i, results[i]!, true)
    else state.setFloat32(STATE.scratch + size * i, results[i]!, true)
  }
  return true
}

function arithmetic(operation: number, x: number, y: number): number {
  switch (operation) {
    case FLOAT.add:
      return x + y
    case FLOAT.sub:
      return x - y
    case FLOAT.mul:
      return x * y
    case FLOAT.div:
      return x / y
    default:
      return Math.sqrt(x)
  }
}
