/** Exists to give the control transfers: branches, calls, returns, system calls and the instructions that only fault. */
import { EXIT } from '../../ir/exits.ts'
import type { CC } from '../../ir/flags.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { flagsImage, pushValue } from './stack.ts'

type Condition = (typeof CC)[keyof typeof CC]

/** The address that a relative branch names. */
const target = (l: LiftContext): number => l.next + l.insn.immLo

/**
 * #GP at the branch itself when its target is not canonical: bits 63-47 must all be equal (Intel SDM vol. 1, 3.3.7.1). Other addresses without code
 * fault when the instruction there is fetched.
 */
function checkCanonical(l: LiftContext, address: Node): void {
  const b = l.b
  const high = b.add(b.shrS(address, b.i64(47)), b.i64(1))
  b.faultIf(b.ltU(b.i64(1), high), EXIT.generalProtection)
}

/** JMP rel. */
export const jmp: Lifter = (l) => l.terminate({ kind: 'jump', target: target(l) })

/** JMP r/m. */
export const jmpIndirect: Lifter = (l) => {
  const address = l.read(0)
  checkCanonical(l, address)
  l.terminate({ kind: 'ijump', address })
}

/** Jcc. */
export const jcc =
  (cc: Condition): Lifter =>
  (l) =>
    l.terminate({ kind: 'branch', cond: l.b.cond(cc), then: target(l), else: l.next })

/** CALL rel. */
export const call: Lifter = (l) => {
  pushValue(l, 64, l.b.i64(l.next))
  l.terminate({ kind: 'call', target: target(l), ret: l.next })
}

/** CALL r/m: the target is read before the push. */
export const callIndirect: Lifter = (l) => {
  const address = l.read(0)
  checkCanonical(l, address)
  pushValue(l, 64, l.b.i64(l.next))
  l.terminate({ kind: 'icall', address, ret: l.next })
}

/** RET and RET imm16. */
export const ret: Lifter = (l) => {
  const b = l.b
  const rsp = b.get(REG.rsp)
  const address = b.load(64, rsp)
  checkCanonical(l, address)
  b.put(REG.rsp, b.add(rsp, b.i64(8 + l.insn.immLo)))
  l.terminate({ kind: 'ret', address })
}

/** The counter of LOOP and JRCXZ: RCX or ECX by address size. */
const counter = (l: LiftContext): Node => l.getFixed(REG.rcx, l.insn.addrsize)

/** LOOP, LOOPE, LOOPNE: `also` is the condition besides a counter that is not zero. */
export const loop =
  (also: Condition | null): Lifter =>
  (l) => {
    const b = l.b
    const left = b.sub(counter(l), b.constLike(counter(l), 1))
    const goOn = b.ne(left, b.constLike(left, 0))
    l.putFixed(REG.rcx, l.insn.addrsize, left)
    l.terminate({
      kind: 'branch',
      cond: also === null ? goOn : b.and(goOn, b.cond(also)),
      then: target(l),
      else: l.next,
    })
  }

/** JRCXZ, JECXZ. */
export const jrcxz: Lifter = (l) =>
  l.terminate({ kind: 'branch', cond: l.b.eqz(counter(l)), then: target(l), else: l.next })

/** SYSCALL: the return address to RCX, RFLAGS to R11. */
export const syscall: Lifter = (l) => {
  const flags = l.b.extendU(flagsImage(l))
  l.b.put(REG.rcx, l.b.i64(l.next))
  l.b.put(REG.r11, flags)
  l.terminate({ kind: 'syscall', next: l.next })
}

/** An instruction that always raises the same fault. */
export const raise =
  (reason: number): Lifter =>
  (l) =>
    l.fault(reason)

/** Stops the run: an instruction that is known and not done. */
export const unsupported = raise(EXIT.unsupported)

/** INT3, INT1 and INT 4 are traps: the address that signals report lies behind them, so their length goes with the exit. */
export const trap =
  (reason: number): Lifter =>
  (l) => {
    l.b.stateStore(32, STATE.exitDetail, l.b.i32(l.insn.length))
    l.fault(reason)
  }

/** INT n: 3 is a breakpoint, 4 an overflow trap; the kernel judges the others. */
export const int: Lifter = (l) => {
  const vector = l.insn.immLo & 0xff
  if (vector === 3) return trap(EXIT.breakpoint)(l)
  if (vector === 4) return trap(EXIT.softwareInterrupt)(l)
  l.b.stateStore(32, STATE.exitDetail, l.b.i32(0))
  l.fault(EXIT.softwareInterrupt)
}

/** MOV to and from control and debug registers: #UD for numbers that do not exist, else #GP in user mode. */
export const moveSystemRegister =
  (exists: (register: number) => boolean): Lifter =>
  (l) =>
    l.fault(exists(l.insn.reg) ? EXIT.generalProtection : EXIT.invalidOpcode)
