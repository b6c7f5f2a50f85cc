/** Exists to say what is at an address that could not be accessed: from the mappings, stacks and registers of the moment at which it happened. */
import type { MappedRange, Subject, TaskView } from '../replay/subject.ts'
import type { MemoryReport } from '../tool/finding.ts'
import { hex, type Namer } from './stacks.ts'

/** What an instruction wanted of an address. */
export interface Access {
  pid: number
  tid: number
  address: bigint
  access: 'read' | 'write' | 'execute' | 'unknown'
  /** SIGBUS: a file that does not reach that far. */
  bus: boolean
}

/** Addresses up to this are said to be a null pointer and an offset: a page and a large structure or array. */
const NULL_REACH = 0x1_0000

/** What a frame of a function may take of the stack at once, in bytes; a stack pointer further below a stack is no overflow of it. */
const LARGEST_FRAME = 0x80_0000

/** How far behind an end something counts as being next to it, in bytes. */
const NEAR = 0x1_0000

const RSP = 4

const NAMES = 'rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15'.split(' ')

/** `r-x` for PROT_* bits. */
function rights(prot: number): string {
  return `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}`
}

function plural(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}

/** `8 MiB`, `132 KiB`. */
function size(bytes: number): string {
  return bytes % 0x10_0000 === 0 ? `${bytes / 0x10_0000} MiB` : `${bytes / 1024} KiB`
}

function mappingOf({ start, end, prot, name }: MappedRange): MemoryReport['mapping'] {
  return { start: hex(start), end: hex(end), rights: rights(prot), name }
}

/** What the address is; `subject` is the run at the moment of the access. */
export function explainAddress(subject: Subject, namer: Namer, access: Access): MemoryReport {
  return new Explanation(subject, namer, access).report()
}

class Explanation {
  private readonly subject: Subject
  private readonly namer: Namer
  private readonly access: Access
  private readonly mappings: MappedRange[]

  constructor(subject: Subject, namer: Namer, access: Access) {
    this.subject = subject
    this.namer = namer
    this.access = access
    this.mappings = subject.mappings(access.pid)
  }

  report(): MemoryReport {
    const { access, address } = this.access
    if (access === 'unknown') return this.nonCanonical()
    if (address >= 1n << 47n) return this.beyond()
    const at = Number(address)
    const mapping = this.mappings.find(({ start, end }) => at >= start && at < end)
    if (mapping !== undefined) return this.mapped(at, mapping)
    if (at < NULL_REACH) return this.made('null', at === 0 ? 'the null pointer' : `the null pointer plus ${at}`)
    return this.stack(at) ?? this.brk(at) ?? this.hole(at)
  }

  private made(kind: MemoryReport['kind'], what: string, mapping?: MappedRange): MemoryReport {
    const report: MemoryReport = { address: hex(this.access.address), kind, what }
    if (mapping !== undefined) report.mapping = mappingOf(mapping)
    return report
  }

  /** A general protection fault: the address is in a register, or was computed from one. */
  private nonCanonical(): MemoryReport {
    const strange = this.registers()
      .map((value, i) => ({ name: NAMES[i]!, value }))
      .filter(({ value }) => value >= 1n << 47n && value < 0xffff_8000_0000_0000n)
    const held = strange.map(({ name, value }) => `${name} holds ${hex(value)}${letters(value)}`).join(', ')
    return this.made(
      'non-canonical',
      held === ''
        ? 'no address of this processor, a misaligned operand or a privileged instruction'
        : `no address of this processor: ${held}`,
    )
  }

  private beyond(): MemoryReport {
    const below = (1n << 64n) - this.access.address
    if (below <= BigInt(NULL_REACH)) return this.made('null', `the null pointer minus ${below}`)
    return this.access.address >= 0xffff_8000_0000_0000n
      ? this.made('kernel', `in the kernel's half of the address space${letters(this.access.address)}`)
      : this.nonCanonical()
  }

  private mapped(at: number, mapping: MappedRange): MemoryReport {
    const { access, bus } = this.access
    if (bus) return this.made('file-end', `behind the end of ${mapping.name}, which does not reach that far`, mapping)
    const guarded = mapping.prot === 0 ? this.guarded(mapping) : undefined
    if (guarded !== undefined) return guarded
    const what = this.contents(at, mapping)
    if (access === 'execute') return this.made('data', `${what}, which is no code (${rights(mapping.prot)})`, mapping)
    const may =
      mapping.prot === 0
        ? 'cannot be accessed at all'
        : mapping.prot & 4
          ? 'is code and cannot be written'
          : 'can only be read'
    return this.made('protected', `${what}, which ${may} (${rights(mapping.prot)})`, mapping)
  }

  /** What a mapped address is called. */
  private contents(at: number, mapping: MappedRange): string {
    const { start, name, growsDown } = mapping
    const [place] = this.namer.places(at)
    if (place?.function !== undefined)
      return `${place.function}${place.offset === undefined || place.offset === 0 ? '' : `+${place.offset}`}`
    if (growsDown) return 'the stack'
    const text = (mapping.prot & 2) !== 0 || name === '' ? '' : this.textAt(at)
    if (text !== '') return `the text "${text}" in ${name}`
    const from = this.mappings.find((one) => one.start < start && one.end === start && one.name === name)
    return name === ''
      ? `offset ${at - start} of a mapping of ${size(this.lengthOf(at))}`
      : `offset ${hex(at - (from ?? { start }).start)} of ${name}`
  }

