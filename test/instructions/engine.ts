/** Exists to run groups through the whole engine (decode, lift, passes, wasm) in the harness's format. */
import { AddressSpace, PROT } from '../../src/engine/address-space.ts'
import type { KernelEntry, Stop } from '../../src/engine/processor.ts'
import { setUndefined } from '../../src/engine/definedness.ts'
import { Engine } from '../../src/engine/run.ts'
import { EXIT } from '../../src/ir/exits.ts'
import { REG, registers, STATE, STATE_SIZE } from '../../src/ir/registers.ts'
import { initialCpuState } from '../../src/engine/cpu-state.ts'
import {
  CODE_BASE,
  DATA_PAGE,
  FS_BASE,
  GS_BASE,
  OFFSET_FLAGS,
  OFFSET_FX,
  OFFSET_WINDOW,
  PAGE,
  RESULT_HEAD,
  WINDOW_BASE,
  WINDOW_SIZE,
  type Group,
} from './layout.ts'
import type { Case } from './generate.ts'
import { codePage, isTrap, signalOf } from './oracle.ts'
import { FX } from './vectors-fx.ts'

/** SYSCALL rows are not tested here, and nothing else asks the kernel. */
const kernel: KernelEntry = {
  systemCall: () => {
    throw new Error('a system call in an instruction test')
  },
  timestamp: () => 0,
  undefined: () => {},
}

/** More instructions than any case executes. */
const LIMIT = 100_000

/** What a group makes of an engine. */
interface Executed {
  results: Uint8Array
  executed: Int32Array
}

/** The engine, once translating everything and once interpreting everything. One per test file: the memories are large. */
export class EngineUnderTest {
  private readonly translating: OneEngine
  private readonly interpreting: OneEngine | null

  /** `watched`: as after the program has written exception flags of MXCSR, so that they are kept. `checked`: definedness is checked, and nothing is defined. */
  constructor(watched = false, checked = false) {
    this.translating = new OneEngine(watched, checked, 'never')
    // Code that follows MXCSR exactly is never interpreted.
    this.interpreting = watched ? null : new OneEngine(watched, checked, 'always')
  }

  /** Results of a group, run in quanta of `quantum()` instructions; `executed[i]` is what case i counted, the final INT3 excluded. Interpreted code must make the same of it. */
  execute(group: Group, stateSize: number, quantum: () => number = () => LIMIT): Executed {
    const quanta: number[] = []
    const translated = this.translating.execute(group, stateSize, () => quanta[quanta.push(quantum()) - 1]!)
    if (this.interpreting === null) return translated
    let next = 0
    const interpreted = this.interpreting.execute(group, stateSize, () => quanta[next++] ?? LIMIT)
    if (!equal(interpreted.results, translated.results) || !sameCounts(interpreted.executed, translated.executed))
      throw new Error(
        `interpreted code differs: ${describeDifference(translated, interpreted, stateSize + RESULT_HEAD)}`,
      )
    if (this.interpreting.units === 0) throw new Error('code was translated that was to be interpreted')
    return translated
  }
}

function sameCounts(x: Int32Array, y: Int32Array): boolean {
  return x.every((count, i) => count === y[i])
}

function describeDifference(translated: Executed, interpreted: Executed, size: number): string {
  const at = translated.results.findIndex((byte, i) => byte !== interpreted.results[i])
  const index = translated.executed.findIndex((count, i) => count !== interpreted.executed[i])
  const results = `case ${Math.floor(at / size)}, byte ${at % size}: ${interpreted.results[at]} for ${translated.results[at]}`
  return at >= 0 ? results : `case ${index} counts ${interpreted.executed[index]} for ${translated.executed[index]}`
}

/** One engine with the two pages of a case. */
class OneEngine {
  private readonly space: AddressSpace
  private readonly engine: Engine
  private readonly blank = initialCpuState()

  constructor(watched: boolean, checked: boolean, interpret: 'never' | 'always') {
    this.space = new AddressSpace(checked)
    this.engine = new Engine({ callDepth: 100, interpret })
    new DataView(this.blank.buffer).setUint32(STATE.watchExceptions, watched ? 1 : 0, true)
    this.space.map(CODE_BASE, PAGE, PROT.read | PROT.write | PROT.exec)
    this.space.map(DATA_PAGE, PAGE, PROT.read | PROT.write)
  }

  /** Blocks interpreted so far. */
  get units(): number {
    return this.engine.statistics().units
  }

