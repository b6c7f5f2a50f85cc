/** Exists to name the flags and values of the file calls, in the order in which strace prints them. */
import type { FlagTable } from './strace.ts'
import { flagsText } from './strace.ts'

const OPEN_REST: FlagTable = [
  [0o100, 'O_CREAT'], [0o200, 'O_EXCL'], [0o400, 'O_NOCTTY'], [0o1000, 'O_TRUNC'], [0o2000, 'O_APPEND'], [0o4000, 'O_NONBLOCK'],
  [0o4010000, 'O_SYNC'], [0o4000000, '__O_SYNC'], [0o10000, 'O_DSYNC'], [0o40000, 'O_DIRECT'], [0o100000, 'O_LARGEFILE'],
  [0o400000, 'O_NOFOLLOW'], [0o1000000, 'O_NOATIME'], [0o2000000, 'O_CLOEXEC'], [0o10000000, 'O_PATH'], [0o20200000, 'O_TMPFILE'],
  [0o20000000, '__O_TMPFILE'], [0o200000, 'O_DIRECTORY'], [0o20000, 'FASYNC'],
]

/** Flags of pipe2 and dup3: as open's, without an access mode. */
export const OPEN_FLAGS_ONLY = OPEN_REST

const ACCESS = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE']

/** `O_RDWR|O_CREAT`: the access mode, then the flags. */
export function openFlagsText(value: number): string {
  const rest = (value & ~3) >>> 0
  if (rest === 0) return ACCESS[value & 3]!
  const text = flagsText(rest, OPEN_REST, 'O_???')
  return `${ACCESS[value & 3]}|${text.replace(/ \/\* .*$/, '')}`
}

