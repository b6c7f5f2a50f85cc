/** Exists so that translated code, engine and kernel share one numbering of the reasons for which execution leaves translated code. */

/**
 * Exit reasons, stored in the CPU state's `exitReason` field. `none` means control merely left for another address.
 * Faults name the x86 exception; the engine turns them into stops, the kernel into signals.
 */
export const EXIT = {
  none: 0,
  /** The budget of instructions is used up. */
  fuel: 1,
  /** A kernel entry asked all frames to unwind (task switch, signal, exec, invalidation). */
  unwind: 2,
  /** #PF on a read: `faultAddress` holds the first bad byte's address. */
  readFault: 3,
  /** #PF on a write, or a store that needs the slow path of the engine (self-modifying code). */
  writeFault: 4,
  /** Instruction fetch from an address that is unmapped or not executable. */
  fetchFault: 5,
  /** #DE: divide error. */
  divideError: 6,
  /** #UD: an opcode that the processor declares invalid (UD2 and reserved encodings). */
  invalidOpcode: 7,
  /** An instruction of the real processor that lemming does not implement: stops the run and names itself. */
  unsupported: 8,
  /** #BP: INT3. */
  breakpoint: 9,
  /** #GP: misaligned 16-byte operand, privileged instruction, non-canonical address. */
  generalProtection: 10,
  /** INT1/ICEBP and trap flag. */
  debugTrap: 11,
  /** INTO and INT n other than 3: software interrupts end as SIGSEGV in 64-bit Linux. */
  softwareInterrupt: 12,
  /** #XM / #MF: unmasked floating-point exception. */
  floatingPoint: 13,
  /** A store to a page from which code was translated; never leaves the engine. */
  selfModify: 14,
  /** An access to bytes of a watched page that are not addressable: told, then executed; never leaves the engine. */
  unaddressable: 15,
  /** A scheduling point at which the task has used up its points: nothing of the instruction has been executed. */
  point: 16,
  /** The log of accesses is full; never leaves the engine. */
  logFull: 17,
  /** The instruction depends on undefined bits: told, then executed; never leaves the engine. */
  undefined: 18,
  /** An access that is not plainly allowed, in code that does not ask (lower-memory.ts): the engine executes the instruction; never leaves the engine. */
  doubt: 19,
  /** The same of the stack at the entry of a region: `rip` holds its entry code. */
  entryDoubt: 20,
} as const

/** What undefined bits decide in an instruction: a conditional jump, where a jump goes, or where memory is accessed; or memory below the stack pointer is accessed, which is nobody's. */
export const USE = { jump: 0, target: 1, address: 2, below: 3 } as const

/** Besides bits 0-15 for the general registers, in a set of registers that are taken for defined: the flag record. */
export const FLAGS_DEFINED = 0x1_0000
