/**
 * Exists to make the same system calls natively and on the kernel's handlers and to show both as strace does: the real strace over a generated C
 * program is the oracle for results, for what calls write, and for the format.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AddressSpace, PROT } from '../../src/engine/address-space.ts'
import { CpuState } from '../../src/engine/cpu-state.ts'
import { STATE_BASE } from '../../src/engine/layout.ts'
import type { Processor } from '../../src/engine/processor.ts'
import { NodeFiles, nodeWorld } from '../../src/host/node.ts'
import type { World } from '../../src/host/host.ts'
import { REG, STATE_SIZE } from '../../src/ir/registers.ts'
import { jumpTo } from '../../src/linux/clock.ts'
import { readSet, writeSet, type Declaration, type Range } from '../../src/linux/declare.ts'
import { resumeCall, systemCall } from '../../src/linux/dispatch.ts'
import type { Kernel } from '../../src/linux/kernel.ts'
import { createMachine, type Machine } from '../../src/linux/machine.ts'
import type { Task } from '../../src/linux/state.ts'
import { table } from '../../src/linux/table.ts'
import { wake } from '../../src/linux/tasks.ts'

/** Where the arena of a script lies, natively and in the machine. */
export const ARENA = 0x2000_0000
const ARENA_SIZE = 0x2_8000

/** One call of a script; arguments are numbers, addresses of the arena among them. */
interface Call {
  nr: number
  args: bigint[]
}

/** System calls to be made one after the other, with the memory that they use. */
export class Script {
  readonly calls: Call[] = []
  readonly arena = new Uint8Array(ARENA_SIZE)
  private used = 64

  /** Room for `length` bytes, aligned to 16, filled with `fill`; its address. */
  buffer(length: number, fill = 0): number {
    const at = this.used
    this.arena.fill(fill, at, at + length)
    this.used += Math.ceil(length / 16) * 16 + 16
    return ARENA + at
  }

  /** A NUL-terminated string. */
  string(text: string): number {
    return this.bytes(Buffer.from(`${text}\0`, 'latin1'))
  }

  bytes(bytes: Uint8Array): number {
    const address = this.buffer(bytes.length)
    this.arena.set(bytes, address - ARENA)
    return address
  }

  /** 64-bit little-endian words. */
  words(...values: (number | bigint)[]): number {
    return this.bytes(new Uint8Array(BigInt64Array.from(values, BigInt).buffer))
  }

  /** 32-bit little-endian words. */
  ints(...values: number[]): number {
    return this.bytes(new Uint8Array(Int32Array.from(values).buffer))
  }

  /** Adds a call; a string argument becomes the address of its bytes. */
  call(name: string, ...args: (number | bigint | string)[]): this {
    const declaration = table.find((row) => row?.name === name)
    if (!declaration) throw new Error(`${name} is not declared`)
    const values = args.map((arg) => BigInt(typeof arg === 'string' ? this.string(arg) : arg))
    this.calls.push({ nr: declaration.nr, args: values })
    return this
  }
}

/** What one side made of a script. */
export interface Transcript {
  /** One line per call, as strace prints it. */
  lines: string[]
}

