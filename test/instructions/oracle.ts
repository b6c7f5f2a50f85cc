/** Exists to run groups through lifter and interpreter in the harness's format, so that they compare with the processor's results. */
import { EXIT } from '../../src/ir/exits.ts'
import { FLAG_KIND } from '../../src/ir/flags.ts'
import { REG, STATE } from '../../src/ir/registers.ts'
import type { Block } from '../../src/ir/types.ts'
import { liftOne } from '../../src/x86/block.ts'
import type { Decoder } from '../../src/x86/decode.ts'
import { CodeReader } from '../../src/x86/fetch.ts'
import { machine, type Memory, runBlocks, flagsOf } from './interpret.ts'
import {
  CODE_BASE,
  DATA_PAGE,
  FS_BASE,
  GS_BASE,
  type Group,
  OFFSET_FLAGS,
  OFFSET_WINDOW,
  PAGE,
  RESULT_HEAD,
  SIGNAL,
  WINDOW_BASE,
  WINDOW_SIZE,
} from './layout.ts'

/** The signal that Linux sends for an exit reason. */
export function signalOf(reason: number): number {
  switch (reason) {
    case EXIT.divideError:
    case EXIT.floatingPoint:
      return SIGNAL.fpe
    case EXIT.invalidOpcode:
      return SIGNAL.ill
    case EXIT.breakpoint:
    case EXIT.debugTrap:
      return SIGNAL.trap
    case EXIT.readFault:
    case EXIT.writeFault:
    case EXIT.fetchFault:
    case EXIT.generalProtection:
    case EXIT.softwareInterrupt:
      return SIGNAL.segv
    default:
      return 0
  }
}

/** Reasons whose signal reports an address behind the instruction, by what it left in `exitDetail`. */
export const isTrap = (reason: number): boolean =>
  reason === EXIT.breakpoint || reason === EXIT.debugTrap || reason === EXIT.softwareInterrupt

/** The code page of a case, as the harness prepares it. */
export function codePage(code: Uint8Array): Uint8Array {
  const page = new Uint8Array(PAGE).fill(0xcc)
  page.set(code)
  return page
}

class Data implements Memory {
  readonly page = new Uint8Array(PAGE)
  readonly view = new DataView(this.page.buffer)
  readonly code: Uint8Array

  constructor(code: Uint8Array) {
    this.code = code
  }

  check(address: bigint, bytes: number, write: boolean): bigint {
    for (let i = 0n; i < BigInt(bytes); i++) {
      const at = BigInt.asUintN(64, address + i)
      const inData = at >= BigInt(DATA_PAGE) && at < BigInt(DATA_PAGE + PAGE)
      const inCode = at >= BigInt(CODE_BASE) && at < BigInt(CODE_BASE + PAGE)
      if (!inData && !inCode) return at
      void write
    }
    return -1n
  }

  read(address: bigint, bytes: number): bigint {
    const inData = address >= BigInt(DATA_PAGE)
    const from = inData ? this.page : this.code
    const at = Number(address) - (inData ? DATA_PAGE : CODE_BASE)
    let value = 0n
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(from[at + i]!)
    return value
  }

  write(address: bigint, bytes: number, value: bigint): void {
    const inData = address >= BigInt(DATA_PAGE)
    const to = inData ? this.page : this.code
    const at = Number(address) - (inData ? DATA_PAGE : CODE_BASE)
    for (let i = 0; i < bytes; i++) to[at + i] = Number((value >> BigInt(8 * i)) & 0xffn)
  }
}

/** Results of a group as the interpreter gives them, one instruction at a time; `executed[i]` is the number of instructions of case i. */
export function executeByInterpreter(
  group: Group,
  stateSize: number,
  decoder: Decoder,
): { results: Uint8Array; executed: Int32Array } {
  const size = stateSize + RESULT_HEAD
  const results = new Uint8Array(group.count * size)
  const executed = new Int32Array(group.count)
  const code = codePage(group.code)
  const reader = new CodeReader(code, (pc) => pc >= CODE_BASE && pc < CODE_BASE + PAGE, CODE_BASE)
  const lifted = new Map<number, Block[]>()
  const blocksAt = (pc: number): Block[] => {
    let blocks = lifted.get(pc)
    if (blocks === undefined) {
      blocks = liftOne(reader, pc, decoder)
      lifted.set(pc, blocks)
    }
    return blocks
  }
  for (let i = 0; i < group.count; i++) {
    const state = group.states.subarray(i * stateSize, (i + 1) * stateSize)
    const input = new DataView(state.buffer, state.byteOffset, stateSize)
    const data = new Data(code.slice())
    const m = machine(data)
    for (let k = 0; k < 16; k++) m.registers[k] = input.getBigUint64(8 * k, true)
    const flags = input.getBigUint64(OFFSET_FLAGS, true)
    m.registers[REG.flagKind] = BigInt(FLAG_KIND.explicit * 4)
    m.registers[REG.flagA] = flags & 0x8d5n
    m.registers[REG.direction] = (flags >> 10n) & 1n
    m.registers[REG.fsBase] = BigInt(FS_BASE)
    m.registers[REG.gsBase] = BigInt(GS_BASE)
    data.page.set(state.subarray(OFFSET_WINDOW, OFFSET_WINDOW + WINDOW_SIZE), WINDOW_BASE - DATA_PAGE)
    let outcome = runBlocks(m, blocksAt(CODE_BASE))
    while (outcome.reason === EXIT.none) {
      executed[i]!++
      outcome = runBlocks(m, blocksAt(Number(outcome.pc)))
    }
    const out = new DataView(results.buffer, i * size, size)
    out.setUint32(0, signalOf(outcome.reason), true)
    out.setBigUint64(
      8,
      outcome.pc + (isTrap(outcome.reason) ? BigInt(m.state.getUint32(STATE.exitDetail, true)) : 0n),
      true,
    )
    out.setBigUint64(16, outcome.faultAddress, true)
    for (let k = 0; k < 16; k++) out.setBigUint64(RESULT_HEAD + 8 * k, m.registers[k]!, true)
    const arithmetic = flagsOf(Number(m.registers[REG.flagKind]), m.registers[REG.flagA]!, m.registers[REG.flagB]!)
    out.setBigUint64(RESULT_HEAD + OFFSET_FLAGS, arithmetic | (m.registers[REG.direction]! << 10n), true)
    results.set(data.page.subarray(WINDOW_BASE - DATA_PAGE), i * size + RESULT_HEAD + OFFSET_WINDOW)
  }
  return { results, executed }
}
