/** Exists to show that the lock-step comparison agrees where it should, and that it finds a planted fault and names the place. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/engine/run.ts'
import type { AddressSpace } from '../../src/engine/address-space.ts'
import type { KernelEntry, Stop } from '../../src/engine/processor.ts'
import { EXIT } from '../../src/ir/exits.ts'
import { lockstep } from './lockstep.ts'

const folder = mkdtempSync(join(tmpdir(), 'lemming-lockstep-'))
const program = join(folder, 'mixture')
execFileSync('gcc', ['-O2', '-static', '-no-pie', '-o', program, join(import.meta.dirname, 'mixture.c'), '-lm'])

afterAll(() => rmSync(folder, { recursive: true }))

/** Changes RBX (`alone`: whenever the victim is executed; otherwise only when it is not executed singly) or memory after the instruction at `victim`. */
class Faulty extends Engine {
  private readonly after: number
  private readonly fault: (space: AddressSpace, engine: Engine) => void
  private readonly alone: boolean
  private done = 0

  constructor(after: number, alone: boolean, fault: (space: AddressSpace, engine: Engine) => void) {
    super({ callDepth: 100 })
    this.after = after
    this.alone = alone
    this.fault = fault
  }

  override run(space: AddressSpace, limit: number, kernel: KernelEntry): Stop {
    const stop = super.run(space, limit, kernel)
    this.done += stop.executed
    if (stop.reason === EXIT.fuel && this.done >= this.after && (this.alone || limit > 1)) this.fault(space, this)
    return stop
  }
}

const flipRbx = (space: AddressSpace, engine: Engine): void => {
  const state = engine.stateOf(space)
  state.setGpr(3, state.gpr(3) ^ 1n)
}

describe('lock-step', () => {
  it('agrees with the processor on every instruction of a mixed program', async () => {
    const outcome = await lockstep({
      argv: [program],
      processor: new Engine({ callDepth: 1000 }),
      batch: 1000,
      memoryFrom: 0,
    })
    expect(outcome.mismatch).toBeNull()
    expect(outcome.status).toBe(7 << 8)
    expect(outcome.executed).toBeGreaterThan(30_000)
    expect(outcome.systemCalls).toBeGreaterThan(20)
  })

  it('agrees one instruction at a time', async () => {
    const outcome = await lockstep({
      argv: [program],
      processor: new Engine({ callDepth: 1000 }),
      batch: 1,
      limit: 5000,
    })
    expect(outcome).toMatchObject({ mismatch: null, executed: 5000 })
  })

  it('names an instruction that is wrong alone', async () => {
    const { mismatch } = await lockstep({
      argv: [program],
      processor: new Faulty(3000, true, flipRbx),
      batch: 1,
      limit: 5000,
    })
    expect(mismatch?.kind).toBe('instruction')
    expect(mismatch?.differences.map((d) => d.name)).toEqual(['rbx'])
    // Repeated instructions count again on the engine's side.
    expect(mismatch!.count).toBeGreaterThan(2000)
    expect(mismatch!.count).toBeLessThan(3010)
  })

  it('names a stretch of instructions that is only wrong together', async () => {
    const { mismatch } = await lockstep({
      argv: [program],
      processor: new Faulty(3000, false, flipRbx),
      batch: 100,
      limit: 5000,
    })
    expect(mismatch?.kind).toBe('region')
    expect(mismatch?.detail).toContain('alone it is right; wrong after 2 instructions')
  })

  it('sees memory that differs although the registers do not', async () => {
    const low = (space: AddressSpace, engine: Engine): void => {
      const rsp = engine.stateOf(space).gprNumber(4)
      space.poke(rsp - 2000, Uint8Array.of(0xa5))
    }
    const { mismatch } = await lockstep({
      argv: [program],
      processor: new Faulty(3000, true, low),
      batch: 100,
      limit: 5000,
      memoryFrom: 0,
    })
    expect(mismatch?.kind).toBe('memory')
    expect(mismatch!.count).toBeGreaterThanOrEqual(3000)
    expect(mismatch!.count - mismatch!.since).toBeLessThanOrEqual(101)
  })
})
