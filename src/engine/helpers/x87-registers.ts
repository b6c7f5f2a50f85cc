/** Exists to give the x87 helpers their view of the CPU state: the register stack, control, status and tag words, and the scratch bytes. */
import { STATE } from '../../ir/registers.ts'
import { BEFORE, type Extended, INDEFINITE, type Outcome, STATUS } from './x87-number.ts'

const EXCEPTIONS = 0x3f
const TOP_SHIFT = 11
/** The control word of FNINIT: everything masked, 64 bits of precision, to nearest. */
const INITIAL_CONTROL = 0x37f
const ALL_EMPTY = 0xffff

/** A status word whose summary and busy bits say whether an unmasked exception is pending. */
function withSummary(status: number, control: number): number {
  const pending = (status & ~control & EXCEPTIONS) !== 0 ? STATUS.summary | STATUS.busy : 0
  return (status & 0xffff & ~(STATUS.summary | STATUS.busy)) | pending
}

/** The x87 part of one CPU state. Tags have two bits per physical register as in the tag word: 3 empty, else in use (the rest is computed when stored). */
export class Stack {
  readonly view: DataView

  constructor(view: DataView) {
    this.view = view
  }

  get control(): number {
    return this.view.getUint32(STATE.x87Control, true)
  }

  get status(): number {
    return this.view.getUint32(STATE.x87Status, true)
  }

  /** Sets the status word; summary and busy bits follow from the exceptions and their masks. */
  set status(value: number) {
    this.view.setUint32(STATE.x87Status, withSummary(value, this.control), true)
  }

  /** Sets the control word as processors keep it: bit 6 is always one, bits 7 and 13-15 zero. */
  setControl(value: number): void {
    const control = (value & 0x1f3f) | 0x40
    this.view.setUint32(STATE.x87Control, control, true)
    this.view.setUint32(STATE.x87Status, withSummary(this.status, control), true)
  }

  get tag(): number {
    return this.view.getUint32(STATE.x87Tag, true)
  }

  set tag(value: number) {
    this.view.setUint32(STATE.x87Tag, value & 0xffff, true)
  }

  get top(): number {
    return (this.status >> TOP_SHIFT) & 7
  }

  set top(value: number) {
    this.status = (this.status & ~(7 << TOP_SHIFT)) | ((value & 7) << TOP_SHIFT)
  }

  /** The physical number of ST(i). */
  physical(i: number): number {
    return (this.top + i) & 7
  }

  isEmpty(i: number): boolean {
    return ((this.tag >> (2 * this.physical(i))) & 3) === 3
  }

  /** ST(i) as its bits say, whatever its tag. */
  read(i: number): Extended {
    return readExtended(this.view, STATE.x87 + 16 * this.physical(i))
  }

  /** Sets ST(i) and marks it in use. */
  write(i: number, value: Extended): void {
    const physical = this.physical(i)
    writeExtended(this.view, STATE.x87 + 16 * physical, value)
    this.tag = this.tag & ~(3 << (2 * physical))
  }

  free(i: number): void {
    this.tag = this.tag | (3 << (2 * this.physical(i)))
  }

  push(value: Extended): void {
    this.top = this.top - 1
    this.write(0, value)
  }

  pop(): void {
    this.free(0)
    this.top = this.top + 1
  }

  /** Sets the condition codes given among `mask`. */
  setCodes(mask: number, codes: number): void {
    this.status = (this.status & ~mask) | (codes & mask)
  }

  /**
   * Raises the exceptions in `flags`, with C1 as they say. False when an unmasked one of those found before execution forbids the
   * operation; then only these are raised.
   */
  raise(flags: number): boolean {
    const forbidding = flags & BEFORE & ~this.control
    const raised =
      forbidding === 0
        ? flags
        : flags & (BEFORE | STATUS.stackFault | ((flags & STATUS.stackFault) !== 0 ? STATUS.c1 : 0))
    this.status = (this.status & ~STATUS.c1) | raised
    return forbidding === 0
  }

  /** Raises the outcome's exceptions and, if they permit, writes its value to ST(i). */
  finish(i: number, outcome: Outcome): boolean {
    const permitted = this.raise(outcome.flags)
    if (permitted) this.write(i, outcome.value)
    return permitted
  }

  /** FNINIT. */
  initialise(): void {
    this.view.setUint32(STATE.x87Control, INITIAL_CONTROL, true)
    this.status = 0
    this.tag = ALL_EMPTY
    this.view.setUint32(STATE.x87Opcode, 0, true)
    this.view.setBigUint64(STATE.x87Ip, 0n, true)
    this.view.setBigUint64(STATE.x87Dp, 0n, true)
  }
}

/** What reading an empty register gives while invalid operations are masked. */
export const UNDERFLOW: Outcome = { value: INDEFINITE, flags: STATUS.invalid | STATUS.stackFault }
/** What pushing onto a register in use gives while invalid operations are masked. */
export const OVERFLOW: Outcome = { value: INDEFINITE, flags: STATUS.invalid | STATUS.stackFault | STATUS.c1 }

/** Reads 10 bytes. */
export function readExtended(view: DataView, offset: number): Extended {
  const high = view.getUint16(offset + 8, true)
  return { sign: high >> 15, exponent: high & 0x7fff, mantissa: view.getBigUint64(offset, true) }
}

/** Writes 10 bytes. */
export function writeExtended(view: DataView, offset: number, x: Extended): void {
  view.setBigUint64(offset, x.mantissa, true)
  view.setUint16(offset + 8, (x.sign << 15) | x.exponent, true)
}
