/** Exists to draw which of the changes that were not synced are on the disk when power is lost, within what the model of durability allows. */
import { nextBelow } from '../../base/random.ts'
import { closure } from './pending.ts'
import type { Change, DataChange, Disk, NameChange } from './state.ts'

/** Bytes that a disk writes as a whole or not at all. */
export const SECTOR = 512
/** Bytes in which the kernel writes files back, and by which files grow on the disk. */
const PAGE = 4096

/** What the disk has of a file: its size, and for each sector how many of the file's changes it has seen. */
export interface FileFate {
  changes: DataChange[]
  size: number
  versions: Map<number, number>
  /** Of sectors that are not in `versions`. */
  version: number
}

export interface Survival {
  names: Set<NameChange>
  files: Map<number, FileFate>
}

type Draw = (below: number) => number

/** Draws what of the pending changes is on the disk; advances the disk's random stream. */
export function drawSurvival(disk: Disk): Survival {
  const { random, pending, plan } = disk
  const draw: Draw = (below) => nextBelow(random, below)
  const names = pending.filter((change) => change.kind === 'names')
  // Everything up to a moment, nothing at all, names ahead of bytes, bytes ahead of names, or each for itself.
  const style = (['until', 'until', 'none', 'names', 'names', 'data', 'each', 'each'] as const)[draw(8)]!
  const until = style === 'until' ? cutOf(pending, draw) : style === 'none' ? 0 : Infinity
  const isDrawn = style === 'data' || style === 'each'
  const journal = plan.model === 'ordered' && isDrawn ? cutOf(pending, draw) : until
  const kept = plan.model === 'posix' && isDrawn ? drawNames(names, draw) : names.filter(({ id }) => id < journal)
  const files = new Map<number, FileFate>()
  for (const [inode, changes] of byFile(pending)) {
    const kind = style === 'until' || style === 'none' ? 'until' : style === 'data' ? 'keep' : undefined
    files.set(inode, drawFile(changes, kind, until, plan.model === 'ordered' ? journal : null, draw))
  }
  return { names: new Set(kept), files }
}

/** The number of the first change that a prefix does not have. */
function cutOf(pending: readonly Change[], draw: Draw): number {
  return pending[draw(pending.length + 1)]?.id ?? Infinity
}

function byFile(pending: readonly Change[]): Map<number, DataChange[]> {
  const files = new Map<number, DataChange[]>()
  for (const change of pending) {
    if (change.kind === 'names') continue
    const known = files.get(change.inode)
    if (known === undefined) files.set(change.inode, [change])
    else known.push(change)
  }
  return files
}

/** Each change of names is there or not, but none without those that it rests upon. */
function drawNames(names: readonly NameChange[], draw: Draw): NameChange[] {
  const kept: NameChange[] = []
  const slots = new Set<string>()
  const missing = new Set<number>()
  const full = new Set<number>()
  for (const change of names) {
    const wanted = draw(2) === 0
    const isFree = change.slots.every(
      ({ dir, name, before, after }) =>
        !slots.has(`${dir}/${name}`) &&
        !missing.has(dir) &&
        !full.has(before ?? -1) &&
        !missing.has(before ?? after ?? -1),
    )
    if (wanted && isFree) {
      kept.push(change)
      continue
    }
    for (const { dir, name, after, before, isDirectory } of change.slots) {
      slots.add(`${dir}/${name}`)
      full.add(dir)
      if (isDirectory) missing.add((after ?? before)!)
    }
  }
  return kept
}

/** What the disk has of one file. `journal`: changes of metadata are there exactly if their number is lower; null: as the rest. */
function drawFile(
  changes: DataChange[],
  given: 'until' | 'keep' | undefined,
  until: number,
  journal: number | null,
  draw: Draw,
): FileFate {
  const count = changes.length
  const kind = given ?? (['lose', 'keep', 'until', 'until', 'pages', 'sectors'] as const)[draw(6)]!
  const [low, high] = bounds(changes, journal)
  const inBounds = (version: number): number => Math.min(high, Math.max(low, version))
  const before = changes.findIndex(({ id }) => id >= until)
  const cut = given === 'until' ? (before < 0 ? count : before) : draw(count + 1)
  const version = inBounds(kind === 'lose' ? 0 : kind === 'until' ? cut : count)
  const fate: FileFate = { changes, size: sizeAt(changes, version), versions: new Map(), version }
  if (kind === 'pages' || kind === 'sectors') {
    scatter(fate, kind === 'pages' ? PAGE : SECTOR, low, high, draw)
    if (draw(2) === 0) fate.size = sizeAt(changes, inBounds(draw(count + 1)))
  } else if (kind === 'until' && version < high && draw(2) === 0) tear(fate, changes[version]!, draw)
  if (journal !== null) order(fate, low, high, draw)
  else keepCutsWhole(fate)
  return fate
}

/** The fewest and most changes that any part of the file can have seen. */
function bounds(changes: readonly DataChange[], journal: number | null): [number, number] {
  let low = 0
  let high = changes.length
  changes.forEach(({ kind, durable, id }, i) => {
    const isMetadata = kind === 'resize' || kind === 'zero'
    if (durable || (journal !== null && isMetadata && id < journal)) low = i + 1
    else if (journal !== null && isMetadata) high = Math.min(high, i)
  })
  return [low, Math.max(low, high)]
}

/** The file's size after so many of its changes. */
function sizeAt(changes: readonly DataChange[], version: number): number {
  return version === 0 ? changes[0]!.sizeBefore : changes[version - 1]!.sizeAfter
}

function* unitsOf(changes: readonly DataChange[], unit: number): Generator<number> {
  const seen = new Set<number>()
  for (const { offset, length } of changes)
    for (let at = Math.floor(offset / unit); at * unit < offset + length; at++)
      if (!seen.has(at)) {
        seen.add(at)
        yield at
      }
}

