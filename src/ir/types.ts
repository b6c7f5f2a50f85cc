/** Exists to hold the shapes of the intermediate representation: values, blocks and regions, in the terms every pass shares. */
import type { OpRow } from './ops.ts'

/** Value types are WebAssembly's own, so that lowering is mostly one to one. */
export type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

/**
 * One operation. Operands are references to other nodes of the same block: a value never crosses a block except through a register.
 * `imm` and `imm2` are immediates whose meaning the op's row states (a 64-bit constant is low word in `imm`, high word in `imm2`, both signed 32-bit).
 */
export interface Node {
  readonly op: OpRow
  readonly type: Type | null
  a: Node | null
  b: Node | null
  c: Node | null
  readonly imm: number
  readonly imm2: number
  /** Immediate bytes of `v128.const` and `i8x16.shuffle`. */
  readonly bytes: Uint8Array | null
  /** How many nodes and terminators read this value; filled by the lowering. */
  uses: number
  /** The wasm local that holds the value, or -1; filled by the lowering. */
  local: number
}

/** Where control can go inside a region: a guest address, or a block that has no address of its own (the body of a `rep` iteration). */
export type Target = number | Block

/** How a block ends. `pc` fields are guest addresses. */
/** What a call says of its return. */
export interface Returning {
  /** The guest address behind the call. */
  ret: number
  /** The block there, if it is not the one at that address: in a copy of a function. */
  behind?: Target
  /** Bytes by which the stack pointer is higher then: 8, unless a copy of a function goes on as a call of the rest of it. */
  raise?: number
}

export type Terminator =
  | { kind: 'jump'; target: Target }
  | { kind: 'branch'; cond: Node; then: Target; else: Target }
  /** Indirect jump to an i64 value. */
  | { kind: 'ijump'; address: Node }
  /** Direct call; the return address has been pushed already. `ret` is the guest address after the call. */
  | ({ kind: 'call'; target: number } & Returning)
  /** `expected`: where it most likely goes, if that is known; `copy`: the first block of a copy of the function there, for that case. */
  | ({ kind: 'icall'; address: Node; expected?: number; copy?: Block } & Returning)
  /** Near return: `address` was popped, `rsp` already raised. In a copy of a function: to `expected.pc`, most likely, whose block is `expected.block`. */
  | { kind: 'ret'; address: Node; expected?: { pc: number; block: Target } }
  /** SYSCALL: continues at `next` when the kernel completed the call in place. */
  | { kind: 'syscall'; next: number }
  /**
   * Entry of a function that the machine may answer itself: the kernel is asked, with rip at `pc`. Either the function is over, which counts one
   * instruction, or `native`, its own code, goes on as if nothing had been asked.
   */
  | { kind: 'intercept'; pc: number; native: Block }
  /** Raises a fault at the instruction itself: the block's last instruction does not count. `reason` is one of EXIT in ir/exits.ts. */
  | { kind: 'fault'; reason: number; pc: number }
  /** Returns to the engine, which decides anew how the code at `pc` is to be executed. */
  | { kind: 'leave'; pc: number }

/** One guest instruction inside a block: where it starts and which of the block's ops belong to it (from `firstOp` on). */
export interface InsnMark {
  pc: number
  length: number
  firstOp: number
  /** A LOCK-prefixed instruction, or XCHG with memory. */
  atomic?: true
  /** PAUSE. */
  pauses?: true
  /** Loads (1) and stores (2) of the instruction are to the own stack, as its encoding alone tells. */
  own?: number
  /** Its operand lies at a fixed place, or in the thread's own storage (FS). */
  place?: 'fixed' | 'thread'
}

/** A basic block: effects and values in program order, then a terminator. */
export interface Block {
  /** Guest address of the first instruction; for an internal block the address of the instruction that it belongs to. */
  pc: number
  /** True for a block without an address of its own; it counts no instruction. */
  internal: boolean
  insns: InsnMark[]
  ops: Node[]
  term: Terminator
}
