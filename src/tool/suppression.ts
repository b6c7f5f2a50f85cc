/** Exists to say which findings nobody wants to see: Valgrind's suppressions as values. */

/** One line of a suppression's stack: `...` stands for any number of frames. */
export interface SuppressedFrame {
  by: 'fun' | 'obj' | 'src' | '...'
  /** With `*` and `?`. */
  pattern: string
}

/** A suppression of memcheck's. */
export interface Suppression {
  name: string
  /** As in the file, behind `Memcheck:`. */
  kind: string
  /** Of leaks: which; null for all. */
  leaks: string[] | null
  frames: SuppressedFrame[]
  /** Of `Param`: the system call and its argument, as in `write(buf)`; absent for all. */
  call?: string
  /** `FILE:LINE` of its name. */
  place?: string
}

/** What a suppression was good for in a run. */
export interface SuppressionUse {
  name: string
  place: string
  /** Findings that it has covered. */
  times: number
}
