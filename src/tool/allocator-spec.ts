/** Exists to describe a program's own allocation functions, so that their blocks can be followed. */

/** A function by its symbol (the linker's name). Arguments are numbers from 0 on, of integer and pointer arguments. */
export interface CustomFunction {
  fn: string
  /** It takes blocks back: the one at `ptr`, or all of `pool`. */
  frees: boolean
  /** The argument that is the size of the block that it returns, in bytes. */
  size?: number
  /** An argument by which the size is multiplied. */
  count?: number
  /** What it returns has been zeroed; as with `count`. */
  zeroed?: boolean
  /** The block that it frees, or (with `size`) the one that it replaces. */
  ptr?: number
  /** The pool that the block belongs to. */
  pool?: number
}