/** Each page, or each sector, is there or not, or as it was at some time in between. */
function scatter(fate: FileFate, unit: number, low: number, high: number, draw: Draw): void {
  for (const at of unitsOf(fate.changes, unit)) {
    const how = draw(4)
    const version = how < 2 ? high : how === 2 ? low : low + draw(high - low + 1)
    for (let sector = (at * unit) / SECTOR; sector < ((at + 1) * unit) / SECTOR; sector++)
      fate.versions.set(sector, version)
  }
}

/** Power went while the next change was being written: the first sectors have it, or any of them. */
function tear(fate: FileFate, change: DataChange, draw: Draw): void {
  if (change.length === 0 || change.kind === 'resize' || change.kind === 'zero') return
  const first = Math.floor(change.offset / SECTOR)
  const count = Math.ceil((change.offset + change.length) / SECTOR) - first
  const front = draw(2) === 0 ? draw(count + 1) : -1
  for (let i = 0; i < count; i++)
    if (front >= 0 ? i < front : draw(2) === 0) fate.versions.set(first + i, fate.version + 1)
  if (change.sizeAfter <= change.sizeBefore) return
  // The size is there before the bytes, or as far as pages have been written.
  const reached = front < 0 ? change.sizeAfter : Math.floor(((first + front) * SECTOR) / PAGE) * PAGE
  fate.size = draw(2) === 0 ? change.sizeAfter : Math.min(change.sizeAfter, Math.max(fate.size, reached))
}

/** ext4 with data=ordered: a file grows on the disk only by pages that have been written, from the front on. */
function order(fate: FileFate, low: number, high: number, draw: Draw): void {
  const { changes } = fate
  let base = sizeAt(changes, low)
  for (let i = low; i < high; i++) base = Math.min(base, changes[i]!.sizeAfter)
  const top = fate.size
  if (top <= base) return
  const isWhole = fate.versions.size === 0
  const pages = Math.ceil(top / PAGE) - Math.floor(base / PAGE)
  const size = isWhole ? top : Math.min(top, Math.max(base, (Math.floor(base / PAGE) + draw(pages + 1)) * PAGE))
  fate.size = size
  if (isWhole) return
  for (const sector of unitsOf(changes, SECTOR)) if ((sector + 1) * SECTOR > base) fate.versions.set(sector, high)
}

/** A cut or a hole is made as a whole: where it was made, no sector is from before it if the size is not, and none from after it if the size is. */
function keepCutsWhole(fate: FileFate): void {
  const { changes } = fate
  let reached = changes.length
  if (changes.some(({ kind }) => kind === 'resize' || kind === 'zero')) {
    // The version that the size stands for.
    reached = changes.findLastIndex(({ sizeAfter }) => sizeAfter <= fate.size) + 1
    if (changes.length > 0 && fate.size === sizeAt(changes, fate.version)) reached = fate.version
  }
  changes.forEach(({ kind, durable, offset, length }, i) => {
    if (kind !== 'resize' && kind !== 'zero') return
    const isThere = i < reached || durable
    for (let sector = Math.floor(offset / SECTOR); sector * SECTOR < offset + length; sector++) {
      const version = fate.versions.get(sector) ?? fate.version
      if (isThere ? version <= i : version > i) fate.versions.set(sector, isThere ? i + 1 : i)
    }
  })
}

/** Has everything, or some changes, reach the disk after all: what is drawn stays as it is for the others. */
export function spareChanges({ pending, plan }: Disk, survival: Survival): void {
  const { spare } = plan
  if (spare === undefined) return
  const isSpared = ({ id }: Change): boolean => spare === 'all' || spare.includes(id)
  for (const change of closure(pending, isSpared)) survival.names.add(change)
  for (const fate of survival.files.values()) {
    const { changes } = fate
    if (spare === 'all') {
      fate.version = changes.length
      fate.versions.clear()
      fate.size = sizeAt(changes, changes.length)
      continue
    }
    changes.forEach((change, i) => {
      if (!isSpared(change)) return
      for (const sector of unitsOf([change], SECTOR))
        if ((fate.versions.get(sector) ?? fate.version) <= i) fate.versions.set(sector, i + 1)
      if (change.sizeAfter > change.sizeBefore) fate.size = Math.max(fate.size, change.sizeAfter)
      if (change.sizeAfter < change.sizeBefore) fate.size = Math.min(fate.size, change.sizeAfter)
    })
  }
}

/** Whether the disk has a change of a file: wholly, in part, or not. */
export function fateOf(fate: FileFate, index: number): 'kept' | 'lost' | 'torn' {
  const change = fate.changes[index]!
  if (change.length === 0) return isReached(fate, change.sizeAfter, change.sizeBefore) ? 'kept' : 'lost'
  let has = 0
  let sectors = 0
  for (const sector of unitsOf([change], SECTOR)) {
    sectors++
    const start = Math.max(sector * SECTOR, change.offset)
    if ((fate.versions.get(sector) ?? fate.version) > index && (change.kind === 'resize' || start < fate.size)) has++
  }
  if (has === 0) return 'lost'
  const isCut =
    change.kind !== 'resize' && fate.size < Math.min(change.offset + change.length, lowest(fate.changes, index))
  return has === sectors && !isCut ? 'kept' : 'torn'
}

function isReached(fate: FileFate, after: number, before: number): boolean {
  return after > before ? fate.size >= after : fate.size <= after
}

/** The smallest size that later changes have made of the file: what is behind it was not lost, but cut. */
function lowest(changes: readonly DataChange[], from: number): number {
  let least = Infinity
  for (let i = from; i < changes.length; i++) least = Math.min(least, changes[i]!.sizeAfter)
  return least
}