  execute(group: Group, stateSize: number, quantum: () => number): Executed {
    const size = stateSize + RESULT_HEAD
    const results = new Uint8Array(group.count * size)
    const executed = new Int32Array(group.count)
    const code = codePage(group.code)
    const { space } = this
    const state = this.engine.stateOf(space)
    space.poke(CODE_BASE, code)
    let codeWritten = false
    for (let i = 0; i < group.count; i++) {
      if (codeWritten) space.poke(CODE_BASE, code)
      const input = group.states.subarray(i * stateSize, (i + 1) * stateSize)
      space.bytes.fill(0, DATA_PAGE, WINDOW_BASE)
      space.bytes.set(input.subarray(OFFSET_WINDOW, OFFSET_WINDOW + WINDOW_SIZE), WINDOW_BASE)
      this.load(input)
      const stop = this.run(quantum)
      executed[i] = stop.executed
      const out = results.subarray(i * size, (i + 1) * size)
      const head = new DataView(out.buffer, out.byteOffset, RESULT_HEAD)
      const view = state.view
      let rip = view.getBigUint64(STATE.rip, true)
      head.setUint32(0, signalOf(stop.reason), true)
      if (isTrap(stop.reason)) rip += BigInt(view.getUint32(STATE.exitDetail, true))
      else if (stop.reason === EXIT.fetchFault) head.setBigUint64(16, rip, true)
      else if (stop.reason === EXIT.readFault || stop.reason === EXIT.writeFault)
        head.setBigUint64(16, view.getBigUint64(STATE.faultAddress, true), true)
      head.setBigUint64(8, rip, true)
      this.save(out.subarray(RESULT_HEAD))
      out.set(space.bytes.subarray(WINDOW_BASE, WINDOW_BASE + WINDOW_SIZE), RESULT_HEAD + OFFSET_WINDOW)
      codeWritten = !equal(space.bytes.subarray(CODE_BASE, CODE_BASE + PAGE), code)
    }
    return { results, executed }
  }

  /** Runs in quanta until something other than the end of a quantum stops it. */
  private run(quantum: () => number): Stop {
    let executed = 0
    for (;;) {
      const stop = this.engine.run(this.space, quantum(), kernel)
      executed += stop.executed
      if (stop.reason !== EXIT.fuel || executed >= LIMIT) return { reason: stop.reason, executed }
    }
  }

  private load(input: Uint8Array): void {
    const state = this.engine.stateOf(this.space)
    const view = state.view
    state.bytes.set(this.blank)
    state.bytes.set(input.subarray(0, 128))
    if (this.space.checked) {
      state.bytes.fill(255, STATE.undefined, STATE_SIZE)
      setUndefined(this.space, DATA_PAGE, PAGE)
    }
    const at = new DataView(input.buffer, input.byteOffset, input.length)
    this.engine.writeFlags(state, at.getUint32(OFFSET_FLAGS, true))
    view.setBigUint64(registers[REG.fsBase]!.offset, BigInt(FS_BASE), true)
    view.setBigUint64(registers[REG.gsBase]!.offset, BigInt(GS_BASE), true)
    view.setBigUint64(STATE.rip, BigInt(CODE_BASE), true)
    if (input.length <= OFFSET_FX) return
    state.bytes.set(input.subarray(OFFSET_FX + FX.xmm0, OFFSET_FX + FX.xmm0 + 256), STATE.xmm)
    view.setUint32(STATE.mxcsr, at.getUint32(OFFSET_FX + FX.mxcsr, true), true)
    const status = at.getUint16(OFFSET_FX + FX.status, true)
    view.setUint32(STATE.x87Control, at.getUint16(OFFSET_FX + FX.control, true), true)
    view.setUint32(STATE.x87Status, status, true)
    const used = at.getUint8(OFFSET_FX + FX.tag)
    let tag = 0
    for (let i = 0; i < 8; i++) {
      if (((used >> i) & 1) === 0) tag |= 3 << (2 * i)
      const physical = ((status >> 11) + i) & 7
      state.bytes.set(
        input.subarray(OFFSET_FX + FX.st0 + 16 * i, OFFSET_FX + FX.st0 + 16 * i + 10),
        STATE.x87 + 16 * physical,
      )
    }
    view.setUint32(STATE.x87Tag, tag, true)
  }

  private save(out: Uint8Array): void {
    const state = this.engine.stateOf(this.space)
    const view = state.view
    out.set(state.bytes.subarray(0, 128))
    const at = new DataView(out.buffer, out.byteOffset, out.length)
    at.setBigUint64(OFFSET_FLAGS, BigInt(this.engine.readFlags(state)), true)
    if (out.length <= OFFSET_FX) return
    out.set(state.bytes.subarray(STATE.xmm, STATE.xmm + 256), OFFSET_FX + FX.xmm0)
    at.setUint32(OFFSET_FX + FX.mxcsr, view.getUint32(STATE.mxcsr, true), true)
    const status = view.getUint32(STATE.x87Status, true)
    at.setUint16(OFFSET_FX + FX.control, view.getUint32(STATE.x87Control, true), true)
    at.setUint16(OFFSET_FX + FX.status, status, true)
    const tag = view.getUint32(STATE.x87Tag, true)
    let used = 0
    for (let i = 0; i < 8; i++) {
      if (((tag >> (2 * i)) & 3) !== 3) used |= 1 << i
      const physical = ((status >> 11) + i) & 7
      out.set(
        state.bytes.subarray(STATE.x87 + 16 * physical, STATE.x87 + 16 * physical + 10),
        OFFSET_FX + FX.st0 + 16 * i,
      )
    }
    at.setUint8(OFFSET_FX + FX.tag, used)
  }
}

/**
 * How many instructions a case must count, by what the processor did: one when control left the instruction, none for a fault or trap at it,
 * and one for each iteration of a repetition.
 */
export function expectedCount(c: Case, rip: bigint, before: bigint, after: bigint): number {
  const done = rip === BigInt(CODE_BASE) || c.row.mnemonic.startsWith('INT') ? 0 : 1
  // With 32-bit addresses the counter is ECX, and its upper half goes with the first iteration.
  const counted = c.choice.address32 ? BigInt.asUintN(32, before - after) : before - after
  return c.choice.repeat !== 0 ? Math.max(done, Number(counted)) : done
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
