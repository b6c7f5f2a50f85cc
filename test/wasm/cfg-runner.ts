/** Runs a control-flow graph twice, by walking it and as structured wasm, so that tests can compare what was executed. */

import { BLOCK_VOID, blockResult, FunctionBody, I32, ModuleBuilder } from '../../src/wasm/encode.ts'
import * as OP from '../../src/wasm/opcodes.ts'
import { emitStructured, planCfg } from '../../src/wasm/structure.ts'
import type { Cfg, StructureSink } from '../../src/wasm/structure.ts'

/** The trace lies here in memory; decisions lie at 0. */
const TRACE = 0x8000
const memory = new WebAssembly.Memory({ initial: 1 })

/** Blocks executed from an entry, taking successor `decisions[i] % count` at the i-th choice, at most `limit` blocks. */
export function walk(cfg: Cfg, entry: number, decisions: Uint8Array, limit: number): number[] {
  const trace: number[] = []
  let next = 0
  for (let b = cfg.entries[entry]; ;) {
    if (trace.length === limit) return trace
    trace.push(b)
    const succs = cfg.succs[b]
    if (succs.length === 0) return trace
    // A condition between two equal successors is not asked for.
    const asked = succs.length > 2 || (succs.length === 2 && succs[0] !== succs[1])
    b = succs[asked ? decisions[next++] % succs.length : 0]
  }
}

/** Parameters of the compiled function: the label, which starts as the entry, and the end of a full trace. */
const LABEL = 0
const FULL = 1

/** Emits blocks that append their number to the trace and leave the function when it is full. */
class TraceWriter implements StructureSink {
  private readonly cfg: Cfg
  private readonly body: FunctionBody
  /** Locals: the address of the next decision, and where the trace ends so far. */
  private readonly decision: number
  private readonly tail: number
  /** Number of open constructs around the next instruction inside the outermost one, which yields the end of the trace. */
  private depth = 0

  constructor(cfg: Cfg, body: FunctionBody) {
    this.cfg = cfg
    this.body = body
    this.decision = body.local(I32)
    this.tail = body.local(I32)
  }

  whole(): void {
    const { body } = this
    body.i32Const(TRACE)
    body.localSet(this.tail)
    body.opBlock(OP.block, blockResult(I32))
    emitStructured(planCfg(this.cfg), this)
    body.op(OP.unreachable)
    body.op(OP.end)
  }

  code(b: number): void {
    const { body } = this
    body.localGet(this.tail)
    body.localGet(this.tail)
    body.localGet(FULL)
    body.op(OP.i32_ge_u)
    body.hint(false)
    body.opIndex(OP.br_if, this.depth)
    body.i32Const(b)
    body.opMemory(OP.i32_store16, 1, 0)
    body.localGet(this.tail)
    body.i32Const(2)
    body.op(OP.i32_add)
    body.localSet(this.tail)
  }

  leave(): void {
    this.body.localGet(this.tail)
    this.body.opIndex(OP.br, this.depth)
  }

  block(): void {
    this.body.opBlock(OP.block, BLOCK_VOID)
    this.depth++
  }

  loop(): void {
    this.body.opBlock(OP.loop, BLOCK_VOID)
    this.depth++
  }

  if(b: number, sense: boolean): void {
    this.condition(b, sense)
    this.body.opBlock(OP.if, BLOCK_VOID)
    this.depth++
  }

  else(): void {
    this.body.op(OP.else)
  }

  end(): void {
    this.body.op(OP.end)
    this.depth--
  }

  br(depth: number): void {
    this.body.opIndex(OP.br, depth)
  }

  brIf(b: number, sense: boolean, depth: number): void {
    this.condition(b, sense)
    this.body.opIndex(OP.br_if, depth)
  }

  brTable(b: number, depths: readonly number[]): void {
    this.index(b)
    this.body.brTable(depths.slice(0, -1), depths[depths.length - 1])
  }

  setLabel(value: number): void {
    this.body.i32Const(value)
    this.body.localSet(LABEL)
  }

  brIfLabel(value: number, depth: number): void {
    this.body.localGet(LABEL)
    this.body.i32Const(value)
    this.body.op(OP.i32_eq)
    this.body.opIndex(OP.br_if, depth)
  }

  brLabelTable(base: number, depths: readonly number[], otherwise: number): void {
    this.body.localGet(LABEL)
    this.body.i32Const(base)
    this.body.op(OP.i32_sub)
    this.body.brTable(depths, otherwise)
  }

  private condition(b: number, sense: boolean): void {
    this.index(b)
    // Successor 0 stands for true.
    if (sense) this.body.op(OP.i32_eqz)
  }

  /** Pushes the number of the successor that the next decision chooses. */
  private index(b: number): void {
    const { body } = this
    body.localGet(this.decision)
    body.opMemory(OP.i32_load8_u, 0, 0)
    body.i32Const(this.cfg.succs[b].length)
    body.op(OP.i32_rem_u)
    body.localGet(this.decision)
    body.i32Const(1)
    body.op(OP.i32_add)
    body.localSet(this.decision)
  }
}

/** Compiles the graph to wasm once; the result runs it from an entry as {@link walk} does. */
export function compile(cfg: Cfg): (entry: number, decisions: Uint8Array, limit: number) => number[] {
  const builder = new ModuleBuilder()
  builder.importMemory('env', 'memory', 1)
  const body = new FunctionBody(2)
  new TraceWriter(cfg, body).whole()
  const index = builder.add(builder.type([I32, I32], [I32]), body)
  builder.exportFunction('run', index)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.finish()), { env: { memory } })
  const run = instance.exports.run as (entry: number, limit: number) => number
  return (entry, decisions, limit) => {
    new Uint8Array(memory.buffer).set(decisions)
    const end = run(entry, TRACE + 2 * limit)
    return [...new Uint16Array(memory.buffer, TRACE, (end - TRACE) / 2)]
  }
}
