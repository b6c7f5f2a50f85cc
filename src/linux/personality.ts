/** Exists to hold what a process has asked for by personality(2) and its mappings must know. */
import { PROT } from '../engine/address-space.ts'
import type { Process } from './state.ts'

/** Bits that mean something here or change nothing. */
export const PERSONALITY = { noRandomize: 0x4_0000, compatLayout: 0x20_0000, readImpliesExec: 0x40_0000 } as const

/** The rights that a mapping gets: what can be read can be executed, too, where READ_IMPLIES_EXEC says so. */
export function grantedRights({ personality }: Process, rights: number): number {
  return personality & PERSONALITY.readImpliesExec && rights & PROT.read ? rights | PROT.exec : rights
}
