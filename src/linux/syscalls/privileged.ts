/** Exists to answer the calls of administrators as a container does: nobody may change the computer, and kcmp(2) and capset(2) tell what there is. */
import { ALL_CAPABILITIES, CAP, capabilitiesOf, capable, setCapabilities } from '../capabilities.ts'
import { fd, hexU64, int, number, path, ptr, size, uint } from '../arguments.ts'
import { syscall, type ArgType, type Declaration, type Support } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf, describe } from '../fs/description.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { capabilityWords, capHeader } from './ids.ts'

const SUPPORT: Support = 'partial: nobody may (EPERM), as in a container; reported when root asks'

/** A call that only an administrator of the computer may make. Root hears EPERM too, and the report of the run says so. */
function refused(nr: number, name: string, args: readonly (readonly [string, ArgType])[]): Declaration {
  const answer = (k: Kernel, t: Task): number => {
    if (t.credentials.uid[1] === 0) k.noteUnanswered(t, name, 'EPERM')
    return -ERRNO.EPERM
  }
  return syscall(nr, name, args, number, answer, { support: SUPPORT })
}

const KCMP = { file: 0, vm: 1, files: 2, fs: 3, sighand: 4, io: 5, sysvsem: 6 } as const

/** kcmp(2): whether two processes share something; 0 equal, 1 and 2 for an order of those that are not. */
function kcmp(k: Kernel, _: Task, args: number[]): number {
  const [first, second, what, one, two] = args as [number, number, number, number, number]
  const tasks = [first, second].map((tid) => k.state.tasks.get(tid))
  if (tasks[0] === undefined || tasks[1] === undefined) return -ERRNO.ESRCH
  const [a, b] = [k.process(tasks[0]), k.process(tasks[1])]
  const order = (x: number, y: number): number => (x === y ? 0 : x < y ? 1 : 2)
  switch (what) {
    case KCMP.file: {
      const [x, y] = [describe(k.state.fs, a, one), describe(k.state.fs, b, two)]
      return x === undefined || y === undefined ? -ERRNO.EBADF : order(x.id, y.id)
    }
    case KCMP.vm:
      return order(a.spaceId, b.spaceId)
    case KCMP.files:
      return a.files === b.files ? 0 : order(a.pid, b.pid)
    case KCMP.fs:
      return a.where === b.where ? 0 : order(a.pid, b.pid)
    case KCMP.sighand:
      return a.actions === b.actions ? 0 : order(a.pid, b.pid)
    case KCMP.io:
      // Contexts of input and output are made for those who ask for a priority.
      return tasks.every((task) => task!.ioPriority === 0) ? 0 : order(a.pid, b.pid)
    case KCMP.sysvsem:
      return k.state.ipc.undo.some(({ pid }) => pid === a.pid || pid === b.pid) ? order(a.pid, b.pid) : 0
    default:
      return -ERRNO.EINVAL
  }
}

/** capset(2): some of what the caller is permitted. */
function capset(k: Kernel, t: Task, args: number[]): number {
  const [header, data] = args as [number, number]
  const space = k.space(t)
  const words = capabilityWords(k, t, header)
  if (words < 0) return words
  const pid = space.readU32(header + 4)!
  if (pid !== 0 && pid !== t.tid) return -ERRNO.EPERM
  const bytes = space.read(data, words * 12)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const wanted = [0, 0, 0].map((_, j) => {
    const parts = Array.from(
      { length: words },
      (_, i) => BigInt(view.getUint32(i * 12 + j * 4, true)) << BigInt(32 * i),
    )
    return parts.reduce((set, part) => set | part, 0n) & ALL_CAPABILITIES
  })
  const [effective, permitted, inheritable] = wanted as [bigint, bigint, bigint]
  const now = capabilitiesOf(t.credentials)
  const beyond = (set: bigint, limit: bigint): boolean => (set & ~limit) !== 0n
  if (beyond(inheritable, now.inheritable | now.permitted) && !capable(t, CAP.setpcap)) return -ERRNO.EPERM
  if (beyond(inheritable, now.inheritable | now.bounding)) return -ERRNO.EPERM
  if (beyond(permitted, now.permitted) || beyond(effective, permitted)) return -ERRNO.EPERM
  setCapabilities(t.credentials, {
    ...now,
    effective,
    permitted,
    inheritable,
    ambient: now.ambient & permitted & inheritable,
  })
  return 0
}

/** setns(2): there are no other namespaces to go to. */
function setns(k: Kernel, t: Task, args: number[]): number {
  return descriptionOf(k, t, args[0]!) === undefined ? -ERRNO.EBADF : -ERRNO.EINVAL
}

