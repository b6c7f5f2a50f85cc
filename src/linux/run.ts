/** Exists to be the outer loop of a machine: whose turn it is, for how many instructions, and what happens when a turn stops. */
import { LemmingError } from '../base/errors.ts'
import { CpuState } from '../engine/cpu-state.ts'
import { memoryRead } from '../engine/operand.ts'
import type { Stop } from '../engine/processor.ts'
import { useStrings } from '../engine/string-words.ts'
import { EXIT } from '../ir/exits.ts'
import { REG, registers, STATE } from '../ir/registers.ts'
import { countAt, jumpTo, monotonicNs } from './clock.ts'
import { interruptCall, resumeCall, waitText } from './dispatch.ts'
import { raise } from './faults.ts'
import { publishStores } from './fs/mapping.ts'
import type { Kernel } from './kernel.ts'
import { losePower, powerLeft } from './power/loss.ts'
import { redraw } from './power/pending.ts'
import { startStrategy } from './scheduler/strategies.ts'
import { enterHandler, nextHandled } from './delivery.ts'
import { isPending, setSignalMask } from './signals.ts'
import { signalName } from './signal-names.ts'
import type { Process, Task, TimedEvent } from './state.ts'
import { isAlive, wake } from './tasks.ts'
import { idleAtTerminal, pollTerminal } from './tty/host.ts'
import { lookAfter } from './uring/work.ts'
import { cpuTimersLeft, expireCpuTimers, expireTimer } from './timers.ts'

/** Longest stretch that the processor is asked for at once: its fuel is a signed 32-bit number. */
const LONGEST_RUN = 0x4000_0000

/** The number of rip among the registers that a branch sets. */
const RIP = 16

/**
 * Runs until `limit` instructions have been executed since the machine was made, or until it ends. Where the limit falls changes nothing about
 * the execution: every decision depends on the state alone. On return all registers are in the tasks' saved states, also when this throws.
 */
export function advance(k: Kernel, limit: number): void {
  k.halted = false
  try {
    loop(k, limit)
  } finally {
    unload(k)
  }
}

function loop(k: Kernel, limit: number): void {
  const state = k.state
  const turn = state.turn
  while (state.ended === null && state.count < limit && !k.halted && !isGoalReached(k)) {
    k.attention = false
    const branch = state.branches?.[0]
    if (branch !== undefined && branch.moment <= state.count) {
      takeBranch(k)
      continue
    }
    if (powerLeft(k) <= 0) {
      losePower(k)
      continue
    }
    const first = state.events[0]
    if (first !== undefined && first.at <= monotonicNs(state)) {
      state.events.shift()
      happen(k, first)
      continue
    }
    if (state.fs.tty.nextPoll <= state.count) pollTerminal(k, 0)
    let t = turn.tid === 0 ? undefined : state.tasks.get(turn.tid)
    const over = turn.left <= 0 || turn.at !== null || turn.woken
    if (t === undefined || t.runIndex < 0 || over || (turn.left === Infinity && state.runnable.length > 1)) {
      if (state.runnable.length === 0) {
        if (idleAtTerminal(k, first === undefined ? null : first.at - monotonicNs(state))) continue
        if (first === undefined) return deadlock(k)
        jumpTo(state, first.at)
        continue
      }
      const yielded = turn.yielded || turn.paused
      const before = turn.tid
      k.strategy.pick(state.strategy, state.runnable, turn, yielded, state.count)
      if (turn.split) {
        turn.split = false
        beginModify(k, state.tasks.get(before)!)
      }
      turn.yielded = turn.paused = turn.woken = false
      turn.at = null
      t = state.tasks.get(turn.tid)!
    }
    if (k.current !== t) load(k, t)
    if ((t.interrupted || t.wait !== null || t.savedMask !== null) && !settle(k, t)) continue

    let budget = Math.min(turn.left, limit - state.count, LONGEST_RUN, state.fs.tty.nextPoll - state.count)
    if (first !== undefined) budget = Math.min(budget, countAt(state, first.at) - state.count)
    const process = k.process(t)
    budget = Math.min(budget, cpuTimersLeft(k, process, t))
    if (branch !== undefined) budget = Math.min(budget, branch.moment - state.count)
    budget = Math.min(budget, powerLeft(k))
    if (k.goal?.tid === t.tid) budget = Math.min(budget, k.goal.count - t.count)
    const memory = k.memory(t)
    const { brief } = memory
    if (brief) budget = Math.min(budget, 1)
    k.running = process
    k.countBefore = state.count
    k.taskCountBefore = t.count
    k.processCountBefore = process.count
    const counted = k.strategy.points === true && process.tids.length > 1
    k.points = counted ? turn.points : -1
    k.paused = turn.paused
    k.accesses = k.sharedObservers.length > 0 && hasThreads(k, process) ? k.tellShared : null
    if (t.loaded !== null) endModify(k, t)
    useStrings(memory.space, k.traps === null && k.libraryCalls === null)
    const stop = k.processor.run(memory.space, budget, k)
    k.account(t, stop.executed)
    // Who gave its turn away has nothing left of it, however long it had been running.
    turn.left = turn.yielded ? 0 : turn.left - stop.executed
    if (brief) memory.settle()
    if (counted) countPoints(k, t, stop)
    if (stop.reason !== EXIT.fuel && stop.reason !== EXIT.unwind && stop.reason !== EXIT.point) raise(k, t, stop.reason)
    expireCpuTimers(k, process, t)
  }
}