export const AT_FLAGS: FlagTable = [
  [0x100, 'AT_SYMLINK_NOFOLLOW'], [0x200, 'AT_REMOVEDIR'], [0x400, 'AT_SYMLINK_FOLLOW'], [0x800, 'AT_NO_AUTOMOUNT'], [0x1000, 'AT_EMPTY_PATH'],
  [0x8000, 'AT_RECURSIVE'],
]
export const FACCESS_FLAGS: FlagTable = [[0x100, 'AT_SYMLINK_NOFOLLOW'], [0x200, 'AT_EACCESS'], [0x1000, 'AT_EMPTY_PATH']]
export const STATX_SYNC: FlagTable = [[0, 'AT_STATX_SYNC_AS_STAT'], [0x2000, 'AT_STATX_FORCE_SYNC'], [0x4000, 'AT_STATX_DONT_SYNC']]
export const STATX_MASK: FlagTable = [
  [0xfff, 'STATX_ALL'], [0x7ff, 'STATX_BASIC_STATS'], [0x1, 'STATX_TYPE'], [0x2, 'STATX_MODE'], [0x4, 'STATX_NLINK'], [0x8, 'STATX_UID'],
  [0x10, 'STATX_GID'], [0x20, 'STATX_ATIME'], [0x40, 'STATX_MTIME'], [0x80, 'STATX_CTIME'], [0x100, 'STATX_INO'], [0x200, 'STATX_SIZE'],
  [0x400, 'STATX_BLOCKS'], [0x800, 'STATX_BTIME'], [0x1000, 'STATX_MNT_ID'], [0x2000, 'STATX_DIOALIGN'],
]
export const ACCESS_MODES: FlagTable = [[0, 'F_OK'], [4, 'R_OK'], [2, 'W_OK'], [1, 'X_OK']]
export const WHENCE: FlagTable = [[0, 'SEEK_SET'], [1, 'SEEK_CUR'], [2, 'SEEK_END'], [3, 'SEEK_DATA'], [4, 'SEEK_HOLE']]
export const RENAME_FLAGS: FlagTable = [[1, 'RENAME_NOREPLACE'], [2, 'RENAME_EXCHANGE'], [4, 'RENAME_WHITEOUT']]
export const FALLOC_FLAGS: FlagTable = [
  [0x1, 'FALLOC_FL_KEEP_SIZE'], [0x2, 'FALLOC_FL_PUNCH_HOLE'], [0x4, 'FALLOC_FL_NO_HIDE_STALE'], [0x8, 'FALLOC_FL_COLLAPSE_RANGE'],
  [0x10, 'FALLOC_FL_ZERO_RANGE'], [0x20, 'FALLOC_FL_INSERT_RANGE'], [0x40, 'FALLOC_FL_UNSHARE_RANGE'],
]
export const RWF_FLAGS: FlagTable = [[0x1, 'RWF_HIPRI'], [0x2, 'RWF_DSYNC'], [0x4, 'RWF_SYNC'], [0x8, 'RWF_NOWAIT'], [0x10, 'RWF_APPEND']]
export const FADVICE: FlagTable = [
  [0, 'POSIX_FADV_NORMAL'], [1, 'POSIX_FADV_RANDOM'], [2, 'POSIX_FADV_SEQUENTIAL'], [3, 'POSIX_FADV_WILLNEED'], [4, 'POSIX_FADV_DONTNEED'],
  [5, 'POSIX_FADV_NOREUSE'],
]
export const SYNC_RANGE: FlagTable = [
  [1, 'SYNC_FILE_RANGE_WAIT_BEFORE'], [2, 'SYNC_FILE_RANGE_WRITE'], [4, 'SYNC_FILE_RANGE_WAIT_AFTER'],
]
export const SPLICE_FLAGS: FlagTable = [[1, 'SPLICE_F_MOVE'], [2, 'SPLICE_F_NONBLOCK'], [4, 'SPLICE_F_MORE'], [8, 'SPLICE_F_GIFT']]
export const CLOSE_RANGE: FlagTable = [[2, 'CLOSE_RANGE_UNSHARE'], [4, 'CLOSE_RANGE_CLOEXEC']]
export const FD_FLAGS: FlagTable = [[1, 'FD_CLOEXEC']]
export const SEALS: FlagTable = [
  [1, 'F_SEAL_SEAL'], [2, 'F_SEAL_SHRINK'], [4, 'F_SEAL_GROW'], [8, 'F_SEAL_WRITE'], [16, 'F_SEAL_FUTURE_WRITE'],
]
export const FLOCK: FlagTable = [[1, 'LOCK_SH'], [2, 'LOCK_EX'], [4, 'LOCK_NB'], [8, 'LOCK_UN']]
export const EVENTFD_FLAGS: FlagTable = [[1, 'EFD_SEMAPHORE'], [0o2000000, 'EFD_CLOEXEC'], [0o4000, 'EFD_NONBLOCK']]
export const TIMERFD_FLAGS: FlagTable = [
  [1, 'TFD_TIMER_ABSTIME'], [2, 'TFD_TIMER_CANCEL_ON_SET'], [0o2000000, 'TFD_CLOEXEC'], [0o4000, 'TFD_NONBLOCK'],
]
export const CLOCKS: FlagTable = [
  [0, 'CLOCK_REALTIME'], [1, 'CLOCK_MONOTONIC'], [2, 'CLOCK_PROCESS_CPUTIME_ID'], [3, 'CLOCK_THREAD_CPUTIME_ID'],
  [4, 'CLOCK_MONOTONIC_RAW'], [5, 'CLOCK_REALTIME_COARSE'], [6, 'CLOCK_MONOTONIC_COARSE'], [7, 'CLOCK_BOOTTIME'], [8, 'CLOCK_REALTIME_ALARM'], [9, 'CLOCK_BOOTTIME_ALARM'],
]
export const MEMFD_FLAGS: FlagTable = [[1, 'MFD_CLOEXEC'], [2, 'MFD_ALLOW_SEALING'], [4, 'MFD_HUGETLB']]
export const EPOLL_FLAGS: FlagTable = [[0o2000000, 'EPOLL_CLOEXEC']]
export const EPOLL_OPS: FlagTable = [[1, 'EPOLL_CTL_ADD'], [2, 'EPOLL_CTL_DEL'], [3, 'EPOLL_CTL_MOD']]
export const POLL_EVENTS: FlagTable = [
  [0x1, 'POLLIN'], [0x2, 'POLLPRI'], [0x4, 'POLLOUT'], [0x8, 'POLLERR'], [0x10, 'POLLHUP'], [0x20, 'POLLNVAL'], [0x40, 'POLLRDNORM'],
  [0x80, 'POLLRDBAND'], [0x100, 'POLLWRNORM'], [0x200, 'POLLWRBAND'], [0x400, 'POLLMSG'], [0x1000, 'POLLREMOVE'], [0x2000, 'POLLRDHUP'],
  [0x8000, 'POLL_BUSY_LOOP'],
]
export const EPOLL_EVENTS: FlagTable = [
  [0x1, 'EPOLLIN'], [0x2, 'EPOLLPRI'], [0x4, 'EPOLLOUT'], [0x8, 'EPOLLERR'], [0x10, 'EPOLLHUP'], [0x20, 'EPOLLNVAL'], [0x40, 'EPOLLRDNORM'],
  [0x80, 'EPOLLRDBAND'], [0x100, 'EPOLLWRNORM'], [0x200, 'EPOLLWRBAND'], [0x400, 'EPOLLMSG'], [0x2000, 'EPOLLRDHUP'],
  [0x1000_0000, 'EPOLLEXCLUSIVE'], [0x2000_0000, 'EPOLLWAKEUP'], [0x4000_0000, 'EPOLLONESHOT'], [0x8000_0000, 'EPOLLET'],
]
export const GETRANDOM_FLAGS: FlagTable = [[1, 'GRND_NONBLOCK'], [2, 'GRND_RANDOM'], [4, 'GRND_INSECURE']]
export const RLIMITS: FlagTable = [
  [0, 'RLIMIT_CPU'], [1, 'RLIMIT_FSIZE'], [2, 'RLIMIT_DATA'], [3, 'RLIMIT_STACK'], [4, 'RLIMIT_CORE'], [5, 'RLIMIT_RSS'], [6, 'RLIMIT_NPROC'],
  [7, 'RLIMIT_NOFILE'], [8, 'RLIMIT_MEMLOCK'], [9, 'RLIMIT_AS'], [10, 'RLIMIT_LOCKS'], [11, 'RLIMIT_SIGPENDING'], [12, 'RLIMIT_MSGQUEUE'],
  [13, 'RLIMIT_NICE'], [14, 'RLIMIT_RTPRIO'], [15, 'RLIMIT_RTTIME'],
]
export const RUSAGE_WHO: FlagTable = [[0, 'RUSAGE_SELF'], [-1, 'RUSAGE_CHILDREN'], [-2, 'RUSAGE_BOTH'], [1, 'RUSAGE_THREAD']]
export const STATFS_TYPES: FlagTable = [[0xef53, 'EXT2_SUPER_MAGIC'], [0x9fa0, 'PROC_SUPER_MAGIC'], [0x50495045, 'PIPEFS_MAGIC']]
export const STATFS_FLAGS: FlagTable = [[0x20, 'ST_VALID'], [0x400, 'ST_NOATIME'], [0x1000, 'ST_RELATIME']]
export const FCNTL: FlagTable = [
  [0, 'F_DUPFD'], [1, 'F_GETFD'], [2, 'F_SETFD'], [3, 'F_GETFL'], [4, 'F_SETFL'], [5, 'F_GETLK'], [6, 'F_SETLK'], [7, 'F_SETLKW'],
  [8, 'F_SETOWN'], [9, 'F_GETOWN'], [10, 'F_SETSIG'], [11, 'F_GETSIG'], [15, 'F_SETOWN_EX'], [16, 'F_GETOWN_EX'], [36, 'F_OFD_GETLK'],
  [37, 'F_OFD_SETLK'], [38, 'F_OFD_SETLKW'], [1024, 'F_SETLEASE'], [1025, 'F_GETLEASE'], [1026, 'F_NOTIFY'], [1030, 'F_DUPFD_CLOEXEC'],
  [1031, 'F_SETPIPE_SZ'], [1032, 'F_GETPIPE_SZ'], [1033, 'F_ADD_SEALS'], [1034, 'F_GET_SEALS'],
]
export const IOCTLS: FlagTable = [
  [0x5401, 'TCGETS'], [0x5402, 'SNDCTL_TMR_START or TCSETS'], [0x5403, 'SNDCTL_TMR_STOP or TCSETSW'],
  [0x5404, 'SNDCTL_TMR_CONTINUE or TCSETSF'], [0x5405, 'TCGETA'], [0x5406, 'TCSETA'], [0x5407, 'TCSETAW'], [0x5408, 'TCSETAF'],
  [0x5409, 'TCSBRK'], [0x540a, 'TCXONC'], [0x540b, 'TCFLSH'], [0x540c, 'TIOCEXCL'], [0x540d, 'TIOCNXCL'], [0x540e, 'TIOCSCTTY'],
  [0x540f, 'TIOCGPGRP'], [0x5410, 'TIOCSPGRP'], [0x5411, 'TIOCOUTQ'], [0x5412, 'TIOCSTI'], [0x5413, 'TIOCGWINSZ'], [0x5414, 'TIOCSWINSZ'],
  [0x5415, 'TIOCMGET'], [0x541b, 'FIONREAD'], [0x5421, 'FIONBIO'], [0x5422, 'TIOCNOTTY'], [0x5423, 'TIOCSETD'], [0x5424, 'TIOCGETD'],
  [0x5425, 'TCSBRKP'], [0x5427, 'TIOCSBRK'], [0x5428, 'TIOCCBRK'], [0x5429, 'TIOCGSID'], [0x5450, 'FIONCLEX'], [0x5451, 'FIOCLEX'],
  [0x5452, 'FIOASYNC'], [0x5460, 'FIOQSIZE'], [0x80045430, 'TIOCGPTN'], [0x40045431, 'TIOCSPTLCK'], [0x5420, 'TIOCPKT'], [0x80045438, 'TIOCGPKT'], [0x80045439, 'TIOCGPTLCK'], [0x80045440, 'TIOCGEXCL'],
  [0x5441, 'TIOCGPTPEER'], [0x40045436, 'TIOCSIG'], [0x802c542a, 'TCGETS2'], [0x402c542b, 'TCSETS2'], [0x402c542c, 'TCSETSW2'],
  [0x402c542d, 'TCSETSF2'], [0x40045432, 'TIOCGDEV'], [0x5437, 'TIOCVHANGUP'],
  [0x40049409, 'BTRFS_IOC_CLONE or FICLONE'], [0x4020940d, 'BTRFS_IOC_CLONE_RANGE or FICLONERANGE'],
  [0x80086601, 'FS_IOC_GETFLAGS'], [0x40086602, 'FS_IOC_SETFLAGS'],
]
