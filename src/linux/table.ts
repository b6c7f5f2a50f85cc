/** Exists to put all declarations of system calls into one table by number. */
import { assert } from '../base/errors.ts'
import type { Declaration } from './declare.ts'
import { aioCalls } from './syscalls/aio.ts'
import { attributeCalls } from './syscalls/attributes.ts'
import { cloneCalls } from './syscalls/clone.ts'
import { controlCalls } from './syscalls/control.ts'
import { copyCalls } from './syscalls/copy.ts'
import { epollCalls } from './syscalls/epoll.ts'
import { execCalls } from './syscalls/exec.ts'
import { futexCalls } from './syscalls/futex.ts'
import { severalFutexCalls } from './syscalls/futex-several.ts'
import { wordFutexCalls } from './syscalls/futex-words.ts'
import { idCalls } from './syscalls/ids.ts'
import { infoCalls } from './syscalls/info.ts'
import { inotifyCalls } from './syscalls/inotify.ts'
import { ioCalls } from './syscalls/io.ts'
import { ipcCalls } from './syscalls/ipc.ts'
import { memoryCalls } from './syscalls/memory.ts'
import { messageCalls } from './syscalls/messages.ts'
import { mqueueCalls } from './syscalls/mqueue.ts'
import { numaCalls } from './syscalls/numa.ts'
import { openCalls } from './syscalls/open.ts'
import { pidfdCalls } from './syscalls/pidfd.ts'
import { pollCalls } from './syscalls/poll.ts'
import { prctlCalls } from './syscalls/prctl.ts'
import { privilegedCalls } from './syscalls/privileged.ts'
import { processCalls } from './syscalls/process.ts'
import { restCalls } from './syscalls/rest.ts'
import { schedCalls } from './syscalls/sched.ts'
import { seccompCalls } from './syscalls/seccomp.ts'
import { seldomCalls } from './syscalls/seldom.ts'
import { signalCalls } from './syscalls/signal.ts'
import { signalfdCalls } from './syscalls/signalfd.ts'
import { socketCalls } from './syscalls/socket.ts'
import { socketOptionCalls } from './syscalls/socket-options.ts'
import { statCalls } from './syscalls/stat.ts'
import { timeCalls } from './syscalls/time.ts'
import { treeCalls } from './syscalls/tree.ts'
import { uringCalls } from './syscalls/uring.ts'
import { xattrCalls } from './syscalls/xattr.ts'
import { waitCalls } from './syscalls/wait.ts'

const families: readonly (readonly Declaration[])[] = [
  ioCalls,
  openCalls,
  statCalls,
  treeCalls,
  attributeCalls,
  xattrCalls,
  signalfdCalls,
  copyCalls,
  controlCalls,
  pollCalls,
  epollCalls,
  infoCalls,
  idCalls,
  memoryCalls,
  ipcCalls,
  mqueueCalls,
  inotifyCalls,
  restCalls,
  processCalls,
  cloneCalls,
  execCalls,
  waitCalls,
  pidfdCalls,
  prctlCalls,
  privilegedCalls,
  seccompCalls,
  aioCalls,
  uringCalls,
  numaCalls,
  seldomCalls,
  signalCalls,
  futexCalls,
  severalFutexCalls,
  wordFutexCalls,
  timeCalls,
  schedCalls,
  socketCalls,
  messageCalls,
  socketOptionCalls,
]

/** Declarations by system call number; undefined for those that lemming does not have. */
export const table: readonly (Declaration | undefined)[] = build()

function build(): (Declaration | undefined)[] {
  const rows: (Declaration | undefined)[] = Array.from({ length: 512 })
  for (const declaration of families.flat()) {
    assert(rows[declaration.nr] === undefined, `system call ${declaration.nr} is declared twice`)
    rows[declaration.nr] = declaration
  }
  return rows
}
