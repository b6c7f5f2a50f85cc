/**
 * Exists to nest the blocks of a reducible graph into WebAssembly's constructs, after Ramsey, "Beyond Relooper: Recursive
 * Translation of Unstructured Control Flow to Structured Control Flow" (ICFP 2022): a block stands inside its immediate
 * dominator's text; a block with several predecessors stands behind a `block` construct that these branch out of.
 *
 * One difference: what a loop leaves to stands behind the loop, not inside it, so that V8 sees loops without their
 * surroundings. A block's place is then below a dominator of it, not always below the immediate one.
 */

import { inLoop } from './structure-forest.ts'
import type { Forest } from './structure-forest.ts'
import type { Reduced } from './structure-reduce.ts'
import { NO_NAME, resolveSteps } from './structure-resolve.ts'
import { STEP } from './structure-types.ts'
import type { Plan, Step } from './structure-types.ts'

/** A dispatch with at most this many labels besides the default compares them one after the other. */
const MOST_COMPARISONS = 2
/** A dispatch table may have this many rows, and three for every label, before comparisons are shorter. */
const MOST_ROWS = 16

/** Orders the code of the whole graph. */
export function placeGraph(graph: Reduced): Plan {
  const placer = new Placer(graph)
  placer.node(0)
  return resolveSteps(placer.steps, placer.rows)
}

/**
 * Writes the steps, with names of constructs instead of depths. Nodes are called by their position in reverse postorder
 * (`v`, `w`) except where the graph's own numbers are needed (`node`).
 */
class Placer {
  readonly steps: Step[] = []
  readonly rows: number[][] = []
  private readonly graph: Reduced
  private readonly forest: Forest
  /** Nodes placed below a node that are reached by branching out of a `block`, ascending. */
  private readonly merges: number[][] = []
  /** Nodes placed behind the loop of a header, ascending. */
  private readonly follows: number[][] = []
  /** 1 for a node that stands where its only predecessor goes to it. */
  private readonly inline: Uint8Array
  /** Number of nodes placed below a node, itself included: tells which arm of an `if` is the short one. */
  private readonly weight: Int32Array
  /** Constructs are named `2v` (the block that ends before v), `2v + 1` (the loop of v), and upwards of these. */
  private nextName: number

  constructor(graph: Reduced) {
    const { forest } = graph
    const n = forest.order.length
    this.graph = graph
    this.forest = forest
    this.inline = new Uint8Array(n)
    this.weight = new Int32Array(n).fill(1)
    this.nextName = 2 * n
    for (let v = 0; v < n; v++) {
      this.merges.push([])
      this.follows.push([])
    }
    const parent = new Int32Array(n)
    for (let v = 1; v < n; v++) {
      const dominator = forest.idom[v]
      const left = outermostLoopLeft(forest, dominator, v)
      parent[v] = left >= 0 ? left : dominator
      if (left >= 0) this.follows[left].push(v)
      else if (forest.forwardPreds[v] === 1 && this.mayInline(dominator, v)) this.inline[v] = 1
      else this.merges[dominator].push(v)
    }
    for (let v = n - 1; v > 0; v--) this.weight[parent[v]] += this.weight[v]
  }

  /** Emits `v` and everything placed below it. */
  node(v: number): void {
    const merges = this.merges[v]
    const follows = this.follows[v]
    const isLoop = this.forest.loop[v] === v
    for (let i = follows.length - 1; i >= 0; i--) this.step(STEP.block, 2 * follows[i])
    if (isLoop) this.step(STEP.loop, 2 * v + 1)
    for (let i = merges.length - 1; i >= 0; i--) this.step(STEP.block, 2 * merges[i])
    this.own(v)
    for (const merge of merges) {
      this.step(STEP.end, 2 * merge)
      this.node(merge)
    }
    if (isLoop) this.step(STEP.end, NO_NAME)
    for (const follow of follows) {
      this.step(STEP.end, 2 * follow)
      this.node(follow)
    }
  }

  /** Emits the code of `v`, its terminator, and the nodes that are inline in it. */
  private own(v: number): void {
    const { blocks, succs, edgeLabels } = this.graph
    const node = this.forest.order[v]
    if (node >= blocks) {
      this.dispatch(v, node)
      return
    }
    this.step(STEP.code, node)
    const targets = succs[node]
    const labels = edgeLabels[node]
    if (targets.length === 0) this.step(STEP.leave, node)
    else if (targets.length === 1) this.go(v, targets[0], labels[0])
    else if (targets.length === 2) this.condition(v, node, targets, labels)
    else this.switch(v, node, targets, labels)
  }

