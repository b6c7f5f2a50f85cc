/** Exists to tell those who wait for an open file description that something has happened to it. */
import type { Kernel } from '../kernel.ts'
import { wakeFd } from '../tasks.ts'

/** Wakes who waits for a description, directly or through epoll; signalActivity (async.ts) is for everybody who makes it ready. */
export function stir(k: Kernel, id: number, events: 'read' | 'write' | 'both'): void {
  const description = k.state.fs.descriptions.get(id)
  if (!description) return
  description.activity++
  wakeFd(k, id, events)
  for (const watcher of description.watchers) stir(k, watcher, 'read')
}
