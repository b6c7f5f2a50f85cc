/** Exists to run x87 cases on this machine's processor and on our helpers, and to put both results into one form. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXIT } from '../../src/ir/exits.ts'
import { X87 } from '../../src/ir/helpers.ts'
import { STATE } from '../../src/ir/registers.ts'
import { x87Helper } from '../../src/engine/helpers/x87.ts'
import type { Case } from './cases.ts'
import { emptyState, execute, type Machine } from './interpret.ts'

/** The state after an instruction. `fault` is an EXIT reason, or 0; the words are those of the FXSAVE image. */
export interface Outcome {
  control: number
  status: number
  tag: number
  /** ST0-ST7 as sign and exponent, colon, mantissa. */
  registers: string[]
  flags: number
  ax: number
  memory: Uint8Array
  fault: number
}

const RECORD = 16 + 160 + 16 + 112
const RESULT = 160 + 16 + 112 + 8
const ARITHMETIC_FLAGS = 0x8d5
const SIGFPE = 8
const RAX = 0x1122334455667788n

function oracle(): string {
  const source = join(import.meta.dirname, 'oracle.c')
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), 'lemming-test')
  const binary = join(folder, `x87-oracle-${hash}`)
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-mno-red-zone', '-o', `${binary}.${process.pid}`, source])
    renameSync(`${binary}.${process.pid}`, binary)
  }
  return binary
}

function outcomeOf(fx: DataView, flags: number, rax: bigint, memory: Uint8Array, fault: number): Outcome {
  const registers = Array.from({ length: 8 }, (_, i) => {
    const mantissa = fx
      .getBigUint64(32 + 16 * i, true)
      .toString(16)
      .padStart(16, '0')
    return `${fx
      .getUint16(40 + 16 * i, true)
      .toString(16)
      .padStart(4, '0')}:${mantissa}`
  })
  return {
    control: fx.getUint16(0, true),
    status: fx.getUint16(2, true),
    tag: fx.getUint8(4),
    registers,
    flags: flags & ARITHMETIC_FLAGS,
    ax: Number(rax & 0xffffn),
    memory,
    fault,
  }
}

/** What the processor makes of the cases. */
export function native(cases: readonly Case[]): Outcome[] {
  const input = new Uint8Array(cases.length * RECORD)
  const view = new DataView(input.buffer)
  cases.forEach((c, i) => {
    const at = i * RECORD
    input.set(c.code, at)
    input[at + 15] = c.code.length
    input.set(c.fx, at + 16)
    view.setBigUint64(at + 176, BigInt(c.flags), true)
    view.setBigUint64(at + 184, RAX, true)
    input.set(c.memory, at + 192)
  })
  const run = spawnSync(oracle(), { input, maxBuffer: cases.length * RESULT + 1000 })
  if (run.stdout.length !== cases.length * RESULT)
    throw new Error(`the oracle gave ${run.stdout.length} bytes: ${String(run.stderr)}`)
  const output = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.length)
  return cases.map((_, i) => {
    const at = i * RESULT
    const signal = Number(output.getBigUint64(at + 288, true))
    const memory = new Uint8Array(run.stdout.subarray(at + 176, at + 288))
    const fx = new DataView(output.buffer, output.byteOffset + at, 160)
    const fault = signal === 0 ? 0 : signal === SIGFPE ? EXIT.floatingPoint : EXIT.invalidOpcode
    return outcomeOf(
      fx,
      Number(output.getBigUint64(at + 160, true)),
      output.getBigUint64(at + 168, true),
      memory,
      fault,
    )
  })
}

/** What our lifts and helpers make of a case. */
export function ours(c: Case): Outcome {
  const state = emptyState()
  const source = new DataView(c.fx.buffer, c.fx.byteOffset, 160)
  for (let i = 0; i < 24; i += 8) state.setBigUint64(STATE.scratch + i, source.getBigUint64(i, true), true)
  x87Helper(state, X87.header, 1, 1)
  for (let i = 0; i < 8; i++) {
    state.setBigUint64(STATE.scratch, source.getBigUint64(32 + 16 * i, true), true)
    state.setBigUint64(STATE.scratch + 8, source.getBigUint64(40 + 16 * i, true), true)
    x87Helper(state, X87.register, 1, i)
  }
  const memory = c.memory.slice()
  const machine: Machine = { state, memory: new DataView(memory.buffer), rax: RAX, flags: c.flags }
  const fault = execute(machine, c.code)
  const fx = new DataView(new ArrayBuffer(160))
  x87Helper(state, X87.header, 0, 0)
  for (let i = 0; i < 24; i += 8) fx.setBigUint64(i, state.getBigUint64(STATE.scratch + i, true), true)
  for (let i = 0; i < 8; i++) {
    x87Helper(state, X87.register, 0, i)
    fx.setBigUint64(32 + 16 * i, state.getBigUint64(STATE.scratch, true), true)
    fx.setBigUint64(40 + 16 * i, state.getBigUint64(STATE.scratch + 8, true), true)
  }
  return outcomeOf(fx, machine.flags, machine.rax, memory, fault)
}
