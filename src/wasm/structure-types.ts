/** Exists so that the steps of structuring share their input, their result and the interface that the lowering implements. */

/** A control-flow graph. Blocks are numbered `0..n-1`; blocks that no entry reaches are dropped. */
export interface Cfg {
  readonly n: number
  /** Block of every entry, `entries[0]` the normal one. Two entries may share a block. */
  readonly entries: readonly number[]
  /**
   * Ordered successors. None: the block leaves the graph. One: it goes there. Two: `[0]` when its condition holds, `[1]`
   * otherwise. More: a switch. A block may name a successor twice.
   */
  readonly succs: readonly (readonly number[])[]
  /** Blocks behind which nothing is in locals any more, calls above all: a loop through them has nothing to carry. */
  readonly empties?: readonly boolean[]
}

/** Kinds of {@link Plan} steps; the comment gives the operands. */
export const STEP = {
  /** Unused. */ block: 0,
  /** Unused. */ loop: 1,
  /** Block, sense (1 or 0). */ if: 2,
  /** Unused. */ else: 3,
  /** Unused. */ end: 4,
  /** Block. */ code: 5,
  /** Block. */ leave: 6,
  /** Depth. */ br: 7,
  /** Block, sense, depth. */ brIf: 8,
  /** Block, row of depths. */ brTable: 9,
  /** Label value. */ setLabel: 10,
  /** Label value, depth. */ brIfLabel: 11,
  /** First label value, row of depths whose last is the default. */ brLabelTable: 12,
} as const

/** One action of a plan: a kind of {@link STEP} and up to three operands. */
export interface Step {
  readonly kind: number
  readonly a: number
  readonly b: number
  readonly c: number
}

/** Structured code without the code: plain data, independent of the sink. */
export interface Plan {
  /**
   * True when the code needs the label: an i32 local that must hold the entry number (an index into `entries`) at the
   * start and that `setLabel` changes later. False for a reducible graph with one entry.
   */
  readonly usesLabel: boolean
  readonly steps: readonly Step[]
  /** Depths of switches and dispatches. */
  readonly rows: readonly (readonly number[])[]
}

/**
 * Receives structured code in text order. Depths are WebAssembly's: 0 is the innermost construct that this sink was told
 * to open. A sink that has opened constructs of its own since then adds their number; it may keep constructs open around
 * the whole graph (an exit block) and reach them by counting `block`, `loop`, `if` and `end`.
 *
 * A block with two successors has a condition. The methods that get `(b, sense)` evaluate it, when they are called and
 * not before, and act when it equals `sense`: `true` stands for `succs[b][0]`, `false` for `succs[b][1]`. They are called
 * at most once a block (never when both successors are the same), after `code(b)`.
 */
export interface StructureSink {
  block(): void
  loop(): void
  /** Opens an `if` that is entered when the condition of `b` equals `sense`. */
  if(b: number, sense: boolean): void
  else(): void
  end(): void
  /** Emits block `b` without its terminator. */
  code(b: number): void
  /** Emits the end of a block without successors; must not fall through. */
  leave(b: number): void
  br(depth: number): void
  /** Branches when the condition of `b` equals `sense`, else falls through. */
  brIf(b: number, sense: boolean, depth: number): void
  /** Ends a block with more than two successors: `depths[i]` leads to `succs[b][i]`; must not fall through. */
  brTable(b: number, depths: readonly number[]): void
  /** Sets the label local to a constant. */
  setLabel(value: number): void
  /** Branches when the label equals `value`, else falls through (the frequent case). */
  brIfLabel(value: number, depth: number): void
  /** Branches to `depths[label - base]`, or to `otherwise` (the frequent case) when the label is out of that range. */
  brLabelTable(base: number, depths: readonly number[], otherwise: number): void
}
