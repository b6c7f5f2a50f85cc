/** Holds the calls about memory, signals, futexes, time and threads against the real kernel, and their printing against the real strace. */
import { describe, it } from 'vitest'
import { compare } from './compare.ts'
import { ARENA, Script } from './differential.ts'

/** Room beside the arena for mappings at fixed addresses. */
const PLACE = 0x3000_0000
const PAGE = 4096
const MAP = { shared: 1, private: 2, fixed: 0x10, anonymous: 0x20, noReserve: 0x4000, noReplace: 0x100000 }
const FIXED = MAP.private | MAP.anonymous | MAP.fixed

describe('memory calls', () => {
  it('maps, changes, moves and unmaps', () => {
    const s = new Script()
    const at = (page: number): number => PLACE + page * PAGE
    s.call('mmap', at(0), 8 * PAGE, 3, FIXED, -1, 0).call('mmap', at(4), PAGE, 1, MAP.private | MAP.anonymous | MAP.noReplace, -1, 0)
    s.call('mmap', at(4) + 1, PAGE, 1, FIXED, -1, 0).call('mmap', 0, 0, 1, FIXED, -1, 0).call('mmap', 0, PAGE, 1, 0x20, -1, 0)
    s.call('mmap', 0, PAGE, 1, MAP.private, -1, 0).call('mmap', 0, PAGE, 1, MAP.private, 0, 0).call('mmap', 0, PAGE, 1, MAP.private, 1, 5)
    s.call('mmap', 0, 1n << 62n, 0, MAP.private | MAP.anonymous | MAP.noReserve, -1, 0).call('mmap', 0, -1, 0, MAP.private | MAP.anonymous, -1, 0)
    s.call('mprotect', at(1), 2 * PAGE, 0).call('mprotect', at(1), 2 * PAGE, 1).call('mprotect', at(1) + 7, PAGE, 1).call('mprotect', at(7), 2 * PAGE, 1)
    s.call('mprotect', at(1), 0, 1).call('mprotect', at(1), PAGE, 0x40).call('mprotect', at(20), PAGE, 1).call('mprotect', at(1), 1, 7)
    s.call('munmap', at(3), PAGE).call('munmap', at(3), PAGE).call('munmap', at(3) + 1, PAGE).call('munmap', at(3), 0).call('munmap', -4096, PAGE)
    s.call('mremap', at(4), 2 * PAGE, PAGE, 0).call('mremap', at(4), PAGE, 2 * PAGE, 0, 0).call('mremap', at(4), PAGE, 4 * PAGE, 0)
    s.call('mremap', at(4), PAGE, 3 * PAGE, 3, at(32)).call('mremap', at(32), PAGE, 0, 1).call('mremap', at(32), PAGE, PAGE, 2, at(40))
    s.call('mremap', at(60), PAGE, PAGE, 1).call('mremap', at(32) + 1, PAGE, PAGE, 1).call('mremap', at(32), PAGE, PAGE, 64).call('mremap', at(32), 3 * PAGE, PAGE, 3, at(33))
    s.call('madvise', at(0), PAGE, 4).call('madvise', at(0), PAGE, 77).call('madvise', at(0) + 1, PAGE, 4).call('madvise', at(2), 3 * PAGE, 4)
    s.call('madvise', at(0), PAGE, 3).call('madvise', at(0), 0, 4).call('madvise', at(0), PAGE, 10).call('madvise', at(0), PAGE, 16)
    s.call('msync', at(0), PAGE, 4).call('msync', at(0), PAGE, 5).call('msync', at(3), PAGE, 1).call('msync', at(0), PAGE, 64).call('msync', at(0) + 9, PAGE, 4)
    s.call('mlock', at(0), PAGE).call('munlock', at(0), PAGE).call('mlock', at(3), PAGE).call('mlock2', at(0), PAGE, 4).call('mlockall', 0).call('mlockall', 9).call('munlockall')
    s.call('mincore', at(0), PAGE, s.buffer(4)).call('mincore', at(0) + 1, PAGE, s.buffer(4)).call('mincore', at(3), PAGE, s.buffer(4)).call('mincore', ARENA, PAGE, 8)
    s.call('mincore', ARENA, 3 * PAGE, s.buffer(4))
    compare(s)
  })
})

