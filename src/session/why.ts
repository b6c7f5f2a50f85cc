/** Exists to follow a value back through a run: which instruction put it there, from where it had it, who stored it there before, until a constant, a call of the kernel's or a computation. */
import { LemmingError } from '../base/errors.ts'
import type { TaskView } from '../replay/subject.ts'
import type { Timeline } from '../replay/timeline.ts'
import { DECODED, Decoder } from '../x86/decode.ts'
import { disassemble } from '../x86/disassemble.ts'
import { BASELINE } from '../x86/features.ts'
import { Insn } from '../x86/insn.ts'
import { KIND, type Operand } from '../x86/table/operands.ts'
import type { WhyStep } from './protocol.ts'
import { hex, type Namer } from './stacks.ts'
import { variableAt } from './variables.ts'

/** Steps of a chain; a longer one helps nobody. */
const MOST = 24
/** Instructions of a thread that are looked through for the one that wrote a register, the nearest first. */
const SPANS = [64, 2_000, 30_000]
const LONGEST = 15
const [RSP, RBP, RSI, RDI, RIP] = [4, 5, 6, 7, 16]
const RT_SIGRETURN = 15n
/** Where the registers are in a ucontext, in bytes, and in which order (asm/sigcontext.h). */
const GREGS = 40
const FRAME = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4, 16]
/** Numbers of vector registers begin here. */
const VECTOR = 32

/** Instructions that copy their source. */
const COPIES =
  /^(MOV|MOVZX|MOVSX|MOVSXD|MOVD|MOVQ|MOVAPS|MOVUPS|MOVDQA|MOVDQU|MOVAPD|MOVUPD|MOVSS|MOVSD|MOVLPS|MOVHPS|MOVLPD|MOVHPD|XCHG|CMPXCHG|CMOV\w+|LDDQU)$/
/** Instructions whose first operand is only read. */
const READS = /^(CMP|TEST|PUSH|JMP|CALL|BT|UCOMIS\w|COMIS\w|NOP|PREFETCH\w*|MUL|DIV|IDIV|CMPXCHG)$/

/** What is followed. */
type Want =
  | { kind: 'memory'; pid: number; address: number; size: number; moment: number }
  | { kind: 'register'; tid: number; register: number; moment: number }

/** Where a chain begins. */
export type Start = Want | { kind: 'fault'; tid: number; what?: string }

/** An instruction as it is about to be executed. */
interface About {
  insn: Insn
  task: TaskView
  moment: number
}

export class Why {
  private readonly timeline: Timeline
  private readonly namerOf: (pid: number) => Namer
  private readonly decoder = new Decoder(BASELINE)
  private readonly steps: WhyStep[] = []

  constructor(timeline: Timeline, namerOf: (pid: number) => Namer) {
    this.timeline = timeline
    this.namerOf = namerOf
  }

  /** The chain from a value back; the timeline is then where it was. */
  chain(start: Start): WhyStep[] {
    const here = this.timeline.moment
    let want = start.kind === 'fault' ? this.fault(start.tid, start.what) : start
    while (want !== null && this.steps.length < MOST) want = this.follow(want)
    if (want !== null) this.tell('origin', this.steps.at(-1)?.tid ?? 0, `it goes on beyond ${MOST} steps`, null, null)
    this.timeline.seek(here)
    return this.steps
  }

  private task(tid: number): TaskView | undefined {
    return this.timeline.subject.tasks().find((one) => one.tid === tid)
  }

  /** The instruction that a thread is about to execute. */
  private about(tid: number): About | null {
    const task = this.task(tid)
    if (task === undefined) return null
    const { subject, moment } = this.timeline
    const pc = Number(task.registers[RIP]!)
    let bytes: Uint8Array | null = null
    for (let length = LONGEST; bytes === null && length > 0; length--) bytes = subject.read(task.pid, pc, length)
    const insn = new Insn()
    if (bytes === null || this.decoder.decode(bytes, 0, bytes.length, pc, insn) !== DECODED.ok) return null
    return { insn, task, moment }
  }

