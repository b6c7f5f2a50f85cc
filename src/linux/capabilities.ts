/**
 * Exists to say what a task may do beyond its user's rights (capabilities(7)). A task has the sets that its ids give it (all of root's, none of anybody
 * else's) until it changes them: only then are they kept.
 */
import type { CapabilitySets, Credentials, Task } from './state.ts'

/** By number, those that the machine asks for. */
export const CAP = {
  chown: 0,
  dacOverride: 1,
  dacReadSearch: 2,
  fowner: 3,
  fsetid: 4,
  kill: 5,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  netBindService: 10,
  ipcOwner: 15,
  sysChroot: 18,
  sysPtrace: 19,
  sysAdmin: 21,
  sysNice: 23,
  sysResource: 24,
  mknod: 27,
} as const
/** Highest capability number of Linux 6.1 (CAP_CHECKPOINT_RESTORE). */
export const CAP_LAST = 40
export const ALL_CAPABILITIES = (1n << BigInt(CAP_LAST + 1)) - 1n
/** Those that follow the file-system uid: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE. */
const OF_FILES = 0x1n | 0x2n | 0x4n | 0x8n | 0x10n | (1n << 9n) | (1n << 27n) | (1n << 32n)

/** The sets that ids give by themselves. */
function usual({ uid }: Credentials): CapabilitySets {
  const permitted = uid.slice(0, 3).includes(0) ? ALL_CAPABILITIES : 0n
  const others = uid[1] === 0 ? permitted & ~OF_FILES : 0n
  const files = uid[3] === 0 ? permitted & OF_FILES : 0n
  return { effective: others | files, permitted, inheritable: 0n, bounding: ALL_CAPABILITIES, ambient: 0n }
}

/** A task's sets: a copy. */
export function capabilitiesOf(credentials: Credentials): CapabilitySets {
  return { ...(credentials.capabilities ?? usual(credentials)) }
}

/** Gives a task its sets; kept only where they are not those that its ids give it. */
export function setCapabilities(credentials: Credentials, sets: CapabilitySets): void {
  const plain = usual(credentials)
  const same = (Object.keys(plain) as (keyof CapabilitySets)[]).every((name) => plain[name] === sets[name])
  if (same) delete credentials.capabilities
  else credentials.capabilities = sets
}

/** Whether a capability is in effect. */
export function capable({ credentials }: { credentials: Credentials }, capability: number): boolean {
  const { effective } = credentials.capabilities ?? usual(credentials)
  return ((effective >> BigInt(capability)) & 1n) !== 0n
}

/** Gives a task other user ids, with what that does to its capabilities (cap_emulate_setxuid, and for the file-system uid cap_task_fix_setuid). */
export function changeUser(t: Task, uid: Credentials['uid'], keep: boolean): void {
  const { credentials } = t
  const sets = capabilitiesOf(credentials)
  const before = credentials.uid
  credentials.uid = uid
  const had = before.slice(0, 3).includes(0)
  const has = uid.slice(0, 3).includes(0)
  if (had && !has && !keep) sets.permitted = sets.effective = 0n
  if (had && !has) sets.ambient = 0n
  if (before[1] === 0 && uid[1] !== 0) sets.effective = 0n
  else if (before[1] !== 0 && uid[1] === 0) sets.effective = sets.permitted
  else if (before[3] === 0 && uid[3] !== 0) sets.effective &= ~OF_FILES
  else if (before[3] !== 0 && uid[3] === 0) sets.effective |= sets.permitted & OF_FILES
  setCapabilities(credentials, sets)
}

/** A program is executed: root gets what the bounding set lets through, anybody else the ambient set; what can be inherited stays. */
export function capabilitiesAtExec(credentials: Credentials): void {
  if (credentials.capabilities === undefined) return
  const { inheritable, bounding, ambient } = credentials.capabilities
  const root = credentials.uid[0] === 0 || credentials.uid[1] === 0
  const permitted = root ? inheritable | bounding : ambient
  const effective = root && credentials.uid[1] !== 0 ? 0n : permitted
  setCapabilities(credentials, { effective, permitted, inheritable, bounding, ambient: root ? 0n : ambient })
}
