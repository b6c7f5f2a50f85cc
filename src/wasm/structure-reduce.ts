/**
 * Exists because structured control flow can express reducible graphs only, while regions have several entries, often
 * inside loops (return sites, resumption points), and guests may contain `goto` into loops.
 *
 * One mechanism serves all: a *dispatch* node, which switches on the label local. The idea is that of LLVM's
 * WebAssemblyFixIrreducibleControlFlow; what differs is that a dispatch replaces only edges that enter the loop from
 * outside and edges to one chosen header, not the loop's inner edges to its other entries.
 */

import { assert } from '../base/errors.ts'
import { buildForest } from './structure-forest.ts'
import type { Forest, Graph } from './structure-forest.ts'
import type { Cfg } from './structure-types.ts'

/** A reducible graph: the blocks of a {@link Cfg} at their own numbers, then the dispatch nodes. */
export interface Reduced extends Graph {
  readonly blocks: number
  /** For a block, the label to set before taking successor i, or -1; empty when the block never sets one. */
  readonly edgeLabels: readonly (readonly number[])[]
  /** For dispatch node `blocks + d`: the labels that lead to successor i. Successor 0 is the default and has none. */
  readonly dispatchLabels: readonly (readonly (readonly number[])[])[]
  readonly forest: Forest
}

interface Dispatch {
  /** Arm 0 is the default. */
  readonly labels: number[]
  readonly targets: number[]
}

/** Makes a control-flow graph reducible. A graph that is so already, with one entry, comes back unchanged. */
export function reduceCfg(cfg: Cfg): Reduced {
  assert(cfg.entries.length > 0 && cfg.succs.length === cfg.n, 'malformed control-flow graph')
  const oneEntry = cfg.entries.every((block) => block === cfg.entries[0])
  if (oneEntry) {
    const graph: Graph = { root: cfg.entries[0], succs: cfg.succs }
    const forest = buildForest(graph)
    if (forest.reducible && !isFlat(cfg, forest))
      return { ...graph, blocks: cfg.n, edgeLabels: cfg.succs.map(() => []), dispatchLabels: [], forest }
  }
  return new Reducer(cfg).run(oneEntry)
}

/** The state of one reduction. */
class Reducer {
  private readonly cfg: Cfg
  /** Current target of every edge of a block, and the label it sets. */
  private readonly targets: number[][]
  private readonly edgeLabels: number[][]
  private readonly dispatches: Dispatch[] = []
  /** Labels that stand for a block: its entry numbers, or one fresh number. */
  private readonly labelsOf = new Map<number, number[]>()
  private nextLabel: number
  private root: number
  private readonly preds: number[][]
  /** Preorder number of a depth-first search from the entries in their order; -1 when not reachable. */
  private readonly preorder: Int32Array
  /** Which component of the current split a block is in; components are never numbered twice. */
  private readonly component: Int32Array
  private components = 0
  /** Tarjan's numbers of a block: order of discovery, and the earliest block it is known to reach. */
  private readonly index: Int32Array
  private readonly low: Int32Array

  constructor(cfg: Cfg) {
    this.cfg = cfg
    this.targets = cfg.succs.map((s) => s.slice())
    this.edgeLabels = cfg.succs.map(() => [])
    this.nextLabel = cfg.entries.length
    this.root = cfg.entries[0]
    this.component = new Int32Array(cfg.n).fill(-1)
    this.index = new Int32Array(cfg.n)
    this.low = new Int32Array(cfg.n)
    this.preds = cfg.succs.map(() => [])
    this.preorder = preorderFromEntries(cfg)
    for (let u = 0; u < cfg.n; u++) if (this.preorder[u] >= 0) for (const v of cfg.succs[u]) this.preds[v].push(u)
    for (let i = 0; i < cfg.entries.length; i++) {
      const block = cfg.entries[i]
      const labels = this.labelsOf.get(block)
      if (labels) labels.push(i)
      else this.labelsOf.set(block, [i])
    }
  }