describe('signal calls', () => {
  it('sets actions, masks and stacks', () => {
    const s = new Script()
    const action = (handler: number, flags: number, mask: bigint): number => s.words(handler, flags, 0x401000, mask)
    const old = s.buffer(32)
    s.call('rt_sigaction', 10, action(0x1234, 0x1400_0004, 0n), old, 8).call('rt_sigaction', 10, 0, old, 8).call('rt_sigaction', 10, action(1, 0, 0x4001n), old, 8)
    s.call('rt_sigaction', 10, action(0, 0x0400_0000, 0xffff_ffff_ffff_fffen), 0, 8).call('rt_sigaction', 10, 0, old, 8)
    s.call('rt_sigaction', 9, action(1, 0, 0n), 0, 8).call('rt_sigaction', 9, 0, old, 8).call('rt_sigaction', 0, 0, old, 8).call('rt_sigaction', 65, 0, old, 8)
    s.call('rt_sigaction', 64, action(0x1234, 0xd800_0003, 1n << 63n), 0, 8).call('rt_sigaction', 34, 0, old, 4).call('rt_sigaction', 34, 8, 0, 8).call('rt_sigaction', 34, 0, 8, 8)
    const set = s.words(0x8000_0000_4000_0300n)
    s.call('rt_sigprocmask', 0, set, old, 8).call('rt_sigprocmask', 0, s.words(1), old, 8).call('rt_sigprocmask', 1, s.words(0x100), old, 8)
    s.call('rt_sigprocmask', 2, s.words(-1), old, 8).call('rt_sigprocmask', 2, s.words(0x0200), old, 8).call('rt_sigprocmask', 7, set, 0, 8)
    s.call('rt_sigprocmask', 0, 0, old, 8).call('rt_sigprocmask', 0, set, old, 4).call('rt_sigprocmask', 0, 8, old, 8).call('rt_sigprocmask', 0, 0, 8, 8)
    s.call('rt_sigpending', old, 8).call('rt_sigpending', old, 16).call('rt_sigpending', 8, 8)
    const info = s.buffer(128)
    s.call('rt_sigtimedwait', s.words(0x200), info, s.words(0, 1000), 8).call('rt_sigtimedwait', s.words(0x200), info, s.words(0, -1), 8)
    s.call('rt_sigtimedwait', s.words(0x200), 0, s.words(0, 0), 8).call('rt_sigtimedwait', 8, 0, 0, 8).call('rt_sigtimedwait', s.words(0), 0, 0, 3)
    const stack = (base: number, flags: number, size: number): number => s.words(base, flags, size)
    const oldStack = s.buffer(24)
    s.call('sigaltstack', 0, oldStack).call('sigaltstack', stack(ARENA, 0, 8192), oldStack).call('sigaltstack', stack(ARENA, 0, 100), oldStack)
    s.call('sigaltstack', stack(ARENA, 8, 8192), 0).call('sigaltstack', 0, oldStack).call('sigaltstack', stack(1, 2, 3), oldStack).call('sigaltstack', 0, oldStack)
    s.call('sigaltstack', 8, 0).call('sigaltstack', 0, 8).call('sigaltstack', stack(ARENA, -0x8000_0000, 8192), 0).call('sigaltstack', 0, oldStack)
    s.call('kill', 999_999, 0).call('kill', 0x7fff_ffff, 10).call('kill', 999_999, 65).call('tkill', 999_999, 0).call('tkill', 0, 0).call('tkill', -5, 10)
    s.call('tgkill', 999_999, 999_998, 10).call('tgkill', 0, 5, 10).call('tgkill', 5, -1, 10).call('rt_sigqueueinfo', 999_999, 10, s.words(0, 0xffff_ffff, 0x3e8_0000_0001n, 7))
    // strace shows the flags of a dead alternate stack as they were set; their padding is the program's.
    compare(s)
  })
})