/**
 * The task is to stand between the load and the store of its next instruction. An instruction is executed as a whole, so what it loads is kept, and is put
 * where it loads it from right before it is executed: what others have stored there meanwhile is lost, as it is on a real machine.
 */
function beginModify(k: Kernel, t: Task): void {
  const { space } = k.memory(t)
  const cpu = new CpuState(k.registers(t))
  const read = memoryRead(space, cpu)
  const bytes = read === null ? null : space.read(read.address, read.size)
  if (bytes !== null) t.loaded = { pc: Number(cpu.rip), address: read!.address, bytes: [...bytes] }
}

/** The task goes on with the instruction that it has begun, unless a signal has taken it elsewhere: then that one is executed anew. */
function endModify(k: Kernel, t: Task): void {
  const { pc, address, bytes } = t.loaded!
  t.loaded = null
  if (Number(k.cpu.rip) === pc) k.memory(t).space.write(address, Uint8Array.from(bytes))
}

/** Has the process several threads, or has it had them? What the last one does may be unordered with what others did. */
function hasThreads(k: Kernel, process: Process): boolean {
  if (process.tids.length > 1) k.threaded.add(process.pid)
  return k.threaded.has(process.pid)
}

/** Takes note of the points that the processor has passed, and of the one at which it stopped. */
function countPoints(k: Kernel, t: Task, stop: Stop): void {
  const { turn, passed } = k.state
  turn.points = k.points
  turn.paused = k.paused
  passed.points += k.passed
  passed.instructions += stop.executed
  if (stop.reason !== EXIT.point) return
  const pc = k.cpu.ripNumber
  turn.at = { ...stop.point!, pc, quiet: k.space(t).isQuiet(pc) }
}

/** The schedule goes on with another seed: whoever has the turn loses it. Memory and registers are changed first. */
function takeBranch(k: Kernel): void {
  const { state } = k
  const { seed, set = [] } = state.branches!.shift()!
  for (const change of set) {
    if ('pid' in change) {
      const process = state.processes.get(change.pid)
      if (process !== undefined)
        k.memories.get(process.spaceId)?.space.poke(change.address, Uint8Array.from(change.bytes))
      continue
    }
    const task = state.tasks.get(change.tid)
    if (task === undefined) continue
    const cpu = new CpuState(k.registers(task))
    if (change.register === RIP) cpu.rip = BigInt(change.value)
    else if (change.register >= REG.xmm0) {
      const at = registers[change.register]!.offset
      cpu.view.setBigUint64(at, BigInt.asUintN(64, BigInt(change.value)), true)
      cpu.view.setBigUint64(at + 8, BigInt(change.value) >> 64n, true)
    } else cpu.setGpr(change.register, BigInt(change.value))
  }
  if (seed === null) return
  redraw(state.fs.disk, seed)
  state.strategy = startStrategy(state.strategy.name, seed)
  state.turn.left = 0
}