  private tell(kind: WhyStep['kind'], tid: number, what: string, value: string | null, about: About | null): void {
    const task = about?.task ?? this.task(tid)
    const namer = task && this.namerOf(task.pid)
    const [place] = task === undefined ? [] : namer!.places(Number(task.registers[RIP]!))
    const { file, line } = place ?? {}
    this.steps.push({
      kind,
      moment: about?.moment ?? this.timeline.moment,
      pid: task?.pid ?? 0,
      tid,
      what,
      value,
      place: place ?? { address: '0x0' },
      text: file === undefined ? null : (namer!.sources.line(file, line) ?? null),
      instruction: about === null ? null : disassemble(about.insn),
    })
  }

  /** An address, by the variable that is there if one is known. */
  private named(address: number, task: TaskView): string {
    const namer = this.namerOf(task.pid)
    const [place] = namer.places(address)
    if (place?.function !== undefined)
      return `${place.function}${place.offset ? `+${place.offset}` : ''} (${hex(address)})`
    const frame = namer.frameAt(task, address)
    const { subject } = this.timeline
    const name = frame === null ? null : variableAt(namer.symbolizer, subject, task, frame.index, address)
    return name === null ? hex(address) : `${name} (${hex(address)})`
  }

  /** The access that failed: the register that led there is followed. */
  private fault(tid: number, found?: string): Want | null {
    const { timeline } = this
    const { ending } = timeline.end
    const task = this.task(tid)
    if (task === undefined) throw new LemmingError('expression-thread', `there is no thread ${tid} at this moment`)
    const about = this.about(tid)
    const what =
      found ?? (ending.kind === 'signal' ? `${ending.name} (${ending.codeName}) at ${ending.address}` : 'the run ends')
    if (about === null) {
      // It went where nothing is: what a return took from the stack, if it was one.
      const stack = Number(task.registers[RSP]!)
      this.tell(
        'fault',
        tid,
        `${what}: execution went to ${hex(task.registers[RIP]!)}`,
        hex(task.registers[RIP]!),
        null,
      )
      const slot = timeline.subject.read(task.pid, stack - 8, 8)
      const isReturn = slot !== null && numberIn(slot) === Number(task.registers[RIP]!)
      return isReturn ? { kind: 'memory', pid: task.pid, address: stack - 8, size: 8, moment: timeline.moment } : null
    }
    const { insn } = about
    const registers = [insn.base, insn.index].filter((register) => register >= 0 && register < 16)
    if (!insn.memory || registers.length === 0 || (found === undefined && ending.kind === 'signal' && ending.sent)) {
      this.tell('fault', tid, what, null, about)
      return null
    }
    // An index is rarely what is wrong.
    const register = registers[0]!
    const value = hex(task.registers[register]!)
    this.tell('fault', tid, `${what}: ${nameOf(register)} is ${value}`, value, about)
    return { kind: 'register', tid, register, moment: timeline.moment }
  }

  private follow(want: Want): Want | null {
    return want.kind === 'memory' ? this.followMemory(want) : this.followRegister(want)
  }