describe('futex calls', () => {
  it('checks, wakes nobody, and times out', () => {
    const s = new Script()
    const word = s.ints(5)
    const other = s.ints(7)
    s.call('futex', word, 0x80, 6, 0).call('futex', word, 0, 6, s.words(0, 1000)).call('futex', word, 0x80, 5, s.words(0, 100_000)).call('futex', word + 1, 0x80, 5, 0)
    s.call('futex', 8, 0x80, 5, 0).call('futex', word, 0x81, 1).call('futex', word, 1, 0x7fff_ffff).call('futex', 8, 0x81, 1).call('futex', word, 0x80, 5, s.words(0, 1_000_000_000)).call('futex', word, 0x80, 5, s.words(-1, 0))
    s.call('futex', word, 0x80, 5, 8).call('futex', word, 0x89, 5, s.words(0, 1), 0, -1).call('futex', word, 0x89, 5, s.words(0, 1), 0, 0).call('futex', word, 0x189, 5, s.words(1, 1), 0, -1)
    s.call('futex', word, 0x180, 5, 0).call('futex', word, 0x8a, 1, 0, 0, 3).call('futex', word, 0x8a, 1, 0, 0, 0)
    s.call('futex', word, 0x83, 1, 2, other).call('futex', word, 0x84, 1, 2, other, 5).call('futex', word, 0x84, 1, 2, other, 6).call('futex', word, 0x84, -1, 2, other, 5).call('futex', word, 4, 1, 2, other + 2, 5)
    s.call('futex', word, 0x85, 1, 1, other, 0x0100_1000 | 0x1000_0000).call('futex', word, 0x80, 0, 0)
    s.call('futex', word, 0x85, 1, 1, other, 0x3200_3005).call('futex', word, 0x85, 1, 1, 8, 0x3200_3005)
    s.call('futex', word, 0x63, 1)
    const lock = s.ints(0)
    s.call('futex', lock, 0x86, 0, 0).call('futex', lock, 0x86, 0, 0).call('futex', lock, 0x88, 0, 0).call('futex', lock, 0x87).call('futex', lock, 0x87).call('futex', lock, 0x88, 0, 0)
    s.call('set_robust_list', word, 24).call('set_robust_list', word, 23).call('get_robust_list', 999_999, word, other)
    compare(s)
  })
})

describe('time calls', () => {
  it('sleeps, and checks what it is asked', () => {
    const s = new Script()
    const b = s.buffer(64)
    s.call('nanosleep', s.words(0, 1000), b).call('nanosleep', s.words(0, 1_000_000_000), b).call('nanosleep', s.words(-1, 0), 0).call('nanosleep', 8, 0)
    s.call('clock_nanosleep', 1, 0, s.words(0, 1000), b).call('clock_nanosleep', 1, 1, s.words(0, 1000), b).call('clock_nanosleep', 0, 1, s.words(1, 0), 0).call('clock_nanosleep', 3, 0, s.words(0, 1), 0)
    s.call('clock_nanosleep', 4, 0, s.words(0, 1), 0).call('clock_nanosleep', 77, 0, s.words(0, 1), 0).call('clock_nanosleep', 1, 0, s.words(0, -1), 0)
    s.call('clock_gettime', 77, b).call('clock_gettime', 1, 8).call('clock_getres', 1, b).call('clock_getres', 0, b).call('clock_getres', 77, b).call('clock_getres', 2, 0)
    s.call('getitimer', 0, b).call('getitimer', 5, b).call('setitimer', 0, s.words(1, 0, 1000, 0), b).call('setitimer', 0, s.words(0, 0, 0, 0), 0).call('setitimer', 0, s.words(0, 0, 0, 1_000_000), b)
    s.call('setitimer', 9, s.words(0, 0, 0, 0), b).call('setitimer', 0, 8, b).call('getitimer', 0, b).call('alarm', 0).call('alarm', 1000).call('alarm', 0)
    const id = s.ints(99)
    s.call('timer_create', 1, s.words(7, 10, 0), id).call('timer_create', 1, 0, id).call('timer_create', 77, 0, id).call('timer_create', 1, s.words(7, 3n << 32n), id)
    s.call('timer_settime', 0, 0, s.words(0, 0, 1000, 0), b).call('timer_settime', 0, 0, s.words(0, 0, 0, 0), 0).call('timer_gettime', 0, b).call('timer_getoverrun', 0)
    s.call('timer_settime', 55, 0, s.words(0, 0, 0, 0), b).call('timer_settime', 0, 0, 0, b).call('timer_settime', 0, 0, s.words(0, 0, 0, -5), b)
    s.call('timer_delete', 1).call('timer_delete', 1).call('timer_gettime', 1, b).call('timer_getoverrun', 1)
    compare(s)
  })
})

