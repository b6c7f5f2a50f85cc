/** Exists to declare execve and execveat: reads the arguments from memory and hands them to exec.ts. */
import { asU64, dirfd, flags, number, PATH_MAX, path, shown } from '../arguments.ts'
import { syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { execute, mayExecute } from '../exec.ts'
import { descriptionOf } from '../fs/description.ts'
import { nameFromBytes } from '../fs/names.ts'
import { AT_FDCWD, readPath } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import { byPath } from '../program-file.ts'
import type { Task } from '../state.ts'
import { hex, pointerText, quoted, STRING_LIMIT } from '../strace.ts'

/** Longest argument, its NUL included (MAX_ARG_STRLEN). */
const LONGEST_STRING = 131_072
/** Most arguments that any stack has room for. */
const MOST_STRINGS = 0x10_0000

/** The strings that a NULL-terminated array of pointers names; -EFAULT or -E2BIG. A NULL array is empty, as Linux has it. */
function readStrings(k: Kernel, t: Task, address: number): string[] | number {
  const space = k.space(t)
  const found: string[] = []
  for (let at = address; address !== 0; at += 8) {
    const pointer = space.readU64(at)
    if (pointer === null) return -ERRNO.EFAULT
    if (pointer === 0n) break
    if (found.length >= MOST_STRINGS) return -ERRNO.E2BIG
    const bytes = space.readString(Number(pointer), LONGEST_STRING)
    if (bytes === null) return space.read(Number(pointer), LONGEST_STRING) === null ? -ERRNO.EFAULT : -ERRNO.E2BIG
    found.push(nameFromBytes(bytes))
  }
  return found
}

function execve(k: Kernel, t: Task, [pathAddress, argvAddress, environAddress]: number[]): number {
  const wanted = readPath(k, t, pathAddress!)
  if (typeof wanted === 'number') return wanted
  return run(k, t, byPath(wanted, []), argvAddress!, environAddress!)
}

const AT = { symlinkNofollow: 0x100, emptyPath: 0x1000 } as const

function execveat(k: Kernel, t: Task, args: number[]): number {
  const [directory, pathAddress, argvAddress, environAddress, given] = args as [number, number, number, number, number]
  if (given & ~(AT.symlinkNofollow | AT.emptyPath)) return -ERRNO.EINVAL
  const wanted = readPath(k, t, pathAddress)
  if (typeof wanted === 'number') return wanted
  const request = { ...byPath(wanted, []), dirfd: directory, follow: !(given & AT.symlinkNofollow) }
  if (wanted === '') {
    if (!(given & AT.emptyPath)) return -ERRNO.ENOENT
    if (directory !== AT_FDCWD && !descriptionOf(k, t, directory)) return -ERRNO.EBADF
    if (directory === AT_FDCWD) return -ERRNO.EACCES
    Object.assign(request, { path: `/proc/self/fd/${directory}`, name: `/dev/fd/${directory}`, follow: true })
  } else if (!wanted.startsWith('/') && directory !== AT_FDCWD) request.name = `/dev/fd/${directory}/${wanted}`
  return run(k, t, request, argvAddress, environAddress)
}

function run(
  k: Kernel,
  t: Task,
  request: ReturnType<typeof byPath>,
  argvAddress: number,
  environAddress: number,
): number {
  const refused = mayExecute(k, t, request)
  if (refused !== 0) return refused
  const argv = readStrings(k, t, argvAddress)
  if (typeof argv === 'number') return argv
  const environ = readStrings(k, t, environAddress)
  if (typeof environ === 'number') return environ
  // A program is never called without a name (Linux since 5.18).
  return execute(k, t, { ...request, argv: argv.length === 0 ? [''] : argv }, environ)
}

/** Addresses in a NULL-terminated array; null when it cannot be read. */
function pointersAt({ space }: CallView, address: number): number[] | null {
  const found: number[] = []
  for (let at = address; ; at += 8) {
    const pointer = space.readU64(at)
    if (pointer === null) return null
    if (pointer === 0n) return found
    found.push(Number(pointer))
  }
}

/** Arguments are shown up to this many. */
const SHOWN = 32

/** The array of pointers with its NULL, and the strings with theirs. */
const readsStrings: NonNullable<ArgType['reads']> = (value, call) => {
  const pointers = pointersAt(call, value) ?? []
  const strings = pointers.map((start) => {
    const bytes = call.space.readString(start, LONGEST_STRING)
    return { start, length: bytes === null ? 0 : bytes.length + 1 }
  })
  return [{ start: value, length: 8 * (pointers.length + 1) }, ...strings]
}

const argvText = (value: number, call: CallView): string => {
  const pointers = value === 0 ? null : pointersAt(call, value)
  if (pointers === null) return pointerText(value)
  const texts = pointers.slice(0, SHOWN).map((pointer) => {
    const bytes = call.space.readString(pointer, PATH_MAX)
    return bytes === null ? pointerText(pointer) : quoted(bytes, STRING_LIMIT)
  })
  return `[${texts.join(', ')}${pointers.length > SHOWN ? ', ...' : ''}]`
}

const environText = (value: number, call: CallView): string => {
  const pointers = value === 0 ? null : pointersAt(call, value)
  if (pointers === null) return pointerText(value)
  return `${hex(value)} /* ${pointers.length} var${pointers.length === 1 ? '' : 's'} */`
}

const argvArg: ArgType = { ...shown(asU64, argvText), reads: readsStrings }
const environArg: ArgType = { ...shown(asU64, environText), reads: readsStrings }

const support = 'partial: set-user-id programs run as the caller'

export const execCalls: readonly Declaration[] = [
  syscall(
    59,
    'execve',
    [
      ['pathname', path],
      ['argv', argvArg],
      ['envp', environArg],
    ],
    number,
    execve,
    { support },
  ),
  syscall(
    322,
    'execveat',
    [
      ['dirfd', dirfd],
      ['pathname', path],
      ['argv', argvArg],
      ['envp', environArg],
      [
        'flags',
        flags(
          [
            [AT.symlinkNofollow, 'AT_SYMLINK_NOFOLLOW'],
            [AT.emptyPath, 'AT_EMPTY_PATH'],
          ],
          'AT_???',
        ),
      ],
    ],
    number,
    execveat,
    { support },
  ),
]
