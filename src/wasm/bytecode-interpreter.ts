/** Exists to build the module that interprets bytecode: every IR op becomes an operation by the code that lowers it in regions. */
import type { Node } from '../ir/types.ts'
import { controlOperations } from './bytecode-control.ts'
import { dataOperations } from './bytecode-data.ts'
import { BYTECODE, type Computation, computations, computationWords, OPERATION_COUNT } from './bytecode-ops.ts'
import { AT, type InterpreterLayout, IP, OperationWriter } from './bytecode-parts.ts'
import { I32, ModuleBuilder } from './encode.ts'
import { wholeValue } from './lower-access.ts'
import * as OP from './opcodes.ts'
import { importRuntime, REGION_PARAMETERS, REGION_RESULTS, RUNTIME } from './runtime.ts'

/**
 * The module of function `f`, which stands in the slots of all units, and in those of which nothing is known yet. Each operation is a function, which goes to the next one by a tail call: small functions are compiled
 * when they are needed, and soon optimised. It imports `promote(entry code)` besides the runtime: an entry code, or the complement of an address to leave for.
 */
export function interpreterModule(memoryPages: number, layout: InterpreterLayout): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder()
  importRuntime(m, memoryPages)
  const promote = m.importFunction('l', 'promote', m.type([I32], [I32]))
  const table = m.importTable('l', 'operations', OPERATION_COUNT)
  const region = m.type(REGION_PARAMETERS, REGION_RESULTS)
  const w = new OperationWriter(layout, promote, region)
  const functions = operations(w).map((emit) => m.add(region, w.function(emit)))
  m.element(0, functions, table)
  m.exportFunction(
    'f',
    m.add(
      region,
      w.function(() => entry(w)),
    ),
  )
  return m.finish()
}

/** The way in: the first parameter is an entry code. */
function entry(w: OperationWriter): void {
  const { f } = w
  const ask = (): void => {
    f.localGet(w.xcode)
    f.opIndex(OP.call, RUNTIME.revive!)
    w.goToAnswer()
  }
  f.localGet(IP)
  f.localTee(w.xcode)
  w.unitOf()
  f.localTee(IP)
  f.op(OP.i32_eqz)
  w.if(ask)
  // A unit has one entry; a code for another one is of a region that was here before.
  f.localGet(w.xcode)
  f.i32Const(255)
  f.op(OP.i32_and)
  w.if(ask)
  w.again()
}

/** What each opcode does, in the order of opcodes. */
function operations(w: OperationWriter): (() => void)[] {
  const structural = { ...dataOperations(w), ...controlOperations(w) }
  return [
    ...Object.keys(BYTECODE).map((name) => structural[name]!),
    ...computations.map((computation) => () => compute(w, computation)),
  ]
}

function compute(w: OperationWriter, computation: Computation): void {
  const { f, v } = w
  const { op, immediate, cc } = computation
  const argument = (i: number): Node => {
    const type = op.args[i]!
    const local = v.local(wholeValue[type].type)
    if (i === 1 && immediate) {
      f.localGet(IP)
      f.opMemory(type === 'i32' ? OP.i32_load : OP.i64_load32_s, 2, AT.word(2))
    } else w.operand(type, [AT.a, AT.b, AT.word(2)][i]!)
    f.localSet(local)
    return { ...node, local, uses: 1 }
  }
  const node: Node = {
    op,
    type: op.result,
    a: null,
    b: null,
    c: null,
    imm: cc,
    imm2: 0,
    bytes: null,
    uses: 1,
    local: -1,
  }
  if (op.args.length > 0) node.a = argument(0)
  if (op.args.length > 1) node.b = argument(1)
  if (op.args.length > 2) node.c = argument(2)
  w.half(AT.high)
  v.emit(node)
  if (op.result === 'i32') f.op(OP.i64_extend_i32_u)
  f.opMemory(op.result === 'i32' ? OP.i64_store : wholeValue[op.result!].store, 0, 0)
  w.next(computationWords(computation))
}
