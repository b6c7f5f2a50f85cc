/** Writes docs/system-calls.md from the declarations of the calls; a test holds the page to them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table } from '../src/linux/table.ts'
import { syscallName } from '../src/linux/table-names.ts'

const PAGE = join(import.meta.dirname, '..', 'docs', 'system-calls.md')

/** Calls that have a number and that Linux itself answers ENOSYS, on x86-64: they never were, are no more, or are another architecture's. */
const GONE: ReadonlySet<string> = new Set([
  '_sysctl',
  'afs_syscall',
  'create_module',
  'epoll_ctl_old',
  'epoll_wait_old',
  'get_kernel_syms',
  'get_thread_area',
  'getpmsg',
  'lookup_dcookie',
  'nfsservctl',
  'putpmsg',
  'query_module',
  'security',
  'set_thread_area',
  'tuxcall',
  'vserver',
])

/** The page as the declarations have it now. */
export function systemCallsPage(): string {
  const rows: { name: string; nr: number; state: string }[] = []
  const missing: string[] = []
  const gone: string[] = []
  const counts = { full: 0, partial: 0 }
  for (let nr = 0; nr < table.length; nr++) {
    const declaration = table[nr]
    const name = syscallName(nr)
    if (declaration === undefined) {
      if (!name.startsWith('syscall_')) (GONE.has(name) ? gone : missing).push(name)
      continue
    }
    const full = declaration.support === 'full'
    counts[full ? 'full' : 'partial']++
    rows.push({ name: declaration.name, nr, state: full ? 'full' : declaration.support.replace(/^partial: /, '') })
  }
  rows.sort((a, b) => (a.name < b.name ? -1 : 1))
  const list = rows.map(
    ({ name, nr, state }) => `| ${name} | ${nr} | ${state === 'full' ? 'full |' : `partial | ${state}`} |`,
  )
  return `# System calls

The state of every system call of x86-64 Linux, made by \`npx node scripts/write-system-calls.ts\` from the declarations in
[src/linux/syscalls](../src/linux/syscalls). ${counts.full} are full, ${counts.partial} partial, ${missing.length} not there.

*Full*: everything that the machine can tell apart. *Partial*: what the last column leaves out or restricts; asking for
something that is left out is answered with what the column says, else with what a kernel without it would answer (EINVAL,
EOPNOTSUPP), and reported once by name. *Not there*: answered ENOSYS, as an old kernel would, and reported once by name and arguments.

| call | number | state | without, or within which bounds |
|---|---|---|---|
${list.join('\n')}

## Not there

${wrapped(missing.sort())}

Nor are these, which have a number and which Linux itself answers ENOSYS on x86-64:
${wrapped(gone.sort())}
`
}

/** Names as prose of at most 120 columns. */
function wrapped(names: readonly string[]): string {
  const lines: string[] = ['']
  for (const [i, name] of names.entries()) {
    const word = `\`${name}\`${i < names.length - 1 ? ',' : '.'}`
    const last = lines.at(-1)!
    if (last !== '' && last.length + 1 + word.length > 120) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.join('\n')
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, systemCallsPage())
