/** Exists to find the file that execve(2) really runs: the program itself, or the interpreter that a script names in its first line. */
import { LemmingError } from '../base/errors.ts'
import { ERRNO, errnoText } from './errno.ts'
import { hostBytes } from './fs/content.ts'
import { readFile } from './fs/mapping.ts'
import { nameFromBytes } from './fs/names.ts'
import { checkAccess, MAY } from './fs/permission.ts'
import { AT_FDCWD, walk } from './fs/walk.ts'
import type { Inode } from './fs/state.ts'
import { pathOfInode } from './fs/where.ts'
import type { Kernel } from './kernel.ts'
import type { Task } from './state.ts'

/** A file to be loaded. */
export interface ProgramFile {
  /** Absolute. */
  path: string
  inode: number
  bytes: Uint8Array
}

/** What to load, under which name (AT_EXECFN), and with which arguments. */
export interface Program {
  file: ProgramFile
  name: string
  argv: string[]
}

/** Longest first line of a script (BINPRM_BUF_SIZE). */
const LINE_MAX = 256
/** How many interpreters may be scripts themselves. */
const MAX_SCRIPTS = 5

/** Which program to run, and with what. */
export interface ProgramRequest {
  /** Relative to `dirfd`. */
  path: string
  /** AT_FDCWD or a descriptor. */
  dirfd: number
  /** Whether a symbolic link at the end of `path` is followed. */
  follow: boolean
  /** How the program is called: `path`, or /dev/fd/N… for one that was given by descriptor. */
  name: string
  argv: readonly string[]
}

/** What is found at `path`, from the working directory. */
export function byPath(path: string, argv: readonly string[]): ProgramRequest {
  return { path, dirfd: AT_FDCWD, follow: true, name: path, argv }
}

/** A file that cannot be run, with the errno of execve(2). */
export class ExecRefusal extends LemmingError {
  readonly errno: number

  constructor(code: string, errno: number, path: string, reason: string, next: string) {
    super(code, `${path}: ${reason}`, next)
    this.errno = errno
  }
}

/** Follows scripts to a file that is none. Throws an ExecRefusal naming the file and the reason. */
export function findProgram(k: Kernel, t: Task, request: ProgramRequest): Program {
  let wanted = request
  let at = request.name
  let args = [...request.argv]
  for (let depth = 0; depth <= MAX_SCRIPTS; depth++) {
    const file = openProgram(k, t, wanted)
    const line = shebang(file.bytes)
    if (line === null) return { file, name: request.name, argv: args }
    if (line.interpreter === '')
      throw new ExecRefusal(
        'bad-script',
        ERRNO.ENOEXEC,
        at,
        'its first line (#!) names no interpreter',
        'write #!/path/to/interpreter into the first line',
      )
    args = [line.interpreter, ...(line.argument === '' ? [] : [line.argument]), at, ...args.slice(1)]
    at = line.interpreter
    wanted = byPath(at, [])
  }
  throw new ExecRefusal(
    'bad-script',
    ERRNO.ELOOP,
    request.name,
    'scripts that interpret scripts are nested too deep',
    'name a real program in the first line',
  )
}

/** The file that a request names, if it may be executed: whatever it holds. Throws an ExecRefusal. */
export function openProgram(k: Kernel, t: Task, { path, dirfd, follow, name }: ProgramRequest): ProgramFile {
  const place = walk(k, t, dirfd, path, follow)
  const inode = typeof place === 'number' ? place : (place.inode ?? -ERRNO.ENOENT)
  if (typeof inode === 'number') {
    const code = inode === -ERRNO.ENOENT ? 'program-not-found' : 'program-not-readable'
    throw refused(code, -inode, name, errnoText(-inode) ?? String(inode), 'give the path of a program')
  }
  if (inode.kind === 'symlink') throw refused('program-not-readable', ERRNO.ELOOP, name, 'a symbolic link', 'follow it')
  if (inode.kind === 'dir')
    throw refused('program-is-directory', ERRNO.EACCES, name, 'Is a directory', 'give the path of a program')
  if (inode.kind !== 'file' || inode.content === null)
    throw refused('program-not-a-file', ERRNO.EACCES, name, 'not a regular file', 'give the path of a program')
  if (checkAccess(k, t, inode, MAY.exec) !== 0) {
    const reason = 'Permission denied: it is not executable'
    throw refused('program-not-executable', ERRNO.EACCES, name, reason, `chmod +x ${name}`)
  }
  if (isWritten(k, inode))
    throw refused('program-busy', ERRNO.ETXTBSY, name, 'Text file busy: it is open for writing', 'close it first')
  const found = place as Exclude<typeof place, number>
  const file = { path: pathOfInode(k, inode, found.dir.id, found.name), inode: inode.id }
  const { host, chunks, size } = inode.content
  if (host === null) return { ...file, bytes: readFile(k, inode, 0, size) }
  const bytes = hostBytes(k.world, host)
  if (typeof bytes === 'number')
    throw refused('program-not-readable', -bytes, name, errnoText(-bytes) ?? String(bytes), 'make the file readable')
  const untouched = chunks.size === 0 && size === bytes.length && inode.shared.length === 0
  return { ...file, bytes: untouched ? bytes : readFile(k, inode, 0, size) }
}

/** Whether somebody has the file open for writing. */
function isWritten(k: Kernel, inode: Inode): boolean {
  for (const description of k.state.fs.descriptions.values())
    if (description.inode === inode.id && description.type === 'file' && (description.flags & 3) !== 0) return true
  return false
}

function refused(code: string, errno: number, path: string, reason: string, next: string): ExecRefusal {
  return new ExecRefusal(code, errno, path, reason, next)
}

/** Interpreter and optional argument of a script's first line, or null for a file that is no script (Linux, fs/binfmt_script.c's rules). */
function shebang(bytes: Uint8Array): { interpreter: string; argument: string } | null {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return null
  const end = bytes.subarray(0, LINE_MAX).indexOf(0x0a)
  const line = nameFromBytes(bytes.subarray(2, end < 0 ? LINE_MAX : end)).replace(/^[ \t]+|[ \t]+$/g, '')
  const [, interpreter = '', argument = ''] = /^([^ \t\0]*)[ \t]*([^\0]*)/.exec(line) ?? []
  return { interpreter, argument }
}
