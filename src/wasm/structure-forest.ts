/**
 * Exists to answer the questions that structuring asks of a graph: reverse postorder, immediate dominators, whether the
 * graph is reducible, and the nest of natural loops.
 */

/** A rooted directed graph; `succs[v]` may repeat a target. */
export interface Graph {
  readonly root: number
  readonly succs: readonly (readonly number[])[]
}

/**
 * Facts about the nodes that `root` reaches. Except in `order` and `position`, nodes are named by their position in
 * reverse postorder, so that 0 is the root, a dominator has a smaller number, and an edge to a number that is not larger is
 * a back edge.
 */
export interface Forest {
  /** Node at every position. */
  readonly order: readonly number[]
  /** Position of every node of the graph, -1 when it is not reachable. */
  readonly position: Int32Array
  /** Immediate dominator; the root's is itself. */
  readonly idom: Int32Array
  /** Number of incoming forward edges, repeated ones counted. */
  readonly forwardPreds: Int32Array
  /** True when every back edge leads to a dominator of its source; without it the loops mean nothing. */
  readonly reducible: boolean
  /** Header of the innermost loop that a node is in, -1 outside of loops; a header is in its own loop. */
  readonly loop: Int32Array
  /** For a loop header, the header of the next loop around it, or -1. */
  readonly outer: Int32Array
}

/** Analyses `graph`. Near linear for the graphs of compilers; a few microseconds for forty nodes. */
export function buildForest(graph: Graph): Forest {
  const { order, position } = reversePostorder(graph)
  const n = order.length

  // Incoming edges in compressed rows: those of v are `preds[start[v] .. start[v + 1])`.
  const start = new Int32Array(n + 2)
  const forwardPreds = new Int32Array(n)
  let edges = 0
  for (let u = 0; u < n; u++) {
    for (const node of graph.succs[order[u]]) {
      const v = position[node]
      start[v + 2]++
      edges++
      if (v > u) forwardPreds[v]++
    }
  }
  for (let v = 0; v < n; v++) start[v + 2] += start[v + 1]
  const preds = new Int32Array(edges)
  for (let u = 0; u < n; u++) for (const node of graph.succs[order[u]]) preds[start[position[node] + 1]++] = u

  const idom = dominators(n, start, preds)
  let reducible = true
  const loop = new Int32Array(n).fill(-1)
  const outer = new Int32Array(n).fill(-1)
  const work: number[] = []
  for (let header = n - 1; header >= 0; header--) {
    for (let i = start[header]; i < start[header + 1]; i++) {
      const latch = preds[i]
      if (latch < header) continue
      loop[header] = header
      let dominator = latch
      while (dominator > header) dominator = idom[dominator]
      if (dominator === header) work.push(latch)
      else reducible = false
    }
    // Inner headers come first in this order, so a node that is in a loop already stands for its whole outermost loop.
    while (work.length > 0) {
      let v = work.pop()!
      if (loop[v] < 0) {
        loop[v] = header
      } else {
        v = loop[v]
        while (outer[v] >= 0) v = outer[v]
        if (v === header) continue
        outer[v] = header
      }
      for (let i = start[v]; i < start[v + 1]; i++) work.push(preds[i])
    }
  }
  return { order, position, idom, forwardPreds, reducible, loop, outer }
}

/** True when the loop of `header` contains `v`. */
export function inLoop(forest: Forest, header: number, v: number): boolean {
  let h = forest.loop[v]
  while (h > header) h = forest.outer[h]
  return h === header
}

/** Depth-first search; the last successor is visited last and so stands right behind its predecessor if it can. */
function reversePostorder(graph: Graph): { order: number[]; position: Int32Array } {
  const { root, succs } = graph
  const position = new Int32Array(succs.length).fill(-1)
  const order: number[] = []
  const path = [root]
  const next = [0]
  position[root] = 0
  while (path.length > 0) {
    const top = path.length - 1
    const v = path[top]
    if (next[top] < succs[v].length) {
      const w = succs[v][next[top]++]
      if (position[w] < 0) {
        position[w] = 0
        path.push(w)
        next.push(0)
      }
    } else {
      order.push(v)
      path.pop()
      next.pop()
    }
  }
  order.reverse()
  for (let i = 0; i < order.length; i++) position[order[i]] = i
  return { order, position }
}

/** Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001), over positions in reverse postorder. */
function dominators(n: number, start: Int32Array, preds: Int32Array): Int32Array {
  const idom = new Int32Array(n).fill(-1)
  idom[0] = 0
  for (let changed = true; changed;) {
    changed = false
    for (let v = 1; v < n; v++) {
      let best = -1
      for (let i = start[v]; i < start[v + 1]; i++) {
        let p = preds[i]
        if (idom[p] < 0) continue
        if (best < 0) {
          best = p
          continue
        }
        while (p !== best) {
          if (p > best) p = idom[p]
          else best = idom[best]
        }
      }
      if (idom[v] !== best) {
        idom[v] = best
        changed = true
      }
    }
  }
  return idom
}
