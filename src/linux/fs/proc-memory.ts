/** Exists to show the memory of processes in /proc: maps, and smaps with what a machine without swapping can say of each mapping (proc_pid_smaps(5)). */
import type { Kernel } from '../kernel.ts'
import type { Mapping, Process } from '../state.ts'

const hex8 = (value: number): string => value.toString(16).padStart(8, '0')

/** One line of /proc/PID/maps. Device 00:01 is the machine's only file system. */
function mapLine(k: Kernel, m: Mapping): string {
  const shared = m.flags & 1 ? 's' : 'p'
  const rights = `${m.prot & 1 ? 'r' : '-'}${m.prot & 2 ? 'w' : '-'}${m.prot & 4 ? 'x' : '-'}${shared}`
  const ino = m.file ? (k.state.fs.inodes.get(m.file.inode)?.ino ?? m.file.inode) : 0
  const head = `${hex8(m.start)}-${hex8(m.end)} ${rights} ${hex8(m.file?.offset ?? 0)} ${m.file ? '00:01' : '00:00'} ${ino} `
  const name = m.file?.path ?? m.name
  return `${name === '' ? head : head.padEnd(73) + name}\n`
}

const mappingsOf = (k: Kernel, process: Process): readonly Mapping[] =>
  k.state.spaces.get(process.spaceId)?.mappings ?? []

/** /proc/PID/maps. */
export function maps(k: Kernel, process: Process): string {
  return mappingsOf(k, process)
    .map((mapping) => mapLine(k, mapping))
    .join('')
}

/** Rows of smaps in the kernel's order, by what they count of a mapping; those without are always 0. */
const ROWS: readonly (readonly [string, 'all' | 'private' | 'shared' | 'anonymous' | 'none'])[] = [
  ['Rss', 'all'],
  ['Pss', 'all'],
  ['Pss_Dirty', 'private'],
  ['Shared_Clean', 'none'],
  ['Shared_Dirty', 'shared'],
  ['Private_Clean', 'none'],
  ['Private_Dirty', 'private'],
  ['Referenced', 'all'],
  ['Anonymous', 'anonymous'],
  ['LazyFree', 'none'],
  ['AnonHugePages', 'none'],
  ['ShmemPmdMapped', 'none'],
  ['FilePmdMapped', 'none'],
  ['Shared_Hugetlb', 'none'],
  ['Private_Hugetlb', 'none'],
  ['Swap', 'none'],
  ['SwapPss', 'none'],
  ['Locked', 'none'],
]

const row = (name: string, bytes: number): string => `${`${name}:`.padEnd(15)} ${String(bytes / 1024).padStart(8)} kB\n`

/** Bytes of mappings by kind. Memory that was never accessible takes no room. */
function counts(mappings: readonly Mapping[]): Record<(typeof ROWS)[number][1], number> {
  const sum = { all: 0, private: 0, shared: 0, anonymous: 0, none: 0 }
  for (const { start, end, flags, file, untouched } of mappings) {
    const bytes = untouched ? 0 : end - start
    sum.all += bytes
    sum[flags & 1 ? 'shared' : 'private'] += bytes
    if (file === null) sum.anonymous += bytes
  }
  return sum
}

/** /proc/PID/smaps. */
export function smaps(k: Kernel, process: Process): string {
  return mappingsOf(k, process)
    .map((mapping) => {
      const sum = counts([mapping])
      const pages = row('Size', mapping.end - mapping.start) + row('KernelPageSize', 4096) + row('MMUPageSize', 4096)
      const { prot, flags } = mapping
      const set = [prot & 1 && 'rd', prot & 2 && 'wr', prot & 4 && 'ex', flags & 1 && 'sh', 'mr', 'mw', 'me']
      const words = set.filter((word) => typeof word === 'string').join(' ')
      const rows = ROWS.map(([name, kind]) => row(name, sum[kind])).join('')
      return `${mapLine(k, mapping)}${pages}${rows}THPeligible:           0\nVmFlags: ${words} \n`
    })
    .join('')
}

/** /proc/PID/smaps_rollup. */
export function smapsRollup(k: Kernel, process: Process): string {
  const mappings = mappingsOf(k, process)
  if (mappings.length === 0) return ''
  const head = `${hex8(mappings[0]!.start)}-${hex8(mappings.at(-1)!.end)} ---p 00000000 00:00 0 `
  const sum = counts(mappings)
  return `${head.padEnd(73)}[rollup]\n${ROWS.map(([name, kind]) => row(name, sum[kind])).join('')}`
}
