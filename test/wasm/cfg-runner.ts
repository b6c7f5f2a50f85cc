/** Runs a control-flow graph twice, by walking it and as structured wasm, so that tests can compare what was executed. */

import { blockResult, FunctionBody, I32, ModuleBuilder } from '../../src/wasm/encode.ts'
import * as OP from '../../src/wasm/opcodes.ts'
import { StructureWriter } from '../../src/wasm/structure-writer.ts'
import { emitStructured, planCfg } from '../../src/wasm/structure.ts'
import type { Cfg } from '../../src/wasm/structure.ts'

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

/** Emits blocks that append their number to the trace and leave the function when it is full. */
class TraceWriter extends StructureWriter {
  private readonly cfg: Cfg
  /** Locals: the address of the next decision, the end of the trace, the trace's limit. */
  private readonly decision: number
  private readonly tail: number
  private readonly limit: number

  constructor(cfg: Cfg, body: FunctionBody) {
    super(body, 0)
    this.cfg = cfg
    this.limit = 1
    this.decision = body.local(I32)
    this.tail = body.local(I32)
  }

  whole(): void {
    const { body } = this
    body.i32Const(TRACE)
    body.localSet(this.tail)
    body.opBlock(OP.block, blockResult(I32))
    this.depth++
    emitStructured(planCfg(this.cfg), this)
    body.op(OP.unreachable)
    this.depth--
    body.op(OP.end)
  }

  code(b: number): void {
    const { body } = this
    body.localGet(this.tail)
    body.localGet(this.tail)
    body.localGet(this.limit)
    body.op(OP.i32_ge_u)
    body.opIndex(OP.br_if, this.depth - 1)
    body.i32Const(b)
    body.opMemory(OP.i32_store16, 1, 0)
    body.localGet(this.tail)
    body.i32Const(2)
    body.op(OP.i32_add)
    body.localSet(this.tail)
  }

  leave(): void {
    this.body.localGet(this.tail)
    this.body.opIndex(OP.br, this.depth - 1)
  }

  protected condition(b: number, sense: boolean): void {
    this.index(b)
    // Successor 0 stands for true.
    if (sense) this.body.op(OP.i32_eqz)
  }

  protected index(b: number): void {
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

  protected override likely(b: number, sense: boolean): boolean | undefined {
    return b % 3 === 0 ? sense : undefined
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
