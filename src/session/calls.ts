/** Exists to execute functions of the program for expressions: in a clone of the machine, since the run has happened and stays as it is. */
import { LemmingError } from '../base/errors.ts'
import type { Timeline } from '../replay/timeline.ts'
import type { TaskView } from '../replay/subject.ts'
import { type Call, integerRegisterCount, type Returned } from '../symbols/expressions/calls.ts'
import type { Change } from './protocol.ts'

const RAX = 0
const RSP = 4
const RIP = 16
/** rdi, rsi, rdx, rcx, r8, r9: System V ABI, 3.2.3. */
const ARGUMENTS = [7, 6, 2, 1, 8, 9]
const XMM0 = 32
/** Below the stack pointer a function without calls may keep this many bytes. */
const RED_ZONE = 128
/** Instructions after which a function is given up. */
const MOST = 200_000_000
/** AT_ENTRY: the program's first instruction, which nothing executes again, is where functions return to. */
const AT_ENTRY = 9
const PAGE = 4096

const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

/**
 * Calls a function in the thread `task`, as it stands, in a clone. `wrote` gets what the program writes meanwhile. Throws `expression-call` where it does not return.
 */
export function callInClone(
  timeline: Timeline,
  task: TaskView,
  call: Call,
  wrote: (bytes: Uint8Array) => void,
): Returned {
  const { pid, tid } = task
  const { subject } = timeline
  const back = subject.details(pid)?.auxv.find(([type]) => type === AT_ENTRY)?.[1]
  const trouble = (what: string, next = 'the run is as it was'): LemmingError =>
    new LemmingError('expression-call', `the function did not return in its clone: ${what}`, next)
  if (back === undefined) throw trouble('the program has no entry point')
  if (task.waiting !== null)
    throw trouble(`thread ${tid} waits in ${task.waiting}`, 'info threads shows threads that could run')
  const set: Change[] = []
  const integers = [...call.integers]
  let top = Number(task.registers[RSP]!) - RED_ZONE
  for (const { at, bytes } of call.literals) {
    top -= bytes.length
    set.push({ pid, address: top, bytes: [...bytes] })
    integers[at] = BigInt(top)
  }
  const onStack = integers.slice(integerRegisterCount)
  const words = [BigInt(back), ...onStack]
  // At the function's first instruction the stack is 8 bytes off a multiple of 16.
  const rsp = Math.floor((top - 8 * onStack.length) / 16) * 16 - 8
  const stack = new Uint8Array(BigUint64Array.from(words).buffer)
  set.push({ pid, address: rsp, bytes: [...stack] })
  const register = (number: number, value: bigint): void => {
    set.push({ tid, register: number, value: `0x${BigInt.asUintN(128, value).toString(16)}` })
  }
  ARGUMENTS.forEach((number, i) => register(number, integers[i] ?? 0n))
  call.floats.forEach((bytes, i) => register(XMM0 + i, numberOf(bytes)))
  register(RAX, BigInt(call.floats.length))
  register(RSP, BigInt(rsp))
  register(RIP, BigInt(call.address))

  const until = {
    stops: new Set([back]),
    accept: (hit: { tid: number }) => hit.tid === tid,
  }
  const look = (error: string | null, found: unknown): Returned => {
    const now = subject.tasks().find((one) => one.tid === tid)
    if (error !== null) throw trouble(error)
    if (found === null || now === undefined) {
      const ending = subject.ending()
      const text = { exit: 'the program exited', deadlock: 'every thread waits for ever' } as Record<string, string>
      throw trouble(
        ending === null
          ? `it has executed ${MOST} instructions`
          : ending.kind === 'signal'
            ? `${ending.name} (${ending.codeName}) at ${ending.address}`
            : (text[ending.kind] ?? ending.kind),
      )
    }
    const rax = now.registers[RAX]!
    const xmm0 = subject.floatingPoint(tid)!.slice(160, 176)
    return { rax, xmm0, memory: around(rax) }
  }
  /** What is readable from an address on, up to the end of the next page. */
  const around = (value: bigint): Returned['memory'] => {
    if (value < BigInt(PAGE) || value >= 1n << 47n) return null
    const address = Number(value)
    const rest = PAGE - (address % PAGE)
    const bytes = subject.read(pid, address, rest + PAGE) ?? subject.read(pid, address, rest)
    return bytes === null ? null : { address, bytes }
  }
  return timeline.branch(null, timeline.moment + MOST, look, set, until, wrote)
}
