/** Exists to say what a loss of power has left of the changes that a program had made to files. */

/** One change of files that had not been synced when power was lost. */
export interface FileChange {
  /** Number among all changes of the run, from 1 on. */
  id: number
  what: 'write' | 'store' | 'resize' | 'zero' | 'create' | 'link' | 'remove' | 'rename' | 'exchange'
  /** Absolute; the name that the file had when power was lost, or the name that was changed. */
  path: string
  /** What a rename or exchange made of it. */
  to?: string
  /** Bytes of the file; of `resize` the size before and after. 0 for changes of names. */
  offset: number
  length: number
  /** After how many instructions, by whom. */
  moment: number
  pid: number
  tid: number
  /** Whether the disk has it: `torn` for a part of it. */
  fate: 'kept' | 'lost' | 'torn'
}

/** What may be missing on the disk: anything not synced, in any order; or what ext4 with data=ordered may lose. */
export type DurabilityModel = 'posix' | 'ordered'

/** Power was lost, and what then was on the disk. */
export interface PowerLoss {
  model: DurabilityModel
  moment: number
  /** Who executed last. */
  pid: number
  tid: number
  /** The program had ended by itself. */
  ended: boolean
  /** Changes that had not been synced: those that are not wholly on the disk, the first few hundred of them. */
  missing: FileChange[]
  /** How many there were, and how many of them are wholly on the disk. */
  unsynced: number
  kept: number
  /** The first process after the machine was switched on again, and what it runs. */
  recoveryPid: number
  recovery: string[]
}
