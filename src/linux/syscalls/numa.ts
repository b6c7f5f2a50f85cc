/** Exists to declare the calls about memory of several nodes, of which the machine has one: policies are kept and told, and pages are where they are. */
import { CAP, capable } from '../capabilities.ts'
import { PAGE_SIZE } from '../../engine/layout.ts'
import { asUint, flags, hexU64, int, number, ptr, shown, size, uint } from '../arguments.ts'
import { syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { pageDown, pageUp } from '../mm.ts'
import type { Task } from '../state.ts'
import { flagsText, valueText, type FlagTable } from '../strace.ts'

const MPOL = { default: 0, preferred: 1, bind: 2, interleave: 3, local: 4, preferredMany: 5 } as const
const MODES: FlagTable = [
  [MPOL.default, 'MPOL_DEFAULT'],
  [MPOL.preferred, 'MPOL_PREFERRED'],
  [MPOL.bind, 'MPOL_BIND'],
  [MPOL.interleave, 'MPOL_INTERLEAVE'],
  [MPOL.local, 'MPOL_LOCAL'],
]
const MODE_FLAGS: FlagTable = [
  [0x8000, 'MPOL_F_STATIC_NODES'],
  [0x4000, 'MPOL_F_RELATIVE_NODES'],
  [0x2000, 'MPOL_F_NUMA_BALANCING'],
]
const STATIC_OR_RELATIVE = 0xc000
const GET_FLAGS: FlagTable = [
  [1, 'MPOL_F_NODE'],
  [2, 'MPOL_F_ADDR'],
  [4, 'MPOL_F_MEMS_ALLOWED'],
]
const GET = { node: 1, address: 2, allowed: 4 } as const
const MOVE_FLAGS: FlagTable = [
  [1, 'MPOL_MF_STRICT'],
  [2, 'MPOL_MF_MOVE'],
  [4, 'MPOL_MF_MOVE_ALL'],
]
const MOVE_ALL = 4
/** MAX_NUMNODES of Debian's kernels. */
const NODES = 1024

/** The set of nodes at `address`, of which `count` - 1 bits count; or a negative errno. Nodes that there cannot be are an error. */
function readNodes(k: Kernel, t: Task, address: number, count: number): bigint | number {
  const bits = count - 1
  if (count === 0 || bits === 0 || address === 0) return 0n
  if (bits > PAGE_SIZE * 8) return -ERRNO.EINVAL
  let set = 0n
  for (let i = 0; i < bits; i += 64) {
    const word = k.space(t).readU64(address + i / 8)
    if (word === null) return -ERRNO.EFAULT
    set |= BigInt.asUintN(Math.min(64, bits - i), word) << BigInt(i)
  }
  return set >> BigInt(NODES) === 0n ? set : -ERRNO.EINVAL
}

/** Checks a mode and its nodes as the kernel does; the policy, or a negative errno. */
function policyOf(mode: number, nodes: bigint): [number, bigint] | number {
  const kind = mode & ~0xe000
  if (kind > MPOL.preferredMany || (mode & STATIC_OR_RELATIVE) === STATIC_OR_RELATIVE) return -ERRNO.EINVAL
  if (mode & 0x2000 && kind !== MPOL.bind) return -ERRNO.EINVAL
  if (kind === MPOL.default) return nodes === 0n && mode === kind ? [mode, 0n] : -ERRNO.EINVAL
  if (kind === MPOL.preferred && nodes === 0n) return mode === kind ? [MPOL.local, 0n] : -ERRNO.EINVAL
  if (kind === MPOL.local) return nodes === 0n && mode === kind ? [mode, 0n] : -ERRNO.EINVAL
  if (nodes === 0n) return -ERRNO.EINVAL
  // Only node 0 has memory.
  return (nodes & 1n) === 0n ? -ERRNO.EINVAL : [mode, 1n]
}

function setPolicy(k: Kernel, t: Task, [mode, address, count]: number[]): number {
  const nodes = readNodes(k, t, address!, count!)
  if (typeof nodes === 'number') return nodes
  const policy = policyOf(mode!, nodes)
  if (typeof policy === 'number') return policy
  if (policy[0] === MPOL.default) delete t.memoryPolicy
  else t.memoryPolicy = policy
  return 0
}

function getPolicy(k: Kernel, t: Task, args: number[]): number {
  const [mode, address, count, at, given] = args as [number, number, number, number, number]
  const space = k.space(t)
  if (address !== 0 && count < NODES) return -ERRNO.EINVAL
  if (given & ~7) return -ERRNO.EINVAL
  let [policy, nodes] = t.memoryPolicy ?? [MPOL.default, 0n]
  if (given & GET.allowed) {
    if (given & ~GET.allowed) return -ERRNO.EINVAL
    policy = 0
    nodes = 1n
  } else if (given & GET.address) {
    if (k.memory(t).at(at) === undefined) return -ERRNO.EFAULT
    policy = 0
    nodes = 0n
  } else if (at !== 0) return -ERRNO.EINVAL
  else if (given & GET.node) {
    if ((policy & ~0xe000) !== MPOL.interleave) return -ERRNO.EINVAL
    policy = 0
  }
  if (mode !== 0 && !space.writeU32(mode, policy)) return -ERRNO.EFAULT
  if (address === 0) return 0
  const bytes = new Uint8Array(Math.ceil((count - 1) / 64) * 8)
  bytes[0] = Number(nodes)
  return space.write(address, bytes) ? 0 : -ERRNO.EFAULT
}

function bindRange(k: Kernel, t: Task, args: number[]): number {
  const [start, length, mode, address, count, given] = args as [number, number, number, number, number, number]
  const nodes = readNodes(k, t, address, count)
  if (typeof nodes === 'number') return nodes
  if (given & ~7) return -ERRNO.EINVAL
  if (given & MOVE_ALL && !capable(t, CAP.sysNice)) return -ERRNO.EPERM
  if (start % PAGE_SIZE !== 0) return -ERRNO.EINVAL
  const policy = policyOf(mode, nodes)
  if (length !== 0 && typeof policy === 'number') return policy
  const end = start + pageUp(length)
  return end === start || k.memory(t).isCovered(start, end) ? 0 : -ERRNO.EFAULT
}

/** Every page that is there is on node 0; one that is not mapped is told as such. */
function movePages(k: Kernel, t: Task, args: number[]): number {
  const [pid, count, pages, nodes, status, given] = args as [number, number, number, number, number, number]
  if (given & ~6) return -ERRNO.EINVAL
  if (given & MOVE_ALL && !capable(t, CAP.sysNice)) return -ERRNO.EPERM
  const task = pid === 0 ? t : k.state.tasks.get(pid)
  if (task === undefined) return -ERRNO.ESRCH
  const space = k.space(t)
  const memory = k.memory(task)
  for (let i = 0; i < count; i++) {
    const page = space.readU64(pages + 8 * i)
    if (page === null) return -ERRNO.EFAULT
    if (nodes !== 0) {
      const node = space.readU32(nodes + 4 * i)
      if (node === null) return -ERRNO.EFAULT
      if (node !== 0) return -ERRNO.ENODEV
    }
    const there = memory.at(pageDown(Number(page))) !== undefined
    if (!space.writeU32(status + 4 * i, there ? 0 : -ERRNO.EFAULT >>> 0)) return -ERRNO.EFAULT
  }
  return 0
}

function migratePages(k: Kernel, t: Task, [pid, count, from, to]: number[]): number {
  for (const address of [from!, to!]) {
    const nodes = readNodes(k, t, address, count!)
    if (typeof nodes === 'number') return nodes
    if (address === to && (nodes & 1n) === 0n) return -ERRNO.EINVAL
  }
  return pid === 0 || k.state.tasks.has(pid!) ? 0 : -ERRNO.ESRCH
}

const modeText = (value: number): string => {
  const kind = valueText(value & ~0xe000, MODES, 'MPOL_???')
  return value & 0xe000 ? `${kind}|${flagsText(value & 0xe000, MODE_FLAGS, 'MPOL_???')}` : kind
}
const mode = shown(asUint, modeText)

export const numaCalls: readonly Declaration[] = [
  syscall(
    237,
    'mbind',
    [
      ['addr', ptr],
      ['len', size],
      ['mode', mode],
      ['nodemask', ptr],
      ['maxnode', size],
      ['flags', flags(MOVE_FLAGS, 'MPOL_MF_???')],
    ],
    number,
    bindRange,
    { support: 'partial: there is one node; the policy of a range is not told by get_mempolicy' },
  ),
  syscall(
    238,
    'set_mempolicy',
    [
      ['mode', mode],
      ['nodemask', ptr],
      ['maxnode', size],
    ],
    number,
    setPolicy,
  ),
  syscall(
    239,
    'get_mempolicy',
    [
      ['mode', { ...ptr, writes: (value) => (value === 0 ? [] : [{ start: value, length: 4 }]) }],
      [
        'nodemask',
        {
          ...ptr,
          writes: (value, { args }) =>
            value === 0 ? [] : [{ start: value, length: Math.ceil((args[2]! - 1) / 64) * 8 }],
        },
      ],
      ['maxnode', size],
      ['addr', ptr],
      ['flags', flags(GET_FLAGS, 'MPOL_F_???')],
    ],
    number,
    getPolicy,
  ),
  syscall(
    256,
    'migrate_pages',
    [
      ['pid', int],
      ['maxnode', size],
      ['old_nodes', ptr],
      ['new_nodes', ptr],
    ],
    number,
    migratePages,
  ),
  syscall(
    279,
    'move_pages',
    [
      ['pid', int],
      ['count', size],
      ['pages', ptr],
      ['nodes', ptr],
      ['status', { ...ptr, writes: (value, { args }) => [{ start: value, length: 4 * args[1]! }] }],
      ['flags', flags(MOVE_FLAGS, 'MPOL_MF_???')],
    ],
    number,
    movePages,
  ),
  syscall(
    450,
    'set_mempolicy_home_node',
    [
      ['start', hexU64],
      ['len', size],
      ['home_node', hexU64],
      ['flags', uint],
    ],
    number,
    (_k, _t, [start, , node, given]) => (start! % PAGE_SIZE !== 0 || given !== 0 || node !== 0 ? -ERRNO.EINVAL : 0),
  ),
]