  /** The beginning of a string literal; '' where there is none. */
  private textAt(at: number): string {
    const bytes = this.subject.read(this.access.pid, at, 24) ?? new Uint8Array(0)
    const length = bytes.findIndex((byte) => byte < 0x20 || byte >= 0x7f)
    if (length === 0 || (length > 0 && bytes[length] !== 0)) return ''
    return length < 0 ? `${String.fromCodePoint(...bytes)}…` : String.fromCodePoint(...bytes.subarray(0, length))
  }

  private lengthOf(at: number): number {
    const { start, end } = this.mappings.find((one) => at >= one.start && at < one.end)!
    return end - start
  }

  /** Inaccessible pages right below the stack of a thread. */
  private guarded(guard: MappedRange): MemoryReport | undefined {
    const above = this.mappings.find(({ start }) => start === guard.end)
    if (above === undefined || above.prot === 0) return undefined
    const inside = (sp: number, { start, end }: MappedRange): boolean => sp >= start && sp < end
    const owner = this.tasks().find(
      ({ registers, fsBase }) => inside(Number(registers[RSP]), above) || inside(Number(fsBase), above),
    )
    if (owner === undefined) return undefined
    if (owner.tid === this.access.tid && this.isNearStack(Number(this.access.address)))
      return this.overflowed(above, ' into its guard page')
    return this.made('guard', `the guard page of the stack of thread ${owner.tid}`, above)
  }

  /** An address at or above the stack pointer's red zone, or below it by no more than a frame. */
  private isNearStack(at: number): boolean {
    const sp = Number(this.registers()[RSP])
    return Math.abs(at - sp) <= LARGEST_FRAME
  }

  private overflowed(stack: MappedRange, how: string): MemoryReport {
    const { tid } = this.access
    return this.made(
      'stack',
      `the stack of thread ${tid} (${size(stack.end - stack.start)}) has overflowed${how}`,
      stack,
    )
  }

  /** Below a stack that grows by itself, and could not, or far below one with a guard page. */
  private stack(at: number): MemoryReport | undefined {
    const stack = this.ownStack() ?? this.mappings.find(({ start }) => start > at)
    if (stack === undefined || stack.start - at > LARGEST_FRAME || stack.start <= at) return undefined
    const sp = Number(this.registers()[RSP])
    const ran = sp < stack.end && this.isNearStack(at) && (stack.growsDown || sp < stack.start)
    return ran && this.access.access !== 'execute' ? this.overflowed(stack, '') : undefined
  }

  /** The stack of a thread that is not the first: C libraries keep its thread-locals at the upper end of it. */
  private ownStack(): MappedRange | undefined {
    const { pid, tid } = this.access
    const thread = tid === pid ? undefined : this.tasks().find((task) => task.tid === tid)
    if (thread === undefined) return undefined
    const base = Number(thread.fsBase)
    return this.mappings.find(({ start, end }) => base >= start && base < end)
  }

  private tasks(): TaskView[] {
    return this.subject.tasks().filter(({ pid }) => pid === this.access.pid)
  }

  private brk(at: number): MemoryReport | undefined {
    const { start, end } = this.subject.brk(this.access.pid)
    if (start === 0 || at < start || at < end || at - end >= NEAR) return undefined
    const heap = this.mappings.find((one) => one.name === '[heap]')
    return this.made('beyond-brk', `${at === end ? 'right' : plural(at - end)} behind the end of the brk heap`, heap)
  }

  private hole(at: number): MemoryReport {
    const below = this.mappings.findLast(({ end }) => end <= at)
    const above = this.mappings.find(({ start }) => start > at)
    const near =
      below !== undefined && at - below.end < NEAR
        ? `${plural(at - below.end + 1)} behind ${this.called(below)}`
        : above !== undefined && above.start - at <= NEAR
          ? `${plural(above.start - at)} before ${this.called(above)}`
          : ''
    const strange = letters(this.access.address)
    return this.made('hole', `nothing is mapped there${near === '' ? strange : `, ${near}`}`)
  }

  private called({ name, start, end, growsDown }: MappedRange): string {
    return growsDown ? 'the stack' : name === '' ? `a mapping of ${size(end - start)}` : name
  }

  private registers(): readonly bigint[] {
    const task = this.subject.tasks().find(({ tid }) => tid === this.access.tid)
    return task?.registers ?? NAMES.map(() => 0n)
  }
}

/** An address that consists of printable characters is most often overwritten by text: shown as such. */
function letters(value: bigint): string {
  const bytes = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
  const used = bytes.slice(0, bytes.findLastIndex((byte) => byte !== 0) + 1)
  return used.length >= 4 && used.every((byte) => byte >= 0x20 && byte < 0x7f)
    ? ` (the text "${String.fromCodePoint(...used)}")`
    : ''
}
