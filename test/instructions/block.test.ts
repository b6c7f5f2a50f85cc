/** Checks where lifted blocks end, and what stands at their ends. */
import { describe, expect, test } from 'vitest'
import { EXIT } from '../../src/ir/exits.ts'
import { ops } from '../../src/ir/ops.ts'
import { STATE } from '../../src/ir/registers.ts'
import type { Block } from '../../src/ir/types.ts'
import { liftBlock, liftOne } from '../../src/x86/block.ts'
import { CodeReader } from '../../src/x86/fetch.ts'

const PAGE = 0x1000
const BASE = 0x40_0000

/** Code at the end of its page, or at `offset` in it; pages in `executable` (numbers from 0) can be fetched. */
function reader(code: number[], offset: number, executable = [0]): CodeReader {
  const bytes = new Uint8Array(2 * PAGE)
  bytes.set(code, offset)
  return new CodeReader(bytes, (pc) => executable.includes(Math.floor((pc - BASE) / PAGE)), BASE)
}

const pcs = (block: Block): number[] => block.insns.map((insn) => insn.pc - BASE)

describe('where blocks end', () => {
  // push rbp; mov rbp, rsp; ret
  const FUNCTION = [0x55, 0x48, 0x89, 0xe5, 0xc3]

  test('at a control transfer', () => {
    const [block, ...rest] = liftBlock(reader(FUNCTION, 0), BASE, 100)
    expect(rest).toEqual([])
    expect(pcs(block!)).toEqual([0, 1, 4])
    expect(block!.insns.map((insn) => insn.length)).toEqual([1, 3, 1])
    expect(block!.term.kind).toBe('ret')
  })

  test('at the limit, with a jump to the next instruction', () => {
    const [block] = liftBlock(reader(FUNCTION, 0), BASE, 2)
    expect(pcs(block!)).toEqual([0, 1])
    expect(block!.term).toEqual({ kind: 'jump', target: BASE + 4 })
    expect(liftOne(reader(FUNCTION, 0), BASE)[0]!.insns.length).toBe(1)
  })

  test('before an instruction that cannot be fetched', () => {
    const [block] = liftBlock(reader(FUNCTION, PAGE - 2), BASE + PAGE - 2, 100)
    expect(pcs(block!)).toEqual([PAGE - 2])
    expect(block!.term).toEqual({ kind: 'jump', target: BASE + PAGE - 1 })
  })

  test('an instruction that runs into a page without execute permission is a fetch fault at the first byte there', () => {
    const [block] = liftBlock(reader(FUNCTION, PAGE - 2), BASE + PAGE - 1, 100)
    expect(block!.term).toEqual({ kind: 'fault', reason: EXIT.fetchFault, pc: BASE + PAGE - 1 })
    const store = block!.ops.find((n) => n.op === ops.state_store64)!
    expect(store.imm).toBe(STATE.faultAddress)
    expect(store.a!.imm).toBe(BASE + PAGE)
  })

  test('an instruction across two executable pages is whole', () => {
    const [block] = liftBlock(reader(FUNCTION, PAGE - 2, [0, 1]), BASE + PAGE - 2, 100)
    expect(pcs(block!)).toEqual([PAGE - 2, PAGE - 1, PAGE + 2])
  })

  test('code that is not mapped at all', () => {
    expect(liftBlock(reader([], 0, []), BASE, 100)[0]!.term).toEqual({
      kind: 'fault',
      reason: EXIT.fetchFault,
      pc: BASE,
    })
    expect(liftBlock(reader([], 0), -4096, 100)[0]!.term).toEqual({ kind: 'fault', reason: EXIT.fetchFault, pc: -4096 })
  })

  test('what does not decode is a fault of its own', () => {
    const unknown: [number[], number][] = [
      [[0x06], EXIT.invalidOpcode],
      [[0xc5, 0xf8, 0x77], EXIT.unsupported],
      [new Array<number>(15).fill(0x66), EXIT.generalProtection],
    ]
    for (const [code, reason] of unknown) {
      expect(liftBlock(reader(code, 0), BASE, 100)[0]!.term).toEqual({ kind: 'fault', reason, pc: BASE })
      expect(liftBlock(reader([0x90, ...code], 0), BASE, 100)[0]!.term).toEqual({ kind: 'jump', target: BASE + 1 })
    }
  })
})

describe('blocks without an address of their own', () => {
  test('a repeated string instruction: one block to look at the counter, one for an iteration', () => {
    // nop; rep stosq; ret
    const code = reader([0x90, 0xf3, 0x48, 0xab, 0xc3], 0)
    const [before] = liftBlock(code, BASE, 100)
    expect(pcs(before!)).toEqual([0])
    expect(before!.term).toEqual({ kind: 'jump', target: BASE + 1 })
    const [counter, iteration, ...rest] = liftBlock(code, BASE + 1, 100)
    expect(rest).toEqual([])
    expect(pcs(counter!)).toEqual([1])
    expect(counter!.term).toMatchObject({ kind: 'branch', then: BASE + 4, else: iteration })
    expect(iteration!.internal).toBe(true)
    expect(iteration!.insns).toEqual([])
    expect(iteration!.term).toMatchObject({ kind: 'branch', then: BASE + 1, else: BASE + 4 })
  })

  test('64-bit division: i64 division where it suffices, the helper elsewhere', () => {
    const [block, fast, slow] = liftBlock(reader([0x48, 0xf7, 0xf1, 0xc3], 0), BASE, 100)
    expect(block!.term).toMatchObject({ kind: 'branch', then: fast, else: slow })
    expect(fast!.ops.some((n) => n.op === ops.helper)).toBe(false)
    expect(slow!.ops.some((n) => n.op === ops.helper)).toBe(true)
    expect(fast!.term).toEqual({ kind: 'jump', target: BASE + 3 })
  })

  test('a dividend known to fit needs no second block', () => {
    // xor edx, edx; div rcx; ret   and   cqo; idiv rcx; ret
    for (const code of [
      [0x31, 0xd2, 0x48, 0xf7, 0xf1, 0xc3],
      [0x48, 0x99, 0x48, 0xf7, 0xf9, 0xc3],
    ]) {
      const blocks = liftBlock(reader(code, 0), BASE, 100)
      expect(blocks.length).toBe(1)
      expect(blocks[0]!.term.kind).toBe('ret')
    }
  })
})