  run(oneEntry: boolean): Reduced {
    const { cfg } = this
    if (!oneEntry) {
      this.dispatches.push({ labels: cfg.entries.map((_, i) => i), targets: cfg.entries.slice() })
      this.root = cfg.n
    }
    const reachable: number[] = []
    for (let v = 0; v < cfg.n; v++) if (this.preorder[v] >= 0) reachable.push(v)
    this.split(reachable)
    // A root dispatch whose arms all lead to the same loop's dispatch has nothing to decide.
    if (!oneEntry && this.dispatches[0].targets.every((t) => t === this.dispatches[0].targets[0])) {
      this.root = this.dispatches[0].targets[0]
    }
    const merged = this.dispatches.map(mergeArms)
    const graph: Graph = { root: this.root, succs: [...this.targets, ...merged.map((d) => d.targets)] }
    const forest = buildForest(graph)
    assert(forest.reducible, 'a control-flow graph stayed irreducible')
    return { ...graph, blocks: cfg.n, edgeLabels: this.edgeLabels, dispatchLabels: merged.map((d) => d.labels), forest }
  }

  /** Gives every cycle among `blocks` a single entry, outer cycles first. */
  private split(blocks: readonly number[]): void {
    for (const cycle of this.cycles(blocks)) {
      const id = this.component[cycle[0]]
      const entered = cycle.filter((v) => this.isEntry(v) || this.preds[v].some((u) => this.component[u] !== id))
      const header = this.headerOf(cycle, entered)
      if (entered.length > 1 || header !== entered[0]) this.insertDispatch(id, header, entered)
      this.split(cycle.filter((v) => v !== header))
    }
  }

  /**
   * The natural header of a cycle is what normal control meets first. Where that is in a loop inside of the one that the first block is the head of, the first block
   * is: else the two loops would be one, and the inner would carry all that the outer changes.
   */
  private headerOf(cycle: readonly number[], entered: readonly number[]): number {
    const met = entered.reduce((a, b) => (this.preorder[b] < this.preorder[a] ? b : a))
    const first = cycle.reduce((a, b) => (b < a ? b : a))
    return first !== met && returnsTo(this.cfg, met, cycle, first) ? first : met
  }

  /** True when the block is an entry of the region: control comes to it from outside of everything. */
  private isEntry(v: number): boolean {
    const labels = this.labelsOf.get(v)
    return labels !== undefined && labels[0] < this.cfg.entries.length
  }

  /** Lets every edge into the component `id`, and every edge inside it to `header`, pass through a new dispatch node. */
  private insertDispatch(id: number, header: number, entered: readonly number[]): void {
    const node = this.cfg.n + this.dispatches.length
    const dispatch: Dispatch = { labels: [], targets: [] }
    for (const target of [header, ...entered.filter((v) => v !== header)]) {
      let labels = this.labelsOf.get(target)
      if (!labels) this.labelsOf.set(target, (labels = [this.nextLabel++]))
      for (const label of labels) {
        dispatch.labels.push(label)
        dispatch.targets.push(target)
      }
      for (const u of this.preds[target]) {
        if (this.component[u] === id && target !== header) continue
        const edges = this.targets[u]
        for (let i = 0; i < edges.length; i++) {
          if (edges[i] !== target) continue
          edges[i] = node
          const edgeLabels = this.edgeLabels[u]
          while (edgeLabels.length < edges.length) edgeLabels.push(-1)
          edgeLabels[i] = labels[0]
        }
      }
      // An outer dispatch has set the label already.
      for (const { targets } of this.dispatches) {
        for (let i = 0; i < targets.length; i++) if (targets[i] === target) targets[i] = node
      }
      if (this.root === target) this.root = node
    }
    this.dispatches.push(dispatch)
  }

