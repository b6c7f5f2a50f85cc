/** Exists to answer gdb's packets with what a session knows: a remote target that runs both ways and lets nothing be changed. */
import { LemmingError } from '../base/errors.ts'
import { signalInfo } from '../session/core.ts'
import type { CatchPoint, Remote, Stop, WatchPoint } from '../session/protocol.ts'
import { RemoteFiles } from './files.ts'
import { type Ask, monitor } from './monitor.ts'
import { bytesOf, hexOf } from './packets.ts'
import { TARGET_XML } from './target.ts'

/** Bytes of the largest packet. */
const PACKET_SIZE = 0x4000
const SIGTRAP = 5
const SIGINT = 2
const NOT_SUPPORTED = ''
const REFUSED = 'E01'

const text = new TextEncoder()

const KINDS: Record<string, WatchPoint['kind']> = { '2': 'write', '3': 'read', '4': 'access' }

/** The thread of `TID`, `pPID.TID` or `pPID`; 0 and -1 stand for any and for all. */
function threadIn(text: string): number {
  const [, tid = text] = /^p[^.]*(?:\.(.*))?$/.exec(text) ?? []
  return tid === text && text.startsWith('p') ? 0 : number(tid)
}

/** Numbers in packets are hexadecimal. */
const number = (hex: string | undefined): number => Number.parseInt(hex ?? '', 16)

/** The state of one connection with gdb. */
export class Stub {
  readonly remote: Remote
  readonly ask: Ask
  private readonly files: RemoteFiles
  private stop: Stop
  /** The process that gdb sees, and the threads that `g` and `bs` are about. */
  private readonly pid: number
  private selected: number
  private resumed: number
  private readonly breakpoints = new Set<number>()
  private readonly watchpoints = new Map<string, WatchPoint>()
  /** Signals, by gdb's numbers, of which it does not want to hear; null: of none. */
  private passed: Set<number> | null = null
  /** System calls that gdb wants to hear of, by number: [] for all, null for none. */
  private calls: number[] | null = null
  /** Set by QStartNoAckMode, which takes effect behind its own answer. */
  noAck = false
  /** gdb has left. */
  over = false
  /** gdb gives and takes threads as `pPID.TID`; only then does it know the process. */
  private multiprocess = false

  constructor(remote: Remote, stop: Stop, ask: Ask) {
    this.remote = remote
    this.ask = ask
    this.stop = stop
    this.pid = stop.pid
    this.files = new RemoteFiles(remote, this.pid)
    this.selected = stop.tid
    this.resumed = stop.tid
  }

  /** The answer to a packet; null for none. */
  async answer(data: Uint8Array): Promise<string | Uint8Array | null> {
    const packet = Buffer.from(data).toString('latin1')
    try {
      return await this.dispatch(packet)
    } catch (error) {
      if (error instanceof LemmingError && error.code !== 'internal') return `E.${error.message}`
      throw error
    }
  }

  private async dispatch(packet: string): Promise<string | Uint8Array | null> {
    const rest = packet.slice(1)
    switch (packet[0]) {
      case '?':
        return this.told()
      case 'g':
        return (await this.remote.registers(this.selected)).map(({ bytes }) => hexOf(bytes)).join('') || REFUSED
      case 'p': {
        const register = (await this.remote.registers(this.selected))[number(rest)]
        return register === undefined ? REFUSED : hexOf(register.bytes)
      }
      case 'm': {
        const [address, length] = rest.split(',').map(number)
        const bytes = await this.memory(address!, Math.min(length!, PACKET_SIZE / 2))
        return bytes.length === 0 && length !== 0 ? REFUSED : hexOf(bytes)
      }
      case 'H': {
        const tid = threadIn(rest.slice(1))
        if (tid > 0 && packet[1] === 'g') this.selected = tid
        else if (packet[1] === 'g') this.selected = this.stop.tid
        if (packet[1] === 'c') this.resumed = tid > 0 ? tid : this.selected
        return 'OK'
      }
      case 'T':
        return (await this.threads()).some(({ tid }) => tid === threadIn(rest)) ? 'OK' : REFUSED
      case 'Z':
      case 'z':
        return this.point(packet[0] === 'Z', rest)
      case 'c':
      case 'C':
        return this.go(false)
      case 's':
      case 'S':
        return this.step(this.resumed, false)
      case 'b':
        return rest === 'c' ? this.go(true) : rest === 's' ? this.step(this.resumed, true) : NOT_SUPPORTED
      case 'v':
        return this.multiLetter(packet)
      case 'q':
      case 'Q':
        return this.query(packet)
      case 'D':
        this.over = true
        return 'OK'
      case 'k':
        this.over = true
        return null
      case 'G':
      case 'P':
      case 'M':
      case 'X':
        return 'E.what has happened cannot be changed: lemming branch --set changes a clone'
      default:
        return NOT_SUPPORTED
    }
  }

