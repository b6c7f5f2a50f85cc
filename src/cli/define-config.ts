/** Exists as what a `lemming.config.ts` imports: the type of a configuration, and a function that checks it in the editor. */

/** A function that returns blocks. Arguments are numbers, from 0 on, of those that are passed in registers. */
export interface AllocFunction {
  /** Its symbol, as the linker knows it. */
  fn: string
  /** The argument that is the size of the block, in bytes. */
  size: number
  /** An argument by which the size is multiplied; such blocks are taken to be zeroed. */
  count?: number
  /** The block that it replaces, as realloc does. */
  ptr?: number
  /** The pool that the block belongs to. */
  pool?: number
  /** Its blocks are zeroed. */
  zeroed?: boolean
}

/** A function that takes back one block (`ptr`) or all of a pool. */
export interface FreeFunction {
  fn: string
  ptr?: number
  pool?: number
}

/** Options of `lemming run` and `lemming hunt` for a project. What is said on the command line wins; lists add up. */
export interface Config {
  /** `memory`, `leak`, …; or `none`. */
  check?: string[] | 'none'
  heap?: 'native' | 'guarded'
  /** Bytes of freed blocks that are kept from use. */
  quarantine?: number
  /** Whether `memory` looks for uses of undefined values. */
  undefValueErrors?: boolean
  /** The program's own allocators. */
  alloc?: AllocFunction[]
  free?: FreeFunction[]
  /** Files in Valgrind's format, from the configuration's directory on. */
  suppressions?: string[]
  showLeakKinds?: ('definite' | 'possible' | 'indirect' | 'reachable')[]
  /** What the program is not prepared for: `crash`, `crash:ordered`. */
  fault?: string[]
  /** What is run when power is back: the program again, else. */
  recover?: string
  strategy?: string
  cpus?: number
  /** Virtual nanoseconds per instruction. */
  clockRate?: number
  /** Virtual seconds. */
  timeLimit?: number
  /** Variables of the program's environment. */
  env?: Record<string, string>
}

/** The configuration as it is given. */
export function defineConfig(config: Config): Config {
  return config
}
