/** Exists to know which x87 registers are undefined: all bits of one or none, as for every floating-point value. */
import { X87, X87_UNDEFINED } from '../../ir/helpers.ts'
import { STATE } from '../../ir/registers.ts'
import { STATUS } from './x87-number.ts'
import { Stack } from './x87-registers.ts'

const CODES = STATUS.c3 | STATUS.c2 | STATUS.c1 | STATUS.c0

/** The second byte of the instructions on the top of the stack (X87.top). */
const TOP = {
  ftst: 0xe4,
  fxam: 0xe5,
  fyl2x: 0xf1,
  fptan: 0xf2,
  fpatan: 0xf3,
  fxtract: 0xf4,
  fprem1: 0xf5,
  fprem: 0xf8,
  fyl2xp1: 0xf9,
  fsincos: 0xfb,
  fscale: 0xfd,
} as const

/** Carries out on V bits what x87 helper `id` is about to do: `a` and `b` as HELPER.x87Bits says. Returns 1 when its result is undefined. */
export function x87Bits(state: DataView, id: number, a: number, b: number): number {
  const stack = new Stack(state)
  const top = stack.top
  const at = (i: number): number => STATE.x87Undefined + 16 * ((top + i) & 7)
  const get = (i: number): boolean =>
    (state.getBigUint64(at(i), true) | BigInt(state.getUint16(at(i) + 8, true))) !== 0n
  const set = (i: number, isUndefined: boolean): void => {
    state.setBigUint64(at(i), isUndefined ? 0xffff_ffff_ffff_ffffn : 0n, true)
    state.setUint16(at(i) + 8, isUndefined ? 0xffff : 0, true)
  }
  const setCodes = (isUndefined: boolean): void =>
    state.setUint32(STATE.x87StatusUndefined, isUndefined ? CODES : 0, true)
  const used = ((a >> X87_UNDEFINED) & 1) !== 0
  const own = a & 0xffff
  const source = (spec: number): boolean => ((spec & 8) !== 0 ? used : get(spec & 7))

  switch (id) {
    case X87.load:
      set(-1, used)
      return 0
    case X87.loadRegister:
      set(-1, get(own))
      return 0
    case X87.loadConstant:
      set(-1, false)
      return 0
    case X87.store:
      return get(0) ? 1 : 0
    case X87.storeRegister:
      set(own, get(0))
      return 0
    case X87.arithmetic: {
      const toRegister = (b & 0x80) !== 0
      const destination = toRegister ? b & 7 : 0
      set(destination, get(destination) || source(toRegister ? 0 : b))
      return 0
    }
    case X87.compare: {
      const isUndefined = get(0) || source(own)
      if ((b & 8) !== 0) return isUndefined ? 1 : 0
      setCodes(isUndefined)
      return 0
    }
    case X87.exchange: {
      const [first, second] = [get(0), get(own)]
      set(0, second)
      set(own, first)
      return 0
    }
    case X87.conditionalMove:
      if (used) set(0, true)
      else if (b !== 0) set(0, get(own))
      return 0
    case X87.register:
      if (own === 1) set(b, used)
      return own === 0 && get(b) ? 1 : 0
    case X87.environment:
      if (own === 1) setCodes(false)
      return 0
    case X87.top:
      executeTop(own, get, set, setCodes)
      return 0
    default:
      return 0
  }
}

function executeTop(
  code: number,
  get: (i: number) => boolean,
  set: (i: number, isUndefined: boolean) => void,
  setCodes: (isUndefined: boolean) => void,
): void {
  switch (code) {
    case TOP.ftst:
    case TOP.fxam:
      return setCodes(get(0))
    case TOP.fptan:
      setCodes(get(0))
      return set(-1, false)
    case TOP.fxtract:
      return set(-1, get(0))
    case TOP.fsincos:
      setCodes(get(0))
      return set(-1, get(0))
    case TOP.fyl2x:
    case TOP.fpatan:
    case TOP.fyl2xp1:
      return set(1, get(0) || get(1))
    case TOP.fprem:
    case TOP.fprem1:
      set(0, get(0) || get(1))
      return setCodes(get(0))
    case TOP.fscale:
      return set(0, get(0) || get(1))
  }
}