  private condition(v: number, node: number, targets: readonly number[], labels: readonly number[]): void {
    if (targets[0] === targets[1] && labels[0] === labels[1]) {
      this.go(v, targets[0], labels[0])
      return
    }
    const a = this.forest.position[targets[0]]
    const b = this.forest.position[targets[1]]
    const inlineA = this.isInline(v, a)
    const inlineB = this.isInline(v, b)
    if (inlineA && inlineB) {
      // The short arm first: if it does not fall through, the long one needs no nesting.
      const first = this.weight[a] <= this.weight[b] ? 0 : 1
      this.step(STEP.if, node, 1 - first)
      this.go(v, targets[first], labels[first])
      this.step(STEP.else)
      this.go(v, targets[1 - first], labels[1 - first])
      this.step(STEP.end, NO_NAME)
      return
    }
    // Branch back, or far, and fall through to inline code or to what stands nearer in the text.
    let branch: number
    if (inlineA) branch = 1
    else if (inlineB || a <= v) branch = 0
    else branch = b <= v || isNearer(this.forest, v, a, b) ? 1 : 0
    this.setLabel(labels[branch])
    this.step(STEP.brIf, node, 1 - branch, this.name(v, targets[branch]))
    this.go(v, targets[1 - branch], labels[1 - branch])
  }

  private switch(v: number, node: number, targets: readonly number[], labels: readonly number[]): void {
    // A successor that wants the label set is reached through a landing that sets it.
    const landings: { name: number; target: number; label: number }[] = []
    const row = targets.map((target, i) => {
      const label = labels[i] ?? -1
      if (label < 0) return this.name(v, target)
      let landing = landings.find((known) => known.label === label)
      if (!landing) landings.push((landing = { name: this.nextName++, target, label }))
      return landing.name
    })
    for (let i = landings.length - 1; i >= 0; i--) this.step(STEP.block, landings[i].name)
    this.step(STEP.brTable, node, this.rows.push(row) - 1)
    for (const { name, target, label } of landings) {
      this.step(STEP.end, name)
      this.go(v, target, label)
    }
  }

  private dispatch(v: number, node: number): void {
    const targets = this.graph.succs[node]
    const arms = this.graph.dispatchLabels[node - this.graph.blocks]
    if (comparesLabels(arms)) {
      for (let i = 1; i < arms.length; i++) {
        for (const label of arms[i]) this.step(STEP.brIfLabel, label, this.name(v, targets[i]))
      }
      this.go(v, targets[0], -1)
      return
    }
    const { base, size } = labelRange(arms)
    const otherwise = this.name(v, targets[0])
    const row = Array.from({ length: size + 1 }, () => otherwise)
    for (let i = 1; i < arms.length; i++) {
      for (const label of arms[i]) row[label - base] = this.name(v, targets[i])
    }
    this.step(STEP.brLabelTable, base, this.rows.push(row) - 1)
  }

  /** Sets the label and continues at `target`, either here or by a branch. */
  private go(v: number, target: number, label: number): void {
    this.setLabel(label)
    const w = this.forest.position[target]
    if (this.isInline(v, w)) this.node(w)
    else this.step(STEP.br, this.name(v, target))
  }

  /** True when the edge from `v` to `w` is the one that `w` stands at; a back edge to an inline loop is not. */
  private isInline(v: number, w: number): boolean {
    return w > v && this.inline[w] === 1
  }

  private setLabel(label: number | undefined): void {
    if (label !== undefined && label >= 0) this.step(STEP.setLabel, label)
  }

  /** The construct to branch to from `v` to reach `target`. */
  private name(v: number, target: number): number {
    const w = this.forest.position[target]
    return w <= v ? 2 * w + 1 : 2 * w
  }

  /** False when the predecessor reaches `w` through a table, which needs a construct's name. */
  private mayInline(predecessor: number, w: number): boolean {
    const { blocks, succs, dispatchLabels } = this.graph
    const node = this.forest.order[predecessor]
    if (node < blocks) return succs[node].length <= 2
    return succs[node][0] === this.forest.order[w] && comparesLabels(dispatchLabels[node - blocks])
  }

  private step(kind: number, a = 0, b = 0, c = 0): void {
    this.steps.push({ kind, a, b, c })
  }
}

/** Header of the outermost loop that contains `from` but not `to`, or -1. */
function outermostLoopLeft(forest: Forest, from: number, to: number): number {
  let left = -1
  for (let h = forest.loop[from]; h >= 0 && !inLoop(forest, h, to); h = forest.outer[h]) left = h
  return left
}

/** True when of two nodes behind `from` the text has `a` first: nodes of a loop stand before those that it leaves to. */
function isNearer(forest: Forest, from: number, a: number, b: number): boolean {
  for (let h = forest.loop[from]; h >= 0; h = forest.outer[h]) {
    const stays = inLoop(forest, h, a)
    if (stays !== inLoop(forest, h, b)) return stays
  }
  return a < b
}

/** True when a dispatch with these arms is written as comparisons, false when as a table. */
function comparesLabels(arms: readonly (readonly number[])[]): boolean {
  const { count, size } = labelRange(arms)
  return count <= MOST_COMPARISONS || size > MOST_ROWS + 3 * count
}

function labelRange(arms: readonly (readonly number[])[]): { count: number; base: number; size: number } {
  let count = 0
  let least = Infinity
  let most = -Infinity
  for (const arm of arms) {
    for (const label of arm) {
      count++
      least = Math.min(least, label)
      most = Math.max(most, label)
    }
  }
  return { count, base: least, size: most - least + 1 }
}