  /** Who stored into memory last, and which register. */
  private followMemory({ pid, address, size, moment }: Extract<Want, { kind: 'memory' }>): Want | null {
    const { timeline } = this
    const traces = { pid, ranges: [{ start: address, end: address + size }], reads: false }
    const hit = timeline.last({ traces }, moment)
    if (hit === 'interrupted') throw new LemmingError('interrupted', 'interrupted')
    if (hit === null) {
      timeline.seek(Math.min(moment, 1))
      const [first] = timeline.subject.tasks()
      timeline.seek(0)
      this.tell('origin', first?.tid ?? 0, `${hex(address)} was never written: it is as it was loaded`, null, null)
      return null
    }
    timeline.seek(hit.moment)
    const about = this.about(hit.tid)
    if (hit.byKernel || about === null) {
      timeline.seek(hit.moment)
      this.tell('system-call', hit.tid, `${hex(address)} was written by the kernel`, null, about)
      return null
    }
    const { insn, task } = about
    timeline.seek(hit.moment + 1)
    const after = timeline.subject.read(pid, address, size)
    timeline.seek(hit.moment)
    const value = after === null ? null : valueOf(after)
    const { mnemonic } = insn.form.row
    const store = (what: string): void =>
      this.tell('store', hit.tid, `${what} to ${this.named(address, task)}`, value, about)
    const register = (number: number): Want => ({
      kind: 'register',
      tid: hit.tid,
      register: number,
      moment: hit.moment,
    })
    if (mnemonic === 'CALL') {
      store('a call stored its return address')
      return null
    }
    if (/^MOVS[BWDQ]?$/.test(mnemonic) && insn.form.operands.some(({ kind }) => kind === KIND.source)) {
      store('copied')
      const from = Number(task.registers[RSI]!) + address - Number(task.registers[RDI]!)
      return { kind: 'memory', pid, address: from, size, moment: hit.moment }
    }
    if (mnemonic.startsWith('STOS')) {
      store('rax stored')
      return register(0)
    }
    if (mnemonic === 'PUSH') {
      const [operand] = insn.form.operands
      const from = operand === undefined ? null : registerOf(operand, insn)
      store('pushed')
      return from === null ? null : register(from)
    }
    const [target, source] = insn.form.operands
    if (target === undefined || source === undefined || !COPIES.test(mnemonic)) {
      store('computed and stored')
      return null
    }
    if (source.kind === KIND.immediate) {
      this.tell('constant', hit.tid, `a constant stored to ${this.named(address, task)}`, value, about)
      return null
    }
    const from = registerOf(source, insn)
    store(from === null ? 'stored' : `${nameOf(from)} stored`)
    return from === null ? null : register(from)
  }

  /** Which instruction of the thread wrote a register last, and from where it had the value. */
  private followRegister({ tid, register, moment }: Extract<Want, { kind: 'register' }>): Want | null {
    const about = this.writerOf(tid, register, moment)
    if (about === null) {
      this.timeline.seek(moment)
      this.tell(
        'origin',
        tid,
        `${nameOf(register)} was written more than ${SPANS.at(-1)} instructions before`,
        null,
        null,
      )
      return null
    }
    const { insn, task } = about
    const { pid } = task
    const { mnemonic } = insn.form.row
    const [target, source] = insn.form.operands
    const then = about.moment
    const on = (number: number): Want => ({ kind: 'register', tid, register: number, moment: then })
    const load = (address: number, size: number): Want => {
      const bytes = this.timeline.subject.read(pid, address, size)
      this.tell(
        'load',
        tid,
        `${nameOf(register)} loaded from ${this.named(address, task)}`,
        bytes && valueOf(bytes),
        about,
      )
      return { kind: 'memory', pid, address, size, moment: then }
    }
    if (mnemonic === 'POP' || mnemonic === 'LEAVE')
      return load(Number(task.registers[mnemonic === 'POP' ? RSP : RBP]!), 8)
    if (mnemonic === 'SYSCALL' && task.registers[0] === RT_SIGRETURN) return this.beforeSignal(about, register)
    if (mnemonic === 'SYSCALL') {
      this.tell('system-call', tid, `${nameOf(register)} is the result of a system call`, null, about)
      return null
    }
    if (COPIES.test(mnemonic) && source !== undefined) {
      if (source.kind === KIND.immediate) {
        this.tell(
          'constant',
          tid,
          `${nameOf(register)} is a constant`,
          `0x${BigInt.asUintN(64, immediate(insn)).toString(16)}`,
          about,
        )
        return null
      }
      const read = insn.memory ? this.timeline.subject.reads(tid) : null
      if (read !== null) return load(read.address, read.size)
      const from =
        registerOf(source, insn) === register && target !== undefined
          ? registerOf(target, insn)
          : registerOf(source, insn)
      if (from !== null) return on(from)
      this.tell('computed', tid, `${nameOf(register)} computed`, null, about)
      return null
    }
    if (/^(XOR|SUB)$/.test(mnemonic) && source !== undefined && registerOf(source, insn) === register) {
      this.tell('constant', tid, `${nameOf(register)} is 0`, '0x0', about)
      return null
    }
    if (mnemonic === 'LEA') {
      this.tell('computed', tid, `${nameOf(register)} computed`, null, about)
      return insn.base >= 0 && insn.base < 16 && insn.index < 0 ? on(insn.base) : null
    }
    this.tell('computed', tid, `${nameOf(register)} computed`, null, about)
    const isOffset =
      /^(ADD|SUB|AND|OR|INC|DEC)$/.test(mnemonic) && (source === undefined || source.kind === KIND.immediate)
    return isOffset ? on(register) : null
  }

