/** Exists to tell those who wait for an open file description that something has happened to it. */
import type { Kernel } from '../kernel.ts'
import { wakeFd } from '../tasks.ts'

/** Something happened that makes a description readable or writable: wakes who waits for it, directly or through epoll. */
export function signalActivity(k: Kernel, id: number, events: 'read' | 'write' | 'both'): void {
  const description = k.state.fs.descriptions.get(id)
  if (!description) return
  description.activity++
  wakeFd(k, id, events)
  for (const watcher of description.watchers) signalActivity(k, watcher, 'read')
}
