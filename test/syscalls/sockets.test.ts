/** Holds the calls that ask a descriptor for a socket's address against the real kernel, and their printing against the real strace. */
import { describe, it } from 'vitest'
import { compare, CWD, O } from './compare.ts'
import { Script } from './differential.ts'

describe('socket calls', () => {
  it('say that files, pipes and bare paths are no sockets', () => {
    const s = new Script()
    const b = s.buffer(64)
    s.call('openat', CWD, 'f', O.rdwr | O.creat, 0o644)
      .call('openat', CWD, 'f', O.path, 0)
      .call('pipe2', b, 0)
    for (const call of ['getsockname', 'getpeername'] as const) {
      for (const fd of [3, 4, 5, 99, -1]) s.call(call, fd, b, s.ints(16))
      s.call(call, 3, 0, 0).call(call, 3, 16, 16).call(call, 3, b, s.ints(-1))
    }
    compare(s)
  })
})
