/** Exists to carry a system call from the registers to its handler and back, to complete calls that waited, and to tell those who trace. */
import type { CpuState } from '../engine/cpu-state.ts'
import { defineRegisters } from '../engine/definedness.ts'
import { ATTRIBUTE } from '../engine/layout.ts'
import { REG } from '../ir/registers.ts'
import type { SyscallEvent } from '../tool/observer.ts'
import {
  BLOCKED,
  decodeArgs,
  entryText,
  rawArgs,
  offerSet,
  readSet,
  straceLine,
  writeSet,
  type CallView,
  type Declaration,
  type EntryText,
} from './declare.ts'
import { enterUndefined } from './definedness.ts'
import { ERRNO } from './errno.ts'
import type { Kernel } from './kernel.ts'
import { judge } from './seccomp.ts'
import { SA } from './signal-names.ts'
import type { SignalAction, Task } from './state.ts'
import { errorText, padded } from './strace.ts'
import { syscallName } from './table-names.ts'
import { table } from './table.ts'
import { NO_RESULT, sleep, wake } from './tasks.ts'

/** Bytes of the SYSCALL instruction. */
const SYSCALL_LENGTH = 2
/** Results by which a trace tells that an interrupted call is made again (ERESTARTSYS). */
const RESTART_SYS = -512

/** What a trace keeps from the entry of a call until it is over. */
export interface Entered {
  moment: number
  args: readonly bigint[]
  text: EntryText
}

/**
 * Performs the call that the running task's registers ask for. True: completed, its result is in rax, and nothing stands against running on at once.
 */
export function systemCall(k: Kernel, t: Task): boolean {
  const nr = k.cpu.view.getInt32(0, true)
  const declaration = table[nr]
  if (t.seccomp !== undefined) {
    const verdict = judge(k, t, nr, rawArgs(k.cpu))
    if (verdict !== null) return forbidden(k, t, declaration, verdict)
  }
  if (declaration === undefined) return unknownCall(k, t, nr)
  const args = decodeArgs(declaration, k.cpu)
  if (k.definedness) enterUndefined(k, t, declaration, args)
  const traced = k.syscallObservers.length !== 0
  // The call may end the process.
  const space = k.space(t)
  if (traced) enter(k, t, declaration, args)
  const checked = k.heapObservers.length !== 0 && k.heap !== null
  if (checked) tellPassed(k, t, declaration, args, null)
  const result = declaration.handler(k, t, args)
  if (result === BLOCKED) {
    sleep(k, t)
    // A signal that came before the call keeps it from sleeping.
    if (t.interrupted && t.wait!.kind !== 'vfork') wake(k, t, 'signal')
    return false
  }
  if (result === NO_RESULT) {
    if (traced) leave(k, t, declaration, args, null, space)
    return false
  }
  setResult(k.cpu, result)
  if (checked && k.space(t) === space) tellResult(k, t, declaration, args, result)
  if (traced) leave(k, t, declaration, args, result, space)
  return !(t.interrupted || k.attention || t.savedMask !== null || k.state.ended !== null)
}

/** A call that the task's own filters do not let through, with what they make of it. */
function forbidden(k: Kernel, t: Task, declaration: Declaration | undefined, result: number): boolean {
  if (result === NO_RESULT) return false
  setResult(k.cpu, result)
  if (k.definedness) defineRegisters(k.cpu.view, (1 << REG.rax) | (1 << REG.rcx) | (1 << REG.r11))
  if (k.syscallObservers.length !== 0 && declaration !== undefined) {
    const args = decodeArgs(declaration, k.cpu)
    enter(k, t, declaration, args)
    leave(k, t, declaration, args, result)
  }
  return true
}

/** Completes the call of a task whose wait has an outcome; false when it waits on. */
export function resumeCall(k: Kernel, t: Task): boolean {
  const wait = t.wait!
  const declaration = table[wait.nr]!
  const result = declaration.handler(k, t, wait.args)
  if (result === BLOCKED) {
    sleep(k, t)
    return false
  }
  finish(k, t, declaration, wait.args, result)
  return true
}

/**
 * Ends the call of a waiting task because `action`'s handler is about to run: with what the handler of the call has to say, with what was done so far,
 * by making it again afterwards (SA_RESTART), or with EINTR.
 */
export function interruptCall(k: Kernel, t: Task, action: SignalAction): void {
  const wait = t.wait!
  const declaration = table[wait.nr]!
  const result = declaration.handler(k, t, wait.args)
  if (result !== BLOCKED) return finish(k, t, declaration, wait.args, result)
  if (wait.progress > 0) return finish(k, t, declaration, wait.args, wait.progress)
  if (wait.restart !== 'restart' || !(action.flags & SA.restart))
    return finish(k, t, declaration, wait.args, -ERRNO.EINTR)
  t.wait = null
  k.cpu.rip -= BigInt(SYSCALL_LENGTH)
  setResult(k.cpu, wait.nr)
  if (k.syscallObservers.length !== 0) leave(k, t, declaration, wait.args, RESTART_SYS)
}

