/** Exists to drive the native single-stepper (stepper.c) and to decode what it says. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** Bytes of a register record: 16 general registers in encoding order, rip, rflags, FS and GS base (u64 each), FXSAVE image. */
export const RECORD = 20 * 8 + 512
/** Byte offsets in a record. */
export const AT = { rip: 128, flags: 136, fsBase: 144, gsBase: 152, fx: 160 } as const

/** Why the stepper stopped before an instruction; numbers as in stepper.c. */
export const STOP = { limit: 0, syscall: 1, special: 2, signal: 3, ended: 4 } as const

/** Answer to `run`: `states` holds one record per executed instruction. */
export interface Steps {
  count: number
  stop: number
  /** The signal that the next instruction raised or that arrived before it, with its si_code. */
  signal: number
  code: number
  states: Uint8Array
}

/** Memory as it is after a system call: all mappings, and the pages that the call changed. */
export interface Memory {
  maps: { start: number; end: number; prot: number }[]
  pages: { address: number; bytes: Uint8Array }[]
}

/** Registers and memory after what the kernel did; `status` is wait(2)'s when the program ended. */
export type Result = { ended: true; status: number } | { ended: false; state: Uint8Array; memory: Memory }

const PAGE = 4096
const source = join(import.meta.dirname, 'stepper.c')

/** The compiled stepper; compiled again when its source changes. */
function stepper(): string {
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), 'lemming-test')
  const binary = join(folder, `stepper-${hash}`)
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    const fresh = `${binary}.${process.pid}`
    execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-o', fresh, source])
    renameSync(fresh, binary)
  }
  return binary
}

/** A program on this machine's processor, stopped between two instructions. */
export class NativeProgram {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>
  private chunks: Buffer[] = []
  private available = 0
  private closed = false
  private wake: () => void = () => {}

  constructor(argv: readonly string[]) {
    this.child = spawn(stepper(), argv, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: '/usr/bin:/bin', HOME: '/' },
    })
    this.child.stdin.on('error', () => {})
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk)
      this.available += chunk.length
      this.wake()
    })
    this.child.stdout.on('close', () => {
      this.closed = true
      this.wake()
    })
  }

  /** Ends the program. */
  close(): void {
    this.child.stdin.end()
  }

  /** Registers and memory before the first instruction. */
  start(): Promise<Result> {
    return this.result()
  }

  /** Executes up to `limit` instructions, but no SYSCALL, CPUID, RDTSC or XGETBV. */
  async run(limit: number): Promise<Steps> {
    this.command('R', limit)
    const head = await this.take(16)
    const count = head.readUInt32LE(0)
    return {
      count,
      stop: head.readUInt32LE(4),
      signal: head.readUInt32LE(8),
      code: head.readInt32LE(12),
      states: await this.take(count * RECORD),
    }
  }

  /** Executes the SYSCALL at hand. */
  systemCall(): Promise<Result> {
    this.command('C', 0)
    return this.result()
  }

  /** Delivers the signal at hand. */
  deliver(): Promise<Result> {
    this.command('D', 0)
    return this.result()
  }

  /** Sets general registers, rip and flags. */
  write(record: Uint8Array): void {
    this.command('W', 0)
    this.child.stdin.write(record)
  }

  /** Sums over the writable pages, as `checksum` computes them, by address. */
  async checksums(): Promise<Map<number, number>> {
    this.command('M', 0)
    const sums = new Map<number, number>()
    for (;;) {
      const address = await this.number()
      if (address === 0) return sums
      sums.set(address, (await this.take(4)).readInt32LE(0))
    }
  }

  /** The bytes of one page. */
  page(address: number): Promise<Uint8Array> {
    this.command('P', 0)
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(address))
    this.child.stdin.write(bytes)
    return this.take(PAGE)
  }

  private command(letter: string, argument: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(letter.charCodeAt(0), 0)
    bytes.writeUInt32LE(argument, 4)
    this.child.stdin.write(bytes)
  }

  private async result(): Promise<Result> {
    const head = await this.take(8)
    if (head.readUInt32LE(0) !== 0) return { ended: true, status: head.readUInt32LE(4) }
    return { ended: false, state: await this.take(RECORD), memory: await this.memory() }
  }

  private async memory(): Promise<Memory> {
    const count = (await this.take(4)).readUInt32LE(0)
    const bytes = await this.take(count * 24)
    const maps = Array.from({ length: count }, (_, i) => ({
      start: Number(bytes.readBigUInt64LE(i * 24)),
      end: Number(bytes.readBigUInt64LE(i * 24 + 8)),
      prot: bytes.readUInt32LE(i * 24 + 16),
    }))
    const pages = []
    for (;;) {
      const address = await this.number()
      if (address === 0) return { maps, pages }
      pages.push({ address, bytes: await this.take(PAGE) })
    }
  }

  private async number(): Promise<number> {
    return Number((await this.take(8)).readBigUInt64LE(0))
  }

  private async take(length: number): Promise<Buffer> {
    while (this.available < length) {
      if (this.closed) throw new Error('the stepper ended')
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    if (this.chunks.length > 1 && this.chunks[0]!.length < length) this.chunks = [Buffer.concat(this.chunks)]
    const first = this.chunks[0] ?? Buffer.alloc(0)
    const bytes = Buffer.from(first.subarray(0, length))
    if (first.length === length) this.chunks.shift()
    else if (length > 0) this.chunks[0] = first.subarray(length)
    this.available -= length
    return bytes
  }
}

/** The sum that stepper.c computes over a page. */
export function checksum(words: Int32Array): number {
  let sum = 0
  for (let i = 0; i < words.length; i++) sum = (Math.imul(sum, 31) + words[i]!) | 0
  return sum
}