function isGoalReached({ goal, state }: Kernel): boolean {
  return goal !== null && (state.tasks.get(goal.tid)?.count ?? 0) >= goal.count
}

/** Puts a task's registers where the processor finds them, and the previous task's away. */
function load(k: Kernel, t: Task): void {
  const memory = k.memory(t)
  if (k.current !== null) k.current.cpu.set(k.cpu.bytes)
  if (k.loaded !== null && k.loaded !== memory) publishStores(k, k.loaded)
  k.current = t
  k.loaded = memory
  k.cpu = memory.cpu
  k.cpu.bytes.set(t.cpu)
  k.cpu.view.setUint32(STATE.processor, t.cpuNumber, true)
  const turn = k.state.turn
  if (turn.last === t.tid) return
  const from = k.state.tasks.get(turn.last)
  turn.last = t.tid
  if (k.observers.length === 0) return
  for (const observer of k.observers) observer.taskSwitch?.(from === undefined ? null : k.info(from), k.info(t), k)
}

function unload(k: Kernel): void {
  if (k.current !== null) k.current.cpu.set(k.cpu.bytes)
  if (k.loaded !== null) publishStores(k, k.loaded)
  k.current = null
  k.loaded = null
}

/**
 * Brings a task that has the turn to where it can execute instructions: takes its signals and completes the call it waited in.
 * False when it cannot: it waits on, or has ended.
 */
function settle(k: Kernel, t: Task): boolean {
  // A signal that the call itself waits for is its result, blocked or not, and no handler's.
  const accepted = t.wait?.signals
  if (accepted !== undefined && isPending(k.process(t), t, accepted) && !resumeCall(k, t)) return false
  if (t.wait !== null) {
    const handled = t.interrupted ? nextHandled(k, t) : null
    if (!isGoingOn(k, t)) return false
    if (handled === null) {
      if (t.wait.outcome === 'signal') t.wait.outcome = null
      if (!resumeCall(k, t)) return false
    } else {
      interruptCall(k, t, handled.action)
      enterHandler(k, t, handled.info, handled.action)
    }
  }
  while (t.interrupted) {
    const handled = nextHandled(k, t)
    if (!isGoingOn(k, t)) return false
    if (handled !== null) enterHandler(k, t, handled.info, handled.action)
  }
  if (t.savedMask !== null) {
    // The call with the temporary mask is over, and no handler has taken the old mask into its frame.
    const mask = t.savedMask
    t.savedMask = null
    setSignalMask(k, t, mask)
    if (t.interrupted) return settle(k, t)
  }
  return k.state.ended === null && t.runIndex >= 0
}

/** Whether the signal that was just taken has left the task as one that can run: it has not ended and is not stopped. */
function isGoingOn(k: Kernel, t: Task): boolean {
  return k.state.ended === null && isAlive(k.state, t) && t.runIndex >= 0
}

function happen(k: Kernel, event: TimedEvent): void {
  if (event.kind === 'ring') return lookAfter(k, event.id, event.timer)
  if (event.kind !== 'wait') return expireTimer(k, event)
  const t = k.state.tasks.get(event.id)
  if (t !== undefined) wake(k, t, 'timeout')
}

/** Everybody waits for somebody: the run is over. */
function deadlock(k: Kernel): void {
  const waiting = [...k.state.tasks.values()].map((t) => {
    const { stopSignal } = k.process(t)
    return { tid: t.tid, text: stopSignal === 0 ? waitText(k, t) : `stopped by ${signalName(stopSignal)}` }
  })
  if (waiting.length === 0)
    throw new LemmingError('internal', 'internal error: no task is left and the run has not ended')
  k.state.ended = { kind: 'deadlock', waiting }
}
