/** Exists to say what happened at the end of a run: the ending as a finding, with the stacks of all threads. Apart from the session itself, since most runs end well and need no symbols. */
import { LemmingError } from '../base/errors.ts'
import type { RunEnding } from '../replay/recording.ts'
import type { ReportWorld } from '../replay/recording-world.ts'
import type { ChildCrash, Subject, TaskView } from '../replay/subject.ts'
import { whatIsMissing, type Finding, type MemoryReport, type ThreadState } from '../tool/finding.ts'
import { explainAddress, type Access } from './address.ts'
import { memoryOf, wantRemovals } from './fault-findings.ts'
import { Removals } from './removals.ts'
import type { Session } from './session.ts'
import { hex, Namer, type Inflate } from './stacks.ts'
import { deadlockText, explainHang, explainWait } from './waits.ts'
import { Visits } from './visits.ts'

const NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'rip',
]

const RIP = 16

/** Threads beyond this many are counted and not shown. */
const THREADS_SHOWN = 64

/**
 * What went wrong in a run that has ended: null for a program that exited with 0. `start` makes the run's machine again, to find out who has unmapped what the
 * program wanted.
 */
export function describeEnding(session: Session, inflate: Inflate, start: () => Subject): Finding | null {
  const { subject, world, inputs } = session
  const ending = session.runToEnd()
  if (ending.kind === 'exit' && ending.code === 0) return null
  const loss = subject.powerLoss()
  const what = `${loss === null ? '' : AFTER_LOSS}${whatHappened(ending)}`
  const finding: Finding = {
    kind: kindOf(ending),
    what,
    moment: subject.count,
    seed: inputs.seed,
    others: [],
    remarks: [],
  }
  for (const { text, answer, times } of subject.unknownCalls()) {
    const often = times === 1 ? 'once' : `${times} times`
    finding.remarks.push(`${whatIsMissing(answer)}, called ${often}, answered with ${answer}: ${text}`)
  }
  if (ending.kind === 'exit') return finding

  tellThreads(finding, ending, subject, world, inflate)
  if (ending.kind === 'time-limit' || ending.kind === 'instruction-limit')
    Object.assign(finding, explainHang(start, subject, finding))
  if (finding.memory?.kind === 'hole') finding.memory = withRemoval(finding, start, world, inflate)
  if (finding.memory !== undefined)
    finding.what = `${loss === null ? '' : AFTER_LOSS}${whatHappened(ending, finding.memory)}`
  return finding
}

/** What stands before how a run ended that had lost power. */
const AFTER_LOSS = 'after a loss of power '

/** What a crash says of its address, with who unmapped what was there. */
function withRemoval(
  { memory, moment, thread }: Finding,
  start: () => Subject,
  world: ReportWorld,
  inflate: Inflate,
): Finding['memory'] {
  const { pid, tid, name } = thread!
  const removals = new Removals([{ task: { pid, tid, name }, address: BigInt(memory!.address), moment }])
  const watched = start()
  watched.addObserver(removals)
  watched.advance(moment)
  watched.release()
  const [removal] = removals.found()
  if (removal === undefined || removal === null) return memory
  const subject = start()
  const visits = new Visits(world, inflate)
  wantRemovals([removal], visits)
  visits.run(subject)
  subject.release()
  return memoryOf(memory, removal, visits)
}

/** A crash of a process other than the first; `subject` is the run at the crash's moment. */
export function describeCrash(
  { moment, process, ending }: ChildCrash,
  subject: Subject,
  world: ReportWorld,
  seed: number,
  inflate: Inflate,
): Finding {
  const who = `process ${process.pid} (${process.argv.join(' ')})`
  const what = `${who}: ${whatHappened(ending)}`
  const finding: Finding = { kind: 'crash', what, moment, seed, others: [], remarks: [] }
  tellThreads(finding, ending, subject, world, inflate)
  if (finding.memory !== undefined) finding.what = `${who}: ${whatHappened(ending, finding.memory)}`
  finding.process = { pid: process.pid, command: process.argv }
  finding.remarks.push('the run went on: the first process did not end by this')
  return finding
}

/** Adds who it happened to, where, and what the others were doing. */
function tellThreads(
  finding: Finding,
  ending: RunEnding,
  subject: Subject,
  world: ReportWorld,
  inflate: Inflate,
): void {
  const namers = new Map<number, Namer>()
  const namer = (pid: number): Namer => {
    let found = namers.get(pid)
    if (found === undefined) namers.set(pid, (found = new Namer(subject, pid, world, inflate)))
    return found
  }
  const thread = (task: TaskView): ThreadState => {
    const state = namer(task.pid).thread(task)
    const waitsFor = explainWait(subject, namer(task.pid), task, state)
    return waitsFor === undefined ? state : { ...state, waitsFor }
  }
  const tasks = subject.tasks()
  const guilty = ending.kind === 'signal' ? tasks.find(({ tid }) => tid === ending.tid) : undefined
  if (ending.kind === 'signal') {
    const { name, code, codeName, address, sent } = ending
    finding.signal = { number: ending.signal, name, code, codeName, address, sent }
  }
  const processes = subject.processes()
  const process = processes.length > 1 ? processes.find(({ pid }) => pid === guilty?.pid) : undefined
  if (process !== undefined) finding.process = { pid: process.pid, command: process.argv }
  if (guilty !== undefined) {
    finding.thread = thread(guilty)
    finding.registers = registersOf(guilty)
    const memory = faultOf(finding.signal!, guilty)
    if (memory !== null) finding.memory = explainAddress(subject, namer(guilty.pid), memory)
    finding.source = namer(guilty.pid).sources.excerpt(finding.thread.stack.frames)
  }
  const others = tasks.filter((task) => task !== guilty)
  finding.others = others.slice(0, THREADS_SHOWN).map(thread)
  if (others.length > THREADS_SHOWN) finding.remarks.push(`${others.length - THREADS_SHOWN} more threads are not shown`)
  for (const one of namers.values()) finding.remarks.push(...one.problems())
  if (ending.kind === 'deadlock') finding.what = deadlockText(finding.others)
}