function finish(k: Kernel, t: Task, declaration: Declaration, args: number[], result: number): void {
  t.wait = null
  if (result !== NO_RESULT) setResult(k.cpu, result)
  if (k.heapObservers.length !== 0 && k.heap !== null) tellResult(k, t, declaration, args, result)
  if (k.syscallObservers.length !== 0) leave(k, t, declaration, args, result === NO_RESULT ? null : result)
}

/** Lets the heap look at the memory that the call makes the kernel read, or, once there is a result, has made it write, or would have if it had not failed. */
function tellPassed(k: Kernel, t: Task, declaration: Declaration, args: number[], result: number | null): void {
  const call: CallView = { k, t, space: k.space(t), args, result: result !== null && result < 0 ? null : result }
  const { name } = declaration
  if (result === null) {
    k.heap!.passed(k, t, name, readSet(declaration, call), false)
    k.heap!.passed(k, t, name, offerSet(declaration, call), true)
  } else {
    // What was offered has been looked at.
    const rest = declaration.args.flatMap(([, type], i) =>
      args[i] === 0 || type.offers !== undefined ? [] : (type.writes?.(args[i]!, call) ?? []),
    )
    k.heap!.passed(k, t, name, rest, true)
  }
}

function tellResult(k: Kernel, t: Task, declaration: Declaration, args: number[], result: number): void {
  if (result === -ERRNO.EFAULT) tellFault(k, t, declaration, args)
  else if (result !== NO_RESULT) tellPassed(k, t, declaration, args, result)
}

/** Tells which of a call's addresses the kernel could not access, as far as the declaration says what they are. */
function tellFault(k: Kernel, t: Task, declaration: Declaration, args: number[]): void {
  const call: CallView = { k, t, space: k.space(t), args, result: null }
  const bad = [false, true].flatMap((store) =>
    declaration.args.flatMap(([, type], i) => {
      const ranges = type[store ? 'writes' : 'reads']
      if (ranges === undefined) return []
      const start = args[i]!
      return [{ start, length: 1 }, ...(start === 0 ? [] : ranges(start, call))].flatMap(({ start, length }) => {
        const room = call.space.accessible(start, length, store ? ATTRIBUTE.noWrite : ATTRIBUTE.noRead)
        return room < length ? [{ address: start + room, store }] : []
      })
    }),
  )
  // A null pointer may be one that stands for nothing.
  const first = bad.find(({ address }) => address !== 0) ?? bad[0]
  if (first !== undefined) k.heap!.faulted(k, t, declaration.name, first.address, first.store)
}

function setResult(cpu: CpuState, result: number): void {
  cpu.view.setInt32(0, result, true)
  cpu.view.setInt32(4, Math.floor(result / 0x1_0000_0000), true)
}

/** The call that a waiting task is in, as strace shows it. */
export function waitText(k: Kernel, t: Task): string {
  const wait = t.wait
  if (wait === null) return 'not in a call'
  const declaration = table[wait.nr]!
  const call: CallView = { k, t, space: k.space(t), args: wait.args, result: null }
  return straceLine(declaration, call, null).replace(/ *= \?$/, '')
}

function unknownCall(k: Kernel, t: Task, nr: number): boolean {
  setResult(k.cpu, -ERRNO.ENOSYS)
  if (k.definedness) defineRegisters(k.cpu.view, (1 << REG.rax) | (1 << REG.rcx) | (1 << REG.r11))
  const args = rawArgs(k.cpu)
  const name = syscallName(nr)
  const call = `${name}(${args.map((value) => `0x${value.toString(16)}`).join(', ')})`
  k.noteUnanswered(t, call, 'ENOSYS', nr)
  const text = (): string => padded(call, errorText(ERRNO.ENOSYS))
  const task = k.info(t)
  const touched = (): [] => []
  const event: SyscallEvent = { task, moment: k.state.count, nr, name, args, result: -ERRNO.ENOSYS, text, touched }
  for (const observer of k.syscallObservers) observer.syscall!(event, k)
  return true
}

function enter(k: Kernel, t: Task, declaration: Declaration, args: number[]): void {
  const call: CallView = { k, t, space: k.space(t), args, result: null }
  k.entered.set(t.tid, { moment: k.state.count, args: rawArgs(k.cpu), text: entryText(declaration, call) })
}

function leave(
  k: Kernel,
  t: Task,
  declaration: Declaration,
  args: number[],
  result: number | null,
  space = k.space(t),
): void {
  const entered = k.entered.get(t.tid)
  k.entered.delete(t.tid)
  const call: CallView = { k, t, space, args, result }
  const event: SyscallEvent = {
    task: k.info(t),
    moment: entered?.moment ?? k.state.count,
    nr: declaration.nr,
    name: declaration.name,
    args: entered?.args ?? rawArgs(k.cpu),
    result,
    text: () => straceLine(declaration, call, entered?.text ?? null),
    touched: (written) => (written ? writeSet(declaration, call) : readSet(declaration, call)),
  }
  for (const observer of k.syscallObservers) observer.syscall!(event, k)
}
