/** Exists to say what an io_uring lets go of when its last descriptor is closed. */
import { removeEvent } from '../clock.ts'
import { releaseInode } from '../fs/inode.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'

/** Ends everything that is under way without a completion; the descriptions that were held are the caller's to release. */
export function closeRing(k: Kernel, d: Description): number[] {
  const ring = d.ring!
  const { fs } = k.state
  const held: number[] = []
  for (const { id, description } of ring.pending) {
    removeEvent(k.state, 'ring', d.id, id)
    const file = fs.descriptions.get(description)
    if (file === undefined) continue
    file.watchers = file.watchers.filter((watcher) => watcher !== d.id)
    held.push(description)
  }
  removeEvent(k.state, 'ring', d.id)
  ring.pending = []
  for (const file of ring.files ?? []) if (file !== 0) held.push(file)
  if (ring.eventfd !== 0) held.push(ring.eventfd)
  releaseInode(fs, ring.rings)
  releaseInode(fs, ring.sqes)
  return held
}
