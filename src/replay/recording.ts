/** Exists to say what is needed to execute a run again: a recording, as plain data. */
import type { HostError, HostStat, HostTerminal, TerminalNews } from '../host/host.ts'
import type { PowerLossPlan } from '../linux/power/state.ts'
import type { Branch, Change } from '../linux/state.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { Suppression } from '../tool/suppression.ts'

export type { Change }

/** Version of the recording's form, on disk and in memory. It grows when an older lemming could not read a newer one's recordings. */
export const RECORDING_FORMAT = 2

/** What a machine is made with. With the answers of the world, a run is a function of this. */
export interface RunInputs {
  /** Absolute path of the program. */
  path: string
  argv: string[]
  /** `K=V`, in this order on the program's stack. */
  env: string[]
  /** Absolute. */
  cwd: string
  seed: number
  options: MachineChoices
  /** What watches the run; it changes nothing of it. */
  checks?: CheckChoices
}

/** Checks, so that a replay reports what the run did. */
export interface CheckChoices {
  /** `memory`, `leak`. */
  names: string[]
  /** Whether `memory` looks for uses of undefined values. */
  undefinedValues?: boolean
  suppressions: Suppression[]
  /** Ways to leak that are told one by one; the others are only summed up. */
  leakKinds: string[]
  /** Moments, ascending, at which `leak` looks, too. */
  leakAt?: number[]
}

/** A directory or file of the host that is mounted into the machine: absolute paths. */
export interface MountChoice {
  host: string
  guest: string
  /** Changes reach the host; otherwise there can be none. */
  writable: boolean
}

/** Options of the machine; they change the execution, and so they are part of a recording. */
interface MachineChoices {
  /** Name of the scheduling strategy. */
  strategy: string
  /** Processors that the program believes in. */
  cpus: number
  /** Virtual nanoseconds per instruction. */
  clockRate: number
  /** CLOCK_REALTIME at the start, in seconds since 1970, and bytes of memory that the program believes in; absent in early recordings, which have EPOCH and MEMORY (linux/defaults.ts). */
  epoch?: number
  memory?: number
  /** User and group that the program believes to be. */
  uid: number
  gid: number
  /** umask(2) at the start; absent in early recordings, which have 022. */
  umask?: number
  /** Bytes of address space that each process may have (RLIMIT_AS); absent for no limit. */
  memoryLimit?: number
  /** Moments at which the schedule goes on with another seed, or something is changed, ascending; absent for none. */
  branches?: Branch[]
  /** Power is lost once, and then comes back; absent where it does not. */
  powerLoss?: PowerLossPlan
  /** What of the host is mounted where; absent for none. */
  mounts?: MountChoice[]
  /** Virtual nanoseconds after which the run ends as hung, or null for none. */
  timeLimit: number | null
  /** Instructions after which the run ends as hung; absent for none. */
  instructionLimit?: number
  /** Who answers the allocation functions: the program's own code (also where this is absent), or the machine's guarded heap. */
  heap?: 'native' | 'guarded'
  /** Bytes of freed blocks that a guarded heap keeps from being used again. */
  quarantine?: number
  /** The program's own allocation functions that a guarded heap follows; absent for none. */
  allocators?: CustomFunction[]
}

/** A file's content: its bytes are an object of the store. */
export interface ContentRef {
  hash: string
  size: number
}

/**
 * Every answer that the world gave, by question. A world is taken to stand still during a run: the same question has one answer, the first.
 * An answer that is a string in place of a value is an errno's name.
 */
export interface WorldAnswers {
  lstat: Map<string, HostStat | HostError>
  readlink: Map<string, string>
  list: Map<string, string[] | HostError>
  content: Map<string, ContentRef | HostError>
  /** Chunks of standard input in the order in which they were read; an empty one is an end of file. */
  input: Uint8Array[]
  /** Changes of the host's files that failed, by their number: errno's names. */
  changes: Map<number, string>
  /** The terminal that the run was on, and what happened there by the number of the question; null for none. */
  terminal: { info: HostTerminal; news: Map<number, TerminalNews> } | null
}

/** How a run came to its end. Addresses are hexadecimal (`0x…`), since they have 64 bits and this is also JSON. */
export type RunEnding =
  | { kind: 'exit'; code: number }
  /** A fatal signal; `code` is si_code, `address` si_addr. `sent`: by a call (kill, abort), not raised by an instruction. */
  | {
      kind: 'signal'
      signal: number
      name: string
      code: number
      codeName: string
      address: string
      tid: number
      sent: boolean
    }
  /** Every task waits for something that never comes; `text` is its system call in strace's form. */
  | { kind: 'deadlock'; waiting: { tid: number; text: string }[] }
  /** The program's time, in virtual nanoseconds, was over. */
  | { kind: 'time-limit'; limit: number }
  /** So many instructions were executed. */
  | { kind: 'instruction-limit'; limit: number }

/** Where a run ended: what a replay must arrive at. */
export interface RunEnd {
  /** Instructions executed. */
  count: number
  /** State hash of the machine. */
  hash: string
  ending: RunEnding
}

/** A run that can be executed again. */
export interface Recording {
  format: typeof RECORDING_FORMAT
  /** Version of the lemming that made it. */
  lemming: string
  inputs: RunInputs
  answers: WorldAnswers
  end: RunEnd
}
