/** Exists to tell those who wait for an open file description that something has happened to it. */
import { addEvent } from '../clock.ts'
import type { Kernel } from '../kernel.ts'
import { wakeFd } from '../tasks.ts'

/** Wakes who waits for a description, directly or through epoll; signalActivity (async.ts) is for everybody who makes it ready. */
export function stir(k: Kernel, id: number, events: 'read' | 'write' | 'both'): void {
  const description = k.state.fs.descriptions.get(id)
  if (!description) return
  description.activity++
  wakeFd(k, id, events)
  for (const watcher of description.watchers) {
    const ring = k.state.fs.descriptions.get(watcher)?.ring
    if (ring === undefined) stir(k, watcher, 'read')
    else if (!ring.due) {
      // Whatever happens here is to be over before an operation goes on.
      ring.due = true
      addEvent(k.state, k.now(), 'ring', watcher)
      k.attention = true
    }
  }
}