const two = (first: string, second: string): [string, ArgType][] => [
  [first, path],
  [second, path],
]

export const privilegedCalls: Declaration[] = [
  refused(165, 'mount', [...two('source', 'target'), ['filesystemtype', path], ['mountflags', hexU64], ['data', ptr]]),
  refused(166, 'umount2', [
    ['target', path],
    ['flags', int],
  ]),
  refused(155, 'pivot_root', two('new_root', 'put_old')),
  refused(167, 'swapon', [
    ['path', path],
    ['flags', int],
  ]),
  refused(168, 'swapoff', [['path', path]]),
  refused(169, 'reboot', [
    ['magic1', int],
    ['magic2', int],
    ['cmd', uint],
    ['arg', ptr],
  ]),
  refused(163, 'acct', [['filename', path]]),
  refused(170, 'sethostname', [
    ['name', ptr],
    ['len', size],
  ]),
  refused(171, 'setdomainname', [
    ['name', ptr],
    ['len', size],
  ]),
  refused(172, 'iopl', [['level', int]]),
  refused(173, 'ioperm', [
    ['from', hexU64],
    ['num', hexU64],
    ['turn_on', int],
  ]),
  refused(153, 'vhangup', []),
  refused(103, 'syslog', [
    ['type', int],
    ['bufp', ptr],
    ['len', int],
  ]),
  refused(101, 'ptrace', [
    ['request', uint],
    ['pid', int],
    ['addr', ptr],
    ['data', ptr],
  ]),
  refused(175, 'init_module', [
    ['module_image', ptr],
    ['len', size],
    ['param_values', path],
  ]),
  refused(313, 'finit_module', [
    ['fd', fd],
    ['param_values', path],
    ['flags', int],
  ]),
  refused(176, 'delete_module', [
    ['name', path],
    ['flags', uint],
  ]),
  refused(246, 'kexec_load', [
    ['entry', ptr],
    ['nr_segments', size],
    ['segments', ptr],
    ['flags', hexU64],
  ]),
  refused(179, 'quotactl', [
    ['cmd', uint],
    ['special', path],
    ['id', uint],
    ['addr', ptr],
  ]),
  refused(298, 'perf_event_open', [
    ['attr', ptr],
    ['pid', int],
    ['cpu', int],
    ['group_fd', fd],
    ['flags', hexU64],
  ]),
  refused(321, 'bpf', [
    ['cmd', int],
    ['attr', ptr],
    ['size', uint],
  ]),
  refused(323, 'userfaultfd', [['flags', int]]),
  refused(300, 'fanotify_init', [
    ['flags', uint],
    ['event_f_flags', uint],
  ]),
  refused(304, 'open_by_handle_at', [
    ['mount_fd', fd],
    ['handle', ptr],
    ['flags', int],
  ]),
  refused(320, 'kexec_file_load', [
    ['kernel_fd', fd],
    ['initrd_fd', fd],
    ['cmdline_len', size],
    ['cmdline', ptr],
    ['flags', hexU64],
  ]),
  refused(428, 'open_tree', [
    ['dirfd', fd],
    ['filename', path],
    ['flags', uint],
  ]),
  refused(429, 'move_mount', [
    ['from_dirfd', fd],
    ['from_pathname', path],
    ['to_dirfd', fd],
    ['to_pathname', path],
    ['flags', uint],
  ]),
  refused(430, 'fsopen', [
    ['fsname', path],
    ['flags', uint],
  ]),
  refused(431, 'fsconfig', [
    ['fs_fd', fd],
    ['cmd', uint],
    ['key', path],
    ['value', ptr],
    ['aux', int],
  ]),
  refused(432, 'fsmount', [
    ['fs_fd', fd],
    ['flags', uint],
    ['attr_flags', uint],
  ]),
  refused(433, 'fspick', [
    ['dirfd', fd],
    ['path', path],
    ['flags', uint],
  ]),
  refused(442, 'mount_setattr', [
    ['dirfd', fd],
    ['pathname', path],
    ['flags', uint],
    ['uattr', ptr],
    ['usize', size],
  ]),
  syscall(
    308,
    'setns',
    [
      ['fd', fd],
      ['nstype', int],
    ],
    number,
    setns,
  ),
  syscall(
    312,
    'kcmp',
    [
      ['pid1', int],
      ['pid2', int],
      ['type', int],
      ['idx1', size],
      ['idx2', size],
    ],
    number,
    kcmp,
    { support: 'partial: KCMP_EPOLL_TFD' },
  ),
  syscall(
    126,
    'capset',
    [
      ['hdrp', capHeader],
      ['datap', ptr],
    ],
    number,
    capset,
  ),
]