  /** The strongly connected components of more than one block, by Tarjan's algorithm; numbers them in `component`. */
  private cycles(blocks: readonly number[]): number[][] {
    const found: number[][] = []
    const { component, index, low, targets } = this
    const inside = this.components++
    for (const v of blocks) {
      component[v] = inside
      index[v] = -1
    }
    let count = 0
    const stack: number[] = []
    const path: number[] = []
    const next: number[] = []
    for (const first of blocks) {
      if (index[first] >= 0) continue
      path.push(first)
      next.push(0)
      while (path.length > 0) {
        const v = path[path.length - 1]
        const edge = next[next.length - 1]++
        if (edge === 0) {
          index[v] = count++
          low[v] = index[v]
          stack.push(v)
        }
        if (edge < targets[v].length) {
          const w = targets[v][edge]
          if (w >= this.cfg.n || component[w] !== inside) continue
          if (index[w] < 0) {
            path.push(w)
            next.push(0)
          } else {
            low[v] = Math.min(low[v], index[w])
          }
          continue
        }
        path.pop()
        next.pop()
        if (path.length > 0) {
          const parent = path[path.length - 1]
          low[parent] = Math.min(low[parent], low[v])
        }
        if (low[v] !== index[v]) continue
        // Blocks leave `inside` with their component, which also keeps later edges from looking at them.
        const id = this.components++
        const cycle: number[] = []
        for (let w = -1; w !== v;) {
          w = stack.pop()!
          component[w] = id
          cycle.push(w)
        }
        if (cycle.length > 1) found.push(cycle)
      }
    }
    return found
  }
}

/** Can control go from `v` to `v` within the cycle, and neither through `without` nor through a block that keeps nothing in locals? */
function returnsTo({ succs, empties }: Cfg, v: number, cycle: readonly number[], without: number): boolean {
  const rest = new Set(cycle.filter((block) => block !== without && empties?.[block] !== true))
  if (!rest.has(v)) return false
  const work = [v]
  while (work.length > 0) {
    for (const w of succs[work.pop()!]) {
      if (w === v) return true
      if (rest.delete(w)) work.push(w)
    }
  }
  return false
}

/** Is the entry in a loop that is in another one, so that it would be the header of both? */
function isFlat(cfg: Cfg, forest: Forest): boolean {
  const [entry] = cfg.entries
  if (forest.loop[0] !== 0) return false
  const cycle = forest.order.filter((_, at) => forest.loop[at] >= 0 && outermost(forest, at) === 0)
  const first = cycle.reduce((a, b) => (b < a ? b : a))
  return first !== entry && returnsTo(cfg, entry, cycle, first)
}

function outermost({ loop, outer }: Forest, at: number): number {
  let header = loop[at]
  while (outer[header] >= 0) header = outer[header]
  return header
}

/** Lets arms with the same target share it. Arm 0's target becomes the default, which needs no labels. */
function mergeArms(dispatch: Dispatch): { targets: number[]; labels: number[][] } {
  const targets = [dispatch.targets[0]]
  const labels: number[][] = [[]]
  for (let i = 0; i < dispatch.targets.length; i++) {
    const target = dispatch.targets[i]
    if (target === targets[0]) continue
    let at = targets.indexOf(target)
    if (at < 0) {
      at = targets.push(target) - 1
      labels.push([])
    }
    labels[at].push(dispatch.labels[i])
  }
  return { targets, labels }
}

function preorderFromEntries(cfg: Cfg): Int32Array {
  const preorder = new Int32Array(cfg.n).fill(-1)
  let count = 0
  const work: number[] = []
  for (const entry of cfg.entries) {
    work.push(entry)
    while (work.length > 0) {
      const v = work.pop()!
      if (preorder[v] >= 0) continue
      preorder[v] = count++
      for (const w of cfg.succs[v]) if (preorder[w] < 0) work.push(w)
    }
  }
  return preorder
}
