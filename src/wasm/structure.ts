/**
 * Exists because WebAssembly has no `goto`: turns any control-flow graph into nested blocks, loops and ifs. It knows
 * graphs only, no instructions; the lowering fills in the code through {@link StructureSink}. README.md has an example.
 */

import { placeGraph } from './structure-place.ts'
import { reduceCfg } from './structure-reduce.ts'
import { STEP } from './structure-types.ts'
import type { Cfg, Plan, StructureSink } from './structure-types.ts'

export type { Cfg, Plan, StructureSink } from './structure-types.ts'

/** Finds the structure of a graph: makes it reducible, then places every block. */
export function planCfg(cfg: Cfg): Plan {
  return placeGraph(reduceCfg(cfg))
}

/**
 * Plays a plan to a sink. Control never reaches the point behind the last call; WebAssembly's validation does not always
 * see that, so where a result is due the sink's owner writes `unreachable` or its exit code there.
 */
export function emitStructured(plan: Plan, sink: StructureSink): void {
  for (const { kind, a, b, c } of plan.steps) {
    switch (kind) {
      case STEP.block:
        sink.block()
        break
      case STEP.loop:
        sink.loop()
        break
      case STEP.if:
        sink.if(a, b === 1)
        break
      case STEP.else:
        sink.else()
        break
      case STEP.end:
        sink.end()
        break
      case STEP.code:
        sink.code(a)
        break
      case STEP.leave:
        sink.leave(a)
        break
      case STEP.br:
        sink.br(a)
        break
      case STEP.brIf:
        sink.brIf(a, b === 1, c)
        break
      case STEP.brTable:
        sink.brTable(a, plan.rows[b])
        break
      case STEP.setLabel:
        sink.setLabel(a)
        break
      case STEP.brIfLabel:
        sink.brIfLabel(a, b)
        break
      case STEP.brLabelTable: {
        const row = plan.rows[b]
        sink.brLabelTable(a, row.slice(0, -1), row[row.length - 1])
        break
      }
    }
  }
}
