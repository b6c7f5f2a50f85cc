/** Exists to find the file that execve(2) really runs: the program itself, or the interpreter that a script names in its first line. */
import { LemmingError } from '../base/errors.ts'
import { ERRNO, errnoText } from './errno.ts'
import { hostBytes } from './fs/content.ts'
import { readFile } from './fs/mapping.ts'
import { nameFromBytes } from './fs/names.ts'
import { checkAccess, MAY } from './fs/permission.ts'
import { AT_FDCWD, walk } from './fs/walk.ts'
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

/** Follows scripts to a file that is none. Throws a LemmingError naming the file and the reason. */
export function findProgram(k: Kernel, t: Task, path: string, argv: readonly string[]): Program {
  let at = path
  let args = [...argv]
  for (let depth = 0; depth <= MAX_SCRIPTS; depth++) {
    const file = openProgram(k, t, at)
    const line = shebang(file.bytes)
    if (line === null) return { file, name: path, argv: args }
    if (line.interpreter === '')
      throw refused(
        'bad-script',
        at,
        'its first line (#!) names no interpreter',
        'write #!/path/to/interpreter into the first line',
      )
    args = [line.interpreter, ...(line.argument === '' ? [] : [line.argument]), at, ...args.slice(1)]
    at = line.interpreter
  }
  throw refused(
    'bad-script',
    path,
    'scripts that interpret scripts are nested too deep',
    'name a real program in the first line',
  )
}

function openProgram(k: Kernel, t: Task, path: string): ProgramFile {
  const place = walk(k, t, AT_FDCWD, path, true)
  const inode = typeof place === 'number' ? place : (place.inode ?? -ERRNO.ENOENT)
  if (typeof inode === 'number') {
    const code = inode === -ERRNO.ENOENT ? 'program-not-found' : 'program-not-readable'
    throw refused(code, path, errnoText(-inode) ?? String(inode), 'give the path of a program')
  }
  if (inode.kind === 'dir') throw refused('program-is-directory', path, 'Is a directory', 'give the path of a program')
  if (inode.kind !== 'file' || inode.content === null)
    throw refused('program-not-a-file', path, 'not a regular file', 'give the path of a program')
  if (checkAccess(k, t, inode, MAY.exec) !== 0) {
    throw refused('program-not-executable', path, 'Permission denied: it is not executable', `chmod +x ${path}`)
  }
  if (inode.content.host !== null) {
    const bytes = hostBytes(k.world, inode.content.host)
    if (typeof bytes === 'number')
      throw refused('program-not-readable', path, errnoText(-bytes) ?? String(bytes), 'make the file readable')
  }
  const found = place as Exclude<typeof place, number>
  return {
    path: pathOfInode(k, inode, found.dir.id, found.name),
    inode: inode.id,
    bytes: readFile(k, inode, 0, inode.content.size),
  }
}

function refused(code: string, path: string, reason: string, next: string): LemmingError {
  return new LemmingError(code, `${path}: ${reason}`, next)
}

/** Interpreter and optional argument of a script's first line, or null for a file that is no script (Linux, fs/binfmt_script.c's rules). */
function shebang(bytes: Uint8Array): { interpreter: string; argument: string } | null {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return null
  const end = bytes.subarray(0, LINE_MAX).indexOf(0x0a)
  const line = nameFromBytes(bytes.subarray(2, end < 0 ? LINE_MAX : end)).replace(/^[ \t]+|[ \t]+$/g, '')
  const [, interpreter = '', argument = ''] = /^([^ \t\0]*)[ \t]*([^\0]*)/.exec(line) ?? []
  return { interpreter, argument }
}
