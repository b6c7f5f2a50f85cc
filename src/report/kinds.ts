/** Exists as the list of all kinds of findings of the memory and leak checks, with the names that Valgrind has for them: documentation and tests hold to it. */

/** One kind of finding. */
export interface Kind {
  /** Finding.kind. */
  readonly kind: string
  /** The check that finds it. */
  readonly check: 'memory' | 'leak'
  /** The kinds that memcheck has for it in its XML output. */
  readonly valgrind: readonly string[]
  /** The kind of a suppression for it; ADDR and VALUE are followed by a size in bytes, as in `Addr4`. */
  readonly suppression: string
  /** What was found, for documentation. */
  readonly what: string
}

const rows: Kind[] = []

function row(kind: string, check: Kind['check'], valgrind: string, suppression: string, what: string): void {
  rows.push({ kind, check, valgrind: valgrind.split(' '), suppression, what })
}

row(
  'invalid-read',
  'memory',
  'InvalidRead',
  'Addr',
  'bytes are read that belong to no live block, that lie below the stack pointer and its red zone, or that the processor refuses',
)
row('invalid-write', 'memory', 'InvalidWrite', 'Addr', 'the same for a write')
row('invalid-execute', 'memory', 'InvalidJump', 'Jump', 'a jump or call to what is no code')
row(
  'invalid-access',
  'memory',
  'InvalidRead',
  'Addr',
  'the processor refuses an operand that is not aligned, or an instruction that programs may not execute',
)
row('stack-overflow', 'memory', 'InvalidWrite InvalidRead', 'Addr', "a thread's stack has no room left")
row(
  'syscall-read',
  'memory',
  'SyscallParam',
  'Param',
  'the kernel is to read bytes that belong to no live block, or that it cannot read',
)
row('syscall-write', 'memory', 'SyscallParam', 'Param', 'the kernel may write such bytes, or cannot')
row('heap-overrun', 'memory', 'InvalidWrite', 'Addr', 'bytes behind a block were overwritten; noticed later')
row('heap-underrun', 'memory', 'InvalidWrite', 'Addr', 'bytes before a block were overwritten; noticed later')
row('double-free', 'memory', 'InvalidFree', 'Free', 'a block is freed that was freed already')
row('invalid-free', 'memory', 'InvalidFree', 'Free', 'what is freed is no block')
row('invalid-realloc', 'memory', 'InvalidFree', 'Free', 'what realloc is given is no block')
row('mismatched-free', 'memory', 'MismatchedFree', 'Free', 'malloc, new and new[] are mixed up')
row('mismatched-size', 'memory', 'MismatchedFree', 'Free', 'a sized delete or a Rust deallocation names another size')
row('mismatched-alignment', 'memory', 'MismatchedFree', 'Free', 'an aligned delete names another alignment')
row('realloc-zero', 'memory', 'ReallocSizeZero', 'ReallocZero', 'realloc with size 0')
row('absurd-size', 'memory', 'FishyValue', 'FishyValue', 'a size that would be negative')
row('overlap', 'memory', 'Overlap', 'Overlap', 'source and destination of a copy overlap')
row(
  'overlapping-block',
  'memory',
  'InvalidMemPool',
  'Mempool',
  "an allocator of the program's own hands out memory that a live block has",
)
row('invalid-pool', 'memory', 'InvalidMemPool', 'Mempool', 'a client request names a pool that there is not')
row(
  'client-check',
  'memory',
  'ClientCheck',
  'User',
  'a client request asks for memory that is undefined, or that may not be accessed',
)
row(
  'undefined-jump',
  'memory',
  'UninitCondition UninitValue',
  'Cond',
  'what is executed next depends on undefined bytes',
)
row('undefined-address', 'memory', 'UninitValue', 'Value', 'an address is computed from undefined bytes')
row(
  'undefined-argument',
  'memory',
  'SyscallParam UninitCondition',
  'Param',
  'an argument of a system call or of an allocation function is undefined',
)
row('undefined-write', 'memory', 'SyscallParam', 'Param', 'a system call is given memory with undefined bytes')
row('leak-definite', 'leak', 'Leak_DefinitelyLost', 'Leak', 'no pointer leads to the blocks')
row('leak-indirect', 'leak', 'Leak_IndirectlyLost', 'Leak', 'only lost blocks lead to them')
row('leak-possible', 'leak', 'Leak_PossiblyLost', 'Leak', 'only pointers into their middle lead to them')
row('leak-reachable', 'leak', 'Leak_StillReachable', 'Leak', 'they were not freed, and a pointer leads to them')

/** All of them. */
export const KINDS: readonly Kind[] = rows

const byKind = new Map(rows.map((one) => [one.kind, one]))

/** The kind of a finding of the memory or leak check; undefined for others. */
export function kindNamed(kind: string): Kind | undefined {
  return byKind.get(kind)
}