  private async memory(address: number, length: number): Promise<Uint8Array> {
    if (!(address < Number.MAX_SAFE_INTEGER)) return new Uint8Array(0)
    return this.remote.memory(this.pid, address, length)
  }

  private async threads() {
    return (await this.remote.threads()).filter(({ pid }) => pid === this.pid)
  }

  // Going on.

  private point(set: boolean, rest: string): string {
    const [kind, address, size] = rest.split(';')[0]!.split(',')
    const at = number(address)
    if (kind === '0' || kind === '1') {
      if (set) this.breakpoints.add(at)
      else this.breakpoints.delete(at)
      return 'OK'
    }
    const watch = KINDS[kind!]
    if (watch === undefined) return NOT_SUPPORTED
    const key = `${kind} ${address} ${size}`
    if (set) this.watchpoints.set(key, { address: at, size: number(size), kind: watch })
    else this.watchpoints.delete(key)
    return 'OK'
  }

  private threadId(tid: number): string {
    const hex = tid.toString(16)
    return this.multiprocess ? `p${this.pid.toString(16)}.${hex}` : hex
  }

  /** gdb knows one process: others go past its breakpoints. */
  private get stops(): { address: number; pid: number }[] {
    return [...this.breakpoints].map((address) => ({ address, pid: this.pid }))
  }

  private async go(back: boolean): Promise<string> {
    const watches = [...this.watchpoints.values()]
    const before = this.stop
    const catches: CatchPoint[] = this.passed === null ? [] : [{ kind: 'signal', pattern: '' }]
    const { calls, pid } = this
    if (calls !== null) catches.push({ kind: 'call', pattern: '', pid, ...(calls.length > 0 && { calls }) })
    do {
      const request = { back, pid: this.pid, tid: this.resumed, stops: this.stops, watches, catches }
      this.stop = await this.remote.go(request)
    } while (this.stop.why === 'signal' && !this.isTold(this.stop))
    return this.reached(before, watches, back)
  }

  /** Does gdb want to hear of a signal? Not of those of other processes. */
  private isTold({ pid, signal }: Stop): boolean {
    return pid === this.pid && signal !== undefined && this.passed?.has(gdbSignal(signal.signal)) === false
  }

  private async step(tid: number, back: boolean): Promise<string> {
    const before = this.stop
    this.stop = await this.remote.step({ tid, unit: 'instruction', back, stops: this.stops })
    return this.reached(before, [], back)
  }

  private reached(before: Stop, watches: readonly WatchPoint[], back: boolean): string {
    const { stop } = this
    this.selected = this.resumed = stop.tid
    if (stop.why === 'watch') {
      const { kind, address } = watches[stop.index ?? 0]!
      return this.told(`${{ write: 'watch', read: 'rwatch', access: 'awatch' }[kind]}:${address.toString(16)};`)
    }
    // Forwards one comes to stand behind a call, backwards before it.
    if (stop.why === 'call') return this.told(`syscall_${back ? 'entry' : 'return'}:${stop.call!.toString(16)};`)
    if (stop.why === 'start') return this.told('replaylog:begin;')
    if (stop.why !== 'end') return this.told(stop.why === 'stop' ? 'swbreak:;' : '')
    // Where the run ended by a signal, gdb hears of it once; who wants to go on is at the end of what there is.
    return stop.ending?.kind === 'signal' && before.moment !== stop.moment ? this.told() : this.told('replaylog:end;')
  }

  /** A stop reply. */
  private told(more = ''): string {
    const { why, ending, tid, signal: delivered } = this.stop
    const ended =
      why === 'end' && ending?.kind === 'signal' && more === '' ? ending.signal : (delivered?.signal ?? SIGTRAP)
    const signal = why === 'interrupted' ? SIGINT : gdbSignal(ended)
    return `T${signal.toString(16).padStart(2, '0')}${more}thread:${this.threadId(tid)};`
  }

  // Words.

  private async multiLetter(packet: string): Promise<string | Uint8Array> {
    if (packet === 'vCont?') return 'vCont;c;C;s;S'
    if (packet.startsWith('vCont;')) {
      const actions = packet.slice(6).split(';')
      const step = actions.find((action) => /^[sS]/.test(action))
      if (step === undefined) return this.go(false)
      const tid = threadIn(step.split(':')[1] ?? '')
      return this.step(tid > 0 ? tid : this.resumed, false)
    }
    if (packet.startsWith('vKill')) {
      this.over = true
      return 'OK'
    }
    if (packet.startsWith('vFile:')) return this.files.answer(packet.slice(6))
    return NOT_SUPPORTED
  }