describe('calls about threads and processors', () => {
  it('checks, reads and sets', () => {
    const s = new Script()
    const b = s.buffer(64)
    s.call('sched_getparam', 0, b).call('sched_getparam', -1, b).call('sched_getparam', 0, 0).call('sched_getscheduler', 0).call('sched_getscheduler', -1).call('sched_getscheduler', 999_999)
    s.call('sched_setscheduler', 0, 0, s.ints(1)).call('sched_setscheduler', 0, 3, s.ints(0)).call('sched_setscheduler', 0, 77, s.ints(0)).call('sched_setparam', 0, s.ints(0)).call('sched_setparam', 0, s.ints(5))
    for (const policy of [0, 1, 2, 3, 5, 6, 77]) s.call('sched_get_priority_max', policy).call('sched_get_priority_min', policy)
    s.call('sched_setscheduler', 0, 0, s.ints(0)).call('sched_getaffinity', 0, 3, b).call('sched_getaffinity', 999_999, 8, b).call('sched_setaffinity', 0, 8, s.words(0)).call('sched_setaffinity', 0, 8, 8)
    s.call('sched_setaffinity', 0, 8, s.words(1)).call('sched_getaffinity', 0, 8, b).call('getcpu', b, b + 8, 0).call('getcpu', 8, 0, 0)
    s.call('getpriority', 0, 0).call('setpriority', 0, 0, 5).call('getpriority', 0, 0).call('getpriority', 7, 0).call('setpriority', 0, 999_999, 5).call('setpriority', 0, 0, 100).call('getpriority', 0, 0)
    s.call('sched_yield').call('getpgid', 999_999).call('getpgid', -1).call('getsid', 999_999).call('setpgid', 0, -1).call('setpgid', 999_999, 0).call('wait4', -1, 0, 0, 0)
    s.call('prctl', 15, 'a-name-that-is-too-long').call('prctl', 16, b).call('prctl', 15, 8).call('prctl', 3).call('prctl', 4, 0).call('prctl', 3).call('prctl', 4, 7).call('prctl', 1, 9).call('prctl', 2, b)
    s.call('prctl', 29, 777).call('prctl', 30).call('prctl', 38, 0, 0, 0, 0).call('prctl', 38, 1, 0, 0, 0).call('prctl', 39, 0, 0, 0, 0).call('prctl', 23, 5).call('prctl', 23, 99)
    s.call('arch_prctl', 0x1001, 0x1234).call('arch_prctl', 0x1004, b).call('arch_prctl', 0x1004, 8).call('arch_prctl', 0x1001, 1n << 63n).call('arch_prctl', 7, 7)
    s.call('membarrier', 8, 1).call('membarrier', 999, 0).call('clone3', b, 4).call('clone3', 8, 88).call('clone3', b, 5000).call('clone', 0x10000, 0, 0, 0, 0).call('clone', 0x800, 0, 0, 0, 0)
    compare(s)
  })
})