/** An empty directory, always with the same name while one is in use: both sides run in it, one after the other. */
export function inFreshDirectory<T>(run: (dir: string) => T): T {
  const parent = mkdtempSync(join(tmpdir(), 'lemming-syscalls-'))
  try {
    const dir = join(parent, 'd')
    mkdirSync(dir)
    return run(dir)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

/** Runs a script in the current directory `dir` under the real strace. */
export function runNative(script: Script, dir: string): Transcript {
  const work = mkdtempSync(join(tmpdir(), 'lemming-native-'))
  try {
    writeFileSync(join(work, 'arena.bin'), script.arena)
    writeFileSync(join(work, 'script.c'), program(script, work))
    execFileSync('gcc', ['-w', '-O0', '-static', '-o', join(work, 'script'), join(work, 'script.c')])
    const log = join(work, 'log')
    // Real pipes at both ends, as the machine has them.
    execFileSync('sh', ['-c', `printf 'input\\n' | strace -o ${log} ${join(work, 'script')} 2>&1 | cat`], {
      cwd: dir,
      env: { TZ: 'UTC0', PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const all = readFileSync(log, 'latin1')
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('---'))
    const first = all.findIndex((line) => line.startsWith('close(-77)'))
    const last = all.findIndex((line) => line.startsWith('close(-78)'))
    return { lines: all.slice(first + 1, last) }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function program(script: Script, work: string): string {
  const calls = script.calls.map(({ nr, args }) => {
    const six = Array.from({ length: 6 }, (_, i) =>
      `${BigInt.asIntN(64, args[i] ?? 0n)}L`.replace('-9223372036854775808L', '(1L<<63)'),
    )
    return `  call(${nr}, ${six.join(', ')});`
  })
  return `
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
static long call(long nr, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
int main(void) {
  char *arena = mmap((void *)${ARENA}L, ${ARENA_SIZE}, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  int in = open("${work}/arena.bin", O_RDONLY);
  if (read(in, arena, ${ARENA_SIZE}) != ${ARENA_SIZE}) return 1;
  close(in);
  close(-77);
${calls.join('\n')}
  close(-78);
  return 0;
}
`
}

/** A processor that executes nothing: the calls are made from outside. */
const idleProcessor: Processor = {
  createSpace: () => new AddressSpace(),
  releaseSpace: () => {},
  stateOf: (space) => new CpuState(space.bytes.subarray(STATE_BASE, STATE_BASE + STATE_SIZE)),
  run: () => {
    throw new Error('nothing is executed here')
  },
  readFlags: () => 2,
  writeFlags: () => {},
}

/** A machine whose first task stands before its first instruction, with an arena, ready for calls from outside. */
export interface Bench {
  machine: Machine
  k: Kernel
  t: Task
  lines: string[]
  output: Uint8Array[]
}

/** Makes a bench in directory `cwd`; the program is never executed. */
export function makeBench(
  cwd: string,
  arena = new Uint8Array(ARENA_SIZE),
  options: { uid?: number; world?: World } = {},
): Bench {
  const output: Uint8Array[] = []
  let input = Buffer.from('input\n')
  const terminal = {
    readInput: (max: number) => {
      const part = input.subarray(0, max)
      input = input.subarray(max)
      return new Uint8Array(part)
    },
    writeOutput: (_fd: 1 | 2, bytes: Uint8Array) => void output.push(bytes.slice()),
  }
  const uid = options.uid ?? process.getuid!()
  const machine = createMachine({
    path: '/bin/true',
    argv: ['true'],
    env: [],
    cwd,
    seed: 1,
    world: options.world ?? nodeWorld(new NodeFiles(), terminal),
    processor: idleProcessor,
    uid,
    gid: uid,
  })
  const k = machine.kernel
  const t = machine.state.tasks.get(1000)!
  const lines: string[] = []
  k.addObserver({ name: 'lines', syscall: (event) => void lines.push(event.text()) })
  k.current = t
  k.loaded = k.memory(t)
  k.cpu = idleProcessor.stateOf(k.space(t))
  const space: AddressSpace = k.space(t)
  space.map(ARENA, ARENA_SIZE, PROT.read | PROT.write)
  space.poke(ARENA, arena)
  return { machine, k, t, lines, output }
}

/** Makes one call as the task; its result. A call that waits gets its time limit; one that would wait for ever is an error. */
export function makeCall({ k, t }: Bench, nr: number, args: readonly bigint[]): bigint {
  const registers = [REG.rdi, REG.rsi, REG.rdx, 10, 8, 9]
  registers.forEach((register, i) => k.cpu.setGpr(register, args[i] ?? 0n))
  k.cpu.setGpr(REG.rax, BigInt(nr))
  systemCall(k, t)
  for (let i = 0; t.wait !== null; i++) {
    const deadline = t.wait.deadline
    if (deadline === null || i === 100) throw new Error(`call ${nr} waits for ever`)
    jumpTo(k.state, deadline)
    wake(k, t, 'timeout')
    resumeCall(k, t)
  }
  if (t.savedMask !== null) {
    t.signalMask = t.savedMask
    t.savedMask = null
  }
  return BigInt.asIntN(64, k.cpu.gpr(REG.rax))
}

/** What the handlers made of a script, and whether the declarations tell the truth about memory. */
export interface HandlerTranscript extends Transcript {
  /** Calls that changed memory outside their write set. */
  undeclaredWrites: string[]
  /** Calls whose text or result changed when the memory outside their read set was different. */
  undeclaredReads: string[]
}

/** Runs a script on the handlers, twice: the second time with all memory altered that a call is not declared to read. */
export function runHandlers(script: Script, dir: string): HandlerTranscript {
  const [bench, again] = [0, 1].map(() => makeBench(dir, script.arena)) as [Bench, Bench]
  const undeclaredWrites: string[] = []
  const undeclaredReads: string[] = []
  for (const { nr, args } of script.calls) {
    const declaration = table[nr]!
    const before = arenaOf(bench).slice()
    const call = { k: bench.k, t: bench.t, space: bench.k.space(bench.t), args: decodedArgs(declaration, args) }

    const read = marked(readSet(declaration, { ...call, result: null }))
    again.k.space(again.t).poke(
      ARENA,
      before.map((byte, i) => (read[i] === 0 ? byte ^ 0x5a : byte)),
    )
    makeCall(again, nr, args)

    const result = Number(makeCall(bench, nr, args))
    const line = bench.lines.at(-1)!
    if (again.lines.at(-1) !== line) undeclaredReads.push(`${line} but ${again.lines.at(-1)}`)
    const written = marked(writeSet(declaration, { ...call, result }))
    if (arenaOf(bench).some((byte, i) => byte !== before[i] && written[i] === 0)) undeclaredWrites.push(line)
  }
  return { lines: bench.lines, undeclaredWrites, undeclaredReads }
}

const arenaOf = ({ k, t }: Bench): Uint8Array => k.space(t).read(ARENA, ARENA_SIZE)!

function decodedArgs(declaration: Declaration, args: readonly bigint[]): number[] {
  return declaration.args.map(([, type], i) => {
    const raw = BigInt.asUintN(64, args[i] ?? 0n)
    return type.decode(Number(raw & 0xffff_ffffn), Number(raw >> 32n))
  })
}

/** 1 for each byte of the arena that lies in one of the ranges. */
function marked(ranges: readonly Range[]): Uint8Array {
  const bytes = new Uint8Array(ARENA_SIZE)
  for (const { start, length } of ranges) if (start >= ARENA) bytes.fill(1, start - ARENA, start - ARENA + length)
  return bytes
}