  private async query(packet: string): Promise<string | Uint8Array> {
    const name = /^\w+/.exec(packet)![0]
    switch (name) {
      case 'qSupported':
        this.multiprocess = packet.includes('multiprocess+')
        return [
          `PacketSize=${PACKET_SIZE.toString(16)}`,
          'QStartNoAckMode+;multiprocess+;qXfer:features:read+;qXfer:threads:read+;qXfer:auxv:read+',
          'qXfer:exec-file:read+;qXfer:siginfo:read+;QPassSignals+;QCatchSyscalls+',
          'ReverseStep+;ReverseContinue+;vContSupported+;swbreak+;hwbreak+',
        ].join(';')
      case 'QStartNoAckMode':
        this.noAck = true
        return 'OK'
      case 'QPassSignals': {
        const numbers = packet.slice(packet.indexOf(':') + 1).split(';')
        this.passed = new Set(numbers.filter((one) => one !== '').map(number))
        return 'OK'
      }
      case 'QCatchSyscalls': {
        const [wanted, ...numbers] = packet.slice(packet.indexOf(':') + 1).split(';')
        this.calls = wanted === '1' ? numbers.map(number) : null
        return 'OK'
      }
      case 'qC':
        return `QC${this.threadId(this.stop.tid)}`
      case 'qAttached':
        return '1'
      case 'qSymbol':
        return 'OK'
      case 'qfThreadInfo':
        return `m${(await this.threads()).map(({ tid }) => this.threadId(tid)).join(',')}`
      case 'qsThreadInfo':
        return 'l'
      case 'qThreadExtraInfo': {
        const tid = threadIn(packet.split(',')[1] ?? '')
        const thread = (await this.threads()).find((one) => one.tid === tid)
        return hexOf(text.encode(thread === undefined ? 'gone' : described(thread)))
      }
      case 'qXfer':
        return this.transfer(packet)
      case 'qRcmd': {
        const line = Buffer.from(bytesOf(packet.slice(6)))
          .toString()
          .trim()
        const { said, stop } = await monitor(this, line, this.pid, this.selected)
        if (stop !== undefined) {
          this.stop = stop
          this.selected = this.resumed = stop.tid
        }
        return hexOf(text.encode(said))
      }
      default:
        return NOT_SUPPORTED
    }
  }

  private async transfer(packet: string): Promise<string | Uint8Array> {
    const [, object, , annex, range] = packet.split(':')
    const [offset, length] = (range ?? '').split(',').map(number)
    const whole = await this.object(object!, annex!)
    if (whole === null) return 'E00'
    const end = Math.min(whole.length, offset! + Math.min(length!, PACKET_SIZE - 16))
    const part = whole.subarray(Math.min(offset!, end), end)
    return Buffer.concat([Buffer.from(end < whole.length ? 'm' : 'l'), part])
  }

  private async object(name: string, annex: string): Promise<Uint8Array | null> {
    switch (name) {
      case 'features':
        return annex === 'target.xml' ? text.encode(TARGET_XML) : null
      case 'threads': {
        const rows = (await this.threads()).map(
          (thread) =>
            `<thread id="${this.threadId(thread.tid)}" name="${escaped(thread.name)}">${escaped(described(thread))}</thread>`,
        )
        return text.encode(`<?xml version="1.0"?><threads>${rows.join('')}</threads>`)
      }
      case 'siginfo': {
        const { ending, why, tid, signal: delivered } = this.stop
        if (delivered !== undefined && tid === this.selected) return delivered.info
        const signal = why === 'end' && ending?.kind === 'signal' && tid === this.selected ? ending : null
        return signalInfo(signal === null ? null : { ...signal, address: BigInt(signal.address) })
      }
      case 'exec-file':
        return text.encode((await this.remote.process(this.pid))?.exe ?? '')
      case 'auxv': {
        const { auxv = [] } = (await this.remote.process(this.pid)) ?? {}
        const pairs = auxv.some(([type]) => type === 0) ? auxv : [...auxv, [0, 0] as const]
        return new Uint8Array(BigUint64Array.from(pairs.flat(), BigInt).buffer)
      }
      default:
        return null
    }
  }
}

function described({ waiting, count }: { waiting: string | null; count: number }): string {
  return `${count} instructions${waiting === null ? '' : `, waits in ${waiting.split('(')[0]}`}`
}

function escaped(value: string): string {
  return value.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** gdb's numbers of signals (include/gdb/signals.def) where they are not those of Linux. */
const SIGNALS: Record<number, number> = {
  7: 10,
  10: 30,
  12: 31,
  17: 20,
  18: 19,
  19: 17,
  20: 18,
  23: 16,
  29: 23,
  30: 32,
  31: 12,
}
/** Linux's first real-time signal, and how far gdb's number is from it. */
const REALTIME = 34
const REALTIME_DISTANCE = 12

function gdbSignal(signal: number): number {
  return signal >= REALTIME ? signal + REALTIME_DISTANCE : (SIGNALS[signal] ?? signal)
}
