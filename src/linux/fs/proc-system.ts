/** Exists to hold the files of /proc and /sys that describe the machine as a whole: constants of the machine and counters of its kernel. */
import { fillRandom } from '../../base/random.ts'
import { monotonicNs, NS_PER_SECOND } from '../clock.ts'
import { featureNames, PROCESSOR } from '../../engine/helpers/cpuid.ts'
import { MACHINE } from '../identity.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { netFiles } from './proc-net.ts'

/** A file that is computed when it is opened. `mode` 0444 unless said otherwise. */
export interface SystemFile {
  text(k: Kernel, t: Task): string
  mode?: number
}

/** A file with a constant line. */
const line = (text: string, mode = 0o444): SystemFile => ({ text: () => `${text}\n`, mode })

const cpuRange = (k: Kernel): string => (k.state.constants.cpus === 1 ? '0' : `0-${k.state.constants.cpus - 1}`)

const cpuList: SystemFile = { text: (k) => `${cpuRange(k)}\n` }

const PROCESSORS = '/sys/devices/system/cpu'
/** Processors that a machine may have. */
const MOST_PROCESSORS = 64

/** By absolute path. */
export const systemFiles: ReadonlyMap<string, SystemFile> = new Map<string, SystemFile>([
  ['/proc/cpuinfo', { text: cpuinfo }],
  ['/proc/meminfo', { text: meminfo }],
  ['/proc/stat', { text: stat }],
  ['/proc/uptime', { text: uptime }],
  ['/proc/loadavg', { text: (k) => `0.00 0.00 0.00 1/${k.state.tasks.size} ${k.state.nextTid - 1}\n` }],
  ['/proc/version', line(`Linux version ${MACHINE.release} (${MACHINE.nodename}) ${MACHINE.version}`)],
  ['/proc/cmdline', line('quiet')],
  ['/proc/filesystems', { text: () => 'nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\n\text4\n' }],
  ['/proc/swaps', { text: () => 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n' }],
  ['/proc/sys/kernel/ostype', line(MACHINE.sysname)],
  ['/proc/sys/kernel/osrelease', line(MACHINE.release)],
  ['/proc/sys/kernel/version', line(MACHINE.version)],
  ['/proc/sys/kernel/hostname', line(MACHINE.nodename)],
  ['/proc/sys/kernel/domainname', line(MACHINE.domainname)],
  ['/proc/sys/kernel/pid_max', line('4194304')],
  ['/proc/sys/kernel/threads-max', line('96365')],
  ['/proc/sys/kernel/ngroups_max', line('65536')],
  ['/proc/sys/kernel/cap_last_cap', line('40')],
  ['/proc/sys/kernel/core_pattern', line('core')],
  ['/proc/sys/kernel/randomize_va_space', line('2')],
  ['/proc/sys/kernel/yama/ptrace_scope', line('0')],
  ['/proc/sys/kernel/random/boot_id', line('6c656d6d-696e-4700-8000-000000000001')],
  ['/proc/sys/kernel/random/entropy_avail', line('256')],
  ['/proc/sys/kernel/random/poolsize', line('256')],
  ['/proc/sys/kernel/shmmax', line('18446744073692774399')],
  ['/proc/sys/kernel/shmall', line('18446744073692774399')],
  ['/proc/sys/kernel/shmmni', line('4096')],
  ['/proc/sys/vm/overcommit_memory', line('0', 0o644)],
  ['/proc/sys/vm/overcommit_ratio', line('50', 0o644)],
  ['/proc/sys/vm/max_map_count', line('65530', 0o644)],
  ['/proc/sys/vm/mmap_min_addr', line('65536', 0o644)],
  ['/proc/sys/vm/swappiness', line('60', 0o644)],
  ['/proc/sys/fs/file-max', line('9223372036854775807', 0o644)],
  ['/proc/sys/fs/nr_open', line('1048576', 0o644)],
  ['/proc/sys/fs/pipe-max-size', line('1048576', 0o644)],
  ['/proc/sys/fs/protected_hardlinks', line('1', 0o644)],
  ['/proc/sys/net/core/somaxconn', line('4096', 0o644)],
  ['/proc/sys/kernel/random/uuid', { text: uuid }],
  ['/proc/sys/kernel/sem', line('32000\t1024000000\t500\t32000', 0o644)],
  ['/proc/sys/kernel/msgmax', line('8192', 0o644)],
  ['/proc/sys/kernel/msgmnb', line('16384', 0o644)],
  ['/proc/sys/kernel/msgmni', line('32000', 0o644)],
  ['/proc/sys/fs/inotify/max_queued_events', line('16384', 0o644)],
  ['/proc/sys/fs/inotify/max_user_instances', line('128', 0o644)],
  ['/proc/sys/fs/inotify/max_user_watches', line('65536', 0o644)],
  ['/proc/sys/fs/mqueue/msg_max', line('10', 0o644)],
  ['/proc/sys/fs/mqueue/msgsize_max', line('8192', 0o644)],
  ['/proc/sys/fs/mqueue/queues_max', line('256', 0o644)],
  ['/proc/sys/net/ipv4/ip_local_port_range', line('32768\t60999', 0o644)],
  ['/proc/partitions', { text: () => 'major minor  #blocks  name\n\n' }],
  ['/proc/locks', { text: locks }],
  ...netFiles,
  ['/sys/devices/system/cpu/online', cpuList],
  ['/sys/devices/system/cpu/possible', cpuList],
  ['/sys/devices/system/cpu/present', cpuList],
  ['/sys/devices/system/cpu/kernel_max', line('8191')],
  ...processors(),
  ['/sys/devices/system/node/online', line('0')],
  ['/sys/devices/system/node/possible', line('0')],
  ['/sys/kernel/mm/transparent_hugepage/enabled', line('always madvise [never]', 0o644)],
  ['/sys/kernel/mm/transparent_hugepage/hpage_pmd_size', line('2097152')],
])

/** A random one for each reader, from what getrandom gives. */
function uuid(k: Kernel): string {
  const bytes = new Uint8Array(16)
  fillRandom(k.state.random.getrandom, bytes)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}\n`
}

/** Advisory locks, one a line; those of open files have no process. */
function locks(k: Kernel): string {
  const rows = k.state.fs.locks.map(({ inode, kind, start, end, owner }, i) => {
    const [family, holder] = owner.split(':') as [string, string]
    const name = family === 'flock' ? 'FLOCK ' : family === 'ofd' ? 'OFDLCK' : 'POSIX '
    const pid = family === 'pid' ? holder : '-1'
    const last = end === Infinity ? 'EOF' : String(end - 1)
    const ino = k.state.fs.inodes.get(inode)?.ino ?? 0
    return `${i + 1}: ${name} ADVISORY  ${kind === 'read' ? 'READ ' : 'WRITE'} ${pid} 00:01:${ino} ${start} ${last}\n`
  })
  return rows.join('')
}

function cpuinfo(k: Kernel): string {
  let text = ''
  const { cpus } = k.state.constants
  for (let cpu = 0; cpu < cpus; cpu++) {
    const rows: [string, string][] = [
      ['processor\t', String(cpu)],
      ['vendor_id\t', PROCESSOR.vendor],
      ['cpu family\t', String(PROCESSOR.family)],
      ['model\t\t', String(PROCESSOR.model)],
      ['model name\t', PROCESSOR.name],
      ['stepping\t', String(PROCESSOR.stepping)],
      ['cpu MHz\t\t', '1000.000'],
      ['cache size\t', '1024 KB'],
      ['physical id\t', '0'],
      ['siblings\t', String(cpus)],
      ['core id\t\t', String(cpu)],
      ['cpu cores\t', String(cpus)],
      ['apicid\t\t', String(cpu)],
      ['initial apicid\t', String(cpu)],
      ['fpu\t\t', 'yes'],
      ['fpu_exception\t', 'yes'],
      ['wp\t\t', 'yes'],
      ['flags\t\t', featureNames()],
      ['bogomips\t', '2000.00'],
      ['clflush size\t', '64'],
      ['cache_alignment\t', '64'],
      ['address sizes\t', '48 bits physical, 48 bits virtual'],
    ]
    text += `${rows.map(([name, value]) => `${name}: ${value}\n`).join('')}power management:\n\n`
  }
  return text
}

/** Kilobytes of memory that all processes have mapped. */
function mappedKb(k: Kernel): number {
  let total = 0
  for (const space of k.state.spaces.values()) total += space.total
  return Math.floor(total / 1024)
}

function meminfo(k: Kernel): string {
  const total = Math.floor(k.state.constants.memoryBytes / 1024)
  const free = Math.max(0, total - mappedKb(k))
  const rows: [string, number][] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', 0],
    ['SwapCached', 0],
    ['Active', 0],
    ['Inactive', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', total - free],
    ['Mapped', 0],
    ['Shmem', 0],
    ['Slab', 0],
    ['CommitLimit', Math.floor(total / 2)],
    ['Committed_AS', total - free],
    ['VmallocTotal', 34359738367],
    ['VmallocUsed', 0],
    ['Hugepagesize', 2048],
  ]
  return rows.map(([name, kb]) => `${`${name}:`.padEnd(16)}${String(kb).padStart(8)} kB\n`).join('')
}

/** CPU time of all tasks in ticks of 1/100 s. */
function stat(k: Kernel): string {
  const { constants } = k.state
  const ticks = Math.floor((k.state.count * constants.nsPerInstruction) / 10_000_000)
  const idle = Math.floor(monotonicNs(k.state) / 10_000_000) - ticks
  let text = `cpu  ${ticks} 0 0 ${idle * constants.cpus} 0 0 0 0 0 0\n`
  for (let cpu = 0; cpu < constants.cpus; cpu++) text += `cpu${cpu} ${cpu === 0 ? ticks : 0} 0 0 ${idle} 0 0 0 0 0 0\n`
  const boot = constants.epochSeconds - Math.floor(constants.bootNs / NS_PER_SECOND)
  const processes = k.state.nextTid - k.state.initPid
  return `${text}intr 0\nctxt 0\nbtime ${boot}\nprocesses ${processes}\nprocs_running ${k.state.runnable.length}\nprocs_blocked 0\nsoftirq 0\n`
}

function uptime(k: Kernel): string {
  const seconds = (monotonicNs(k.state) / NS_PER_SECOND).toFixed(2)
  return `${seconds} ${seconds}\n`
}

/** The directories of the processors: each is a core of its own in one package. */
function processors(): [string, SystemFile][] {
  return Array.from({ length: MOST_PROCESSORS }, (_, n): [string, SystemFile][] => {
    const topology = `${PROCESSORS}/cpu${n}/topology`
    return [
      ...(n === 0 ? [] : [[`${PROCESSORS}/cpu${n}/online`, line('1', 0o644)] as [string, SystemFile]]),
      [`${topology}/physical_package_id`, line('0')],
      [`${topology}/die_id`, line('0')],
      [`${topology}/core_id`, line(String(n))],
      [`${topology}/thread_siblings_list`, line(String(n))],
      [`${topology}/core_cpus_list`, line(String(n))],
    ]
  }).flat()
}

/** Whether a path is about a processor that the machine does not have. */
export function isAbsentProcessor(k: Kernel, path: string): boolean {
  const number = path.startsWith(`${PROCESSORS}/cpu`) ? /^\d+(?=\/|$)/.exec(path.slice(PROCESSORS.length + 4)) : null
  return number !== null && Number(number[0]) >= k.state.constants.cpus
}