/** The access behind a signal that an instruction raised; null for other signals. Whether it read or wrote, the signal does not say. */
function faultOf(
  { name, codeName, address, sent }: NonNullable<Finding['signal']>,
  { pid, tid, registers }: TaskView,
): Access | null {
  if (sent || (name !== 'SIGSEGV' && name !== 'SIGBUS')) return null
  if (codeName === 'BUS_ADRALN') return null
  const at = BigInt(address)
  const access = codeName === 'SI_KERNEL' ? 'unknown' : at === registers[RIP] ? 'execute' : 'read'
  return { pid, tid, address: at, access, bus: name === 'SIGBUS' }
}

/** The error that stopped a run, with the place in the program at which it was: function, line, moment. */
export function located(error: LemmingError, { subject, world, inputs }: Session, inflate: Inflate): LemmingError {
  const task = subject.tasks().find(({ tid }) => tid === subject.currentTid)
  if (task === undefined) return error
  const [place] = new Namer(subject, task.pid, world, inflate).places(Number(task.registers[16]!))
  const offset = place?.offset === undefined ? '' : `+${hex(place.offset)}`
  const line = place?.file === undefined ? '' : ` (${place.file}:${place.line ?? '?'})`
  const where = place?.function === undefined ? '' : `, in ${place.function}${offset}${line}`
  return new LemmingError(
    error.code,
    `${error.message}${where}, at @${subject.count} of seed ${inputs.seed}`,
    error.next,
  )
}

function kindOf(ending: RunEnding): string {
  return ending.kind === 'signal' ? 'crash' : ending.kind
}

function registersOf(task: TaskView): Record<string, string> {
  const registers: Record<string, string> = {}
  task.registers.forEach((value, i) => (registers[NAMES[i]!] = digits(value)))
  registers.eflags = digits(BigInt(task.flags))
  registers.fs_base = digits(task.fsBase)
  return registers
}

function digits(value: bigint): string {
  return value.toString(16).padStart(16, '0')
}

/** What si_code says, in words, by its name. */
const MEANINGS: Record<string, string> = {
  SEGV_MAPERR: 'nothing is mapped there',
  SEGV_ACCERR: 'the page does not allow this access',
  BUS_ADRALN: 'the operand is misaligned',
  BUS_ADRERR: 'the mapped file does not reach that far',
  FPE_INTDIV: 'integer division by zero, or its quotient is too large',
  FPE_FLTDIV: 'floating-point division by zero',
  FPE_FLTOVF: 'floating-point overflow',
  FPE_FLTUND: 'floating-point underflow',
  FPE_FLTRES: 'floating-point result is inexact',
  FPE_FLTINV: 'invalid floating-point operation',
  ILL_ILLOPC: 'the processor knows no such instruction',
  ILL_ILLOPN: 'the processor knows no such instruction',
  TRAP_BRKPT: 'a breakpoint',
  TRAP_TRACE: 'a trace trap',
}

/** The ending in one line; `memory` knows more of an address than the signal. */
function whatHappened(ending: RunEnding, memory?: MemoryReport): string {
  switch (ending.kind) {
    case 'exit':
      return `the program exited with code ${ending.code}`
    case 'deadlock':
      return 'every thread waits, and nothing is left that could wake any of them'
    case 'instruction-limit':
      return `the program had not ended after ${ending.limit} instructions`
    case 'time-limit':
      return `the program had not ended after ${ending.limit / 1e9} s of its own time`
    case 'signal': {
      const { name, codeName, address, sent } = ending
      if (memory !== undefined)
        return `${name}${codeName === 'SI_KERNEL' ? '' : ` at address ${address}`}: ${memory.what} (${codeName})`
      if (sent) return `${name}: the program sent it to itself (${codeName})`
      if (codeName === 'SI_KERNEL') {
        const why =
          name === 'SIGTRAP'
            ? 'a breakpoint instruction'
            : 'a non-canonical address, a misaligned operand or a privileged instruction'
        return `${name}: ${why} (${codeName})`
      }
      const meaning = MEANINGS[codeName]
      return `${name} at address ${address}${meaning === undefined ? '' : `: ${meaning}`} (${codeName})`
    }
  }
}