  /** A handler returns: the register is as it was when the signal came, which is when the kernel wrote the frame that it is taken from. */
  private beforeSignal({ task, moment }: About, register: number): Want | null {
    const place = FRAME.indexOf(register)
    if (place < 0) return null
    const start = Number(task.registers[RSP]!) + GREGS + 8 * place
    const traces = { pid: task.pid, ranges: [{ start, end: start + 8 }], reads: false }
    const hit = this.timeline.last({ traces }, moment)
    if (hit === null || hit === 'interrupted' || !hit.byKernel) return null
    return { kind: 'register', tid: task.tid, register, moment: hit.moment }
  }

  /** The last instruction of the thread before a moment that wrote a register; the timeline stands before it. */
  private writerOf(tid: number, register: number, moment: number): About | null {
    const { timeline } = this
    for (const span of SPANS) {
      timeline.seek(moment)
      const end = this.task(tid)?.count ?? 0
      timeline.seek(Math.max(0, moment - span))
      let found: number | null = null
      for (let task = this.task(tid); task !== undefined && task.count < end; task = this.task(tid)) {
        const about = this.about(tid)
        const at = timeline.moment
        const before = register < VECTOR ? task.registers[register]! : 0n
        if (timeline.run({ task: { tid, count: task.count + 1 } }).why !== 'task') break
        // Others may have run before it.
        const after = register < VECTOR ? this.task(tid)?.registers[register] : 0n
        if (after !== before || (about !== null && isTarget(about.insn, register)))
          found = Math.max(at, timeline.moment - 1)
      }
      if (found !== null) {
        timeline.seek(found)
        return this.about(tid)
      }
      if (moment - span <= 0) break
    }
    return null
  }
}

/** Does an instruction write a register by its first operand? */
function isTarget(insn: Insn, register: number): boolean {
  const [target] = insn.form.operands
  const { mnemonic } = insn.form.row
  if (target === undefined) return false
  if (mnemonic === 'POP') return registerOf(target, insn) === register
  return !READS.test(mnemonic) && registerOf(target, insn) === register
}

/** The register that an operand is; null for memory and others. */
function registerOf({ kind, register }: Operand, insn: Insn): number | null {
  switch (kind) {
    case KIND.reg:
      return insn.reg
    case KIND.rm:
    case KIND.rmRegister:
      return insn.memory ? null : insn.rm
    case KIND.opcode:
      return insn.rm
    case KIND.fixed:
      return register
    case KIND.xmm:
      return VECTOR + insn.reg
    case KIND.xmmRm:
    case KIND.xmmRegister:
      return insn.memory ? null : VECTOR + insn.rm
    default:
      return null
  }
}

const NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi']

function nameOf(register: number): string {
  return register >= VECTOR ? `xmm${register - VECTOR}` : (NAMES[register] ?? `r${register}`)
}

function immediate({ immLo, immHi }: Insn): bigint {
  return (BigInt(immHi) << 32n) | BigInt(immLo >>> 0)
}

function numberIn(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
}

function valueOf(bytes: Uint8Array): string {
  const digits = [...bytes].toReversed().map((byte) => byte.toString(16).padStart(2, '0'))
  return `0x${BigInt(`0x${digits.join('')}`).toString(16)}`
}
