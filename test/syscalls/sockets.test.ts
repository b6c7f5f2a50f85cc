/** Holds the socket calls against the real kernel, and their printing against the real strace. */
import { describe, it } from 'vitest'
import { compare, CWD, O } from './compare.ts'
import { Script } from './differential.ts'

const AF = { unix: 1, inet: 2, inet6: 10 }
const SOCK = { stream: 1, dgram: 2, seqpacket: 5, nonblock: 0o4000, cloexec: 0o2000000 }
const MSG = { peek: 2, trunc: 0x20, dontwait: 0x40, waitall: 0x100, nosignal: 0x4000, cmsgCloexec: 0x40000000 }
const PAIRS = [SOCK.stream, SOCK.dgram, SOCK.seqpacket]

/** Process ids differ on both sides. */
const mask = (line: string): string => line.replace(/pid=[1-9]\d*/g, 'pid=N').replace(/( +)= /, ' = ')

class Sockets extends Script {
  unixAddress(path: string): [address: number, length: number] {
    const bytes = Buffer.concat([Buffer.of(1, 0), Buffer.from(path, 'latin1')])
    return [this.bytes(bytes), bytes.length]
  }

  inet(port: number, address = [127, 0, 0, 1]): [address: number, length: number] {
    return [this.bytes(Buffer.of(2, 0, port >> 8, port & 255, ...address, 0, 0, 0, 0, 0, 0, 0, 0)), 16]
  }

  inet6(port: number, last = 1): [address: number, length: number] {
    return [
      this.bytes(
        Buffer.of(10, 0, port >> 8, port & 255, 0, 0, 0, 0, ...Array.from({ length: 15 }, () => 0), last, 0, 0, 0, 0),
      ),
      28,
    ]
  }

  iov(...parts: [address: number, length: number][]): number {
    return this.words(...parts.flat())
  }

  message(
    iov: number,
    count: number,
    more: { name?: number; nameLength?: number; control?: number; controlLength?: number } = {},
  ): number {
    const { name = 0, nameLength = 0, control = 0, controlLength = 0 } = more
    return this.words(name, nameLength, iov, count, control, controlLength, 0)
  }
}

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
    for (const fd of [3, 4, 5, 99]) {
      s.call('bind', fd, ...new Sockets().unixAddress('x'))
        .call('listen', fd, 5)
        .call('shutdown', fd, 2)
      s.call('sendto', fd, b, 1, 0, 0, 0).call('recvfrom', fd, b, 1, 0, 0, 0).call('getsockopt', fd, 1, 3, b, s.ints(4))
    }
    compare(s)
  })

  it('make sockets of the kinds that there are', () => {
    const s = new Sockets()
    for (const [family, type, protocol] of [
      [AF.unix, SOCK.stream, 0],
      [AF.unix, SOCK.dgram | SOCK.cloexec, 0],
      [AF.unix, SOCK.seqpacket | SOCK.nonblock, 1],
      [AF.unix, 3, 0],
      [AF.unix, 4, 0],
      [AF.unix, 99, 0],
      [AF.unix, SOCK.stream, 5],
      [AF.inet, SOCK.stream, 0],
      [AF.inet, SOCK.stream, 6],
      [AF.inet, SOCK.dgram, 17],
      [AF.inet, SOCK.stream, 17],
      [AF.inet, SOCK.seqpacket, 0],
      [AF.inet6, SOCK.dgram | SOCK.cloexec | SOCK.nonblock, 0],
      [AF.inet6, SOCK.stream, 6],
      [99, 1, 0],
      [-1, 1, 0],
      [AF.unix, 1 | 0x100, 0],
    ] as const)
      s.call('socket', family, type, protocol)
    const sv = s.buffer(8)
    for (const type of [1, 2, 3, 4, 5, SOCK.stream | SOCK.cloexec | SOCK.nonblock])
      s.call('socketpair', AF.unix, type, 0, sv)
    s.call('socketpair', AF.inet, 1, 0, sv).call('socketpair', 99, 1, 0, sv).call('socketpair', AF.unix, 1, 0, 16)
    s.call('fcntl', 3, 3, 0).call('fcntl', 5, 3, 0).call('fcntl', 4, 1, 0).call('lseek', 3, 0, 0).call('fsync', 3)
    compare(s)
  })

  for (const type of PAIRS) {
    it(`move data over a pair of type ${type}`, () => {
      const s = new Sockets()
      const [sv, b, name, size] = [s.buffer(8), s.buffer(256), s.buffer(128), s.ints(128)]
      const p = s.buffer(32)
      s.call('socketpair', AF.unix, type, 0, sv)
      s.call('getsockname', 3, name, size).call('getpeername', 4, name, s.ints(128))
      s.call('sendto', 3, 'hello', 5, 0, 0, 0)
        .call('sendto', 3, 'world!', 6, MSG.nosignal, 0, 0)
        .call('write', 4, 'back', 4)
      s.call('recvfrom', 4, b, 3, MSG.peek, 0, 0)
        .call('recvfrom', 4, b, 3, 0, 0, 0)
        .call('recvfrom', 4, b, 100, MSG.dontwait, name, s.ints(128))
      s.call('recvfrom', 4, b, 100, MSG.dontwait, 0, 0)
        .call('read', 3, b, 2)
        .call('recvfrom', 3, b, 100, MSG.dontwait, 0, 0)
      s.call('sendto', 3, 'truncated', 9, 0, 0, 0).call('recvfrom', 4, b, 4, MSG.trunc, 0, 0)
      s.call('recvfrom', 4, b, 100, MSG.dontwait, 0, 0)
      const iov = s.iov([s.string('one'), 3], [s.string('two'), 3])
      s.call('sendmsg', 4, s.message(iov, 2), 0).call('writev', 4, iov, 2)
      const into = s.iov([s.buffer(4), 4], [s.buffer(4), 4])
      s.call('recvmsg', 3, s.message(into, 2, { name, nameLength: 128 }), 0).call(
        'recvmsg',
        3,
        s.message(into, 2),
        MSG.dontwait,
      )
      s.call('recvmsg', 3, s.message(into, 2), MSG.dontwait)
      for (const fd of [3, 4]) s.call('poll', s.ints(fd, 0x7), 1, 0)
      s.call('write', 3, 'x', 1)
        .call('poll', s.ints(4, 0x2005), 1, 0)
        .call('ioctl', 4, 0x541b, p)
        .call('ioctl', 3, 0x5411, p)
      s.call('shutdown', 3, 1).call('poll', s.ints(4, 0x2005), 1, 0).call('poll', s.ints(3, 0x2005), 1, 0)
      s.call('sendto', 3, 'y', 1, MSG.nosignal, 0, 0)
        .call('recvfrom', 4, b, 8, MSG.dontwait, 0, 0)
        .call('recvfrom', 4, b, 8, MSG.dontwait, 0, 0)
      s.call('shutdown', 4, 7)
        .call('shutdown', 4, 2)
        .call('poll', s.ints(4, 0x2005), 1, 0)
        .call('poll', s.ints(3, 0x2005), 1, 0)
      s.call('sendto', 4, 'y', 1, MSG.nosignal, 0, 0).call('close', 3).call('poll', s.ints(4, 0x2005), 1, 0)
      s.call('recvfrom', 4, b, 8, MSG.dontwait, 0, 0).call('getpeername', 4, name, s.ints(128))
      compare(s, mask)
    })

    it(`see the other end of type ${type} go`, () => {
      const s = new Sockets()
      const [sv, b] = [s.buffer(8), s.buffer(256)]
      s.call('socketpair', AF.unix, type, 0, sv).call('write', 3, 'left', 4).call('close', 3)
      s.call('poll', s.ints(4, 0x2005), 1, 0)
        .call('recvfrom', 4, b, 9, MSG.dontwait, 0, 0)
        .call('recvfrom', 4, b, 9, MSG.dontwait, 0, 0)
      s.call('sendto', 4, 'x', 1, MSG.nosignal, 0, 0).call('sendto', 4, 'x', 1, MSG.nosignal, 0, 0)
      s.call('socketpair', AF.unix, type, 0, sv)
        .call('write', 3, 'unread', 6)
        .call('close', 5)
        .call('poll', s.ints(3, 0x2005), 1, 0)
      s.call('getsockopt', 3, 1, 4, b, s.ints(4))
        .call('getsockopt', 3, 1, 4, b, s.ints(4))
        .call('recvfrom', 3, b, 9, MSG.dontwait, 0, 0)
      compare(s, mask)
    })

    it(`pass descriptors and credentials over type ${type}`, () => {
      const s = new Sockets()
      const [sv, b] = [s.buffer(8), s.buffer(256)]
      s.call('openat', CWD, 'f', O.rdwr | O.creat, 0o600).call('socketpair', AF.unix, type, 0, sv)
      const iov = s.iov([s.string('fd'), 2])
      const rights = s.bytes(
        Buffer.concat([Buffer.from(new BigInt64Array([24n]).buffer), Buffer.from(new Int32Array([1, 1, 3, 0]).buffer)]),
      )
      s.call('sendmsg', 4, s.message(iov, 1, { control: rights, controlLength: 24 }), 0).call('write', 4, 'more', 4)
      const room = s.buffer(64)
      s.call('recvmsg', 5, s.message(s.iov([b, 64]), 1, { control: room, controlLength: 64 }), MSG.cmsgCloexec)
      s.call('fcntl', 6, 1, 0)
        .call('write', 6, 'file', 4)
        .call('recvmsg', 5, s.message(s.iov([b, 64]), 1), MSG.dontwait)
      const bad = s.bytes(
        Buffer.concat([
          Buffer.from(new BigInt64Array([20n]).buffer),
          Buffer.from(new Int32Array([1, 1, 77, 0]).buffer),
        ]),
      )
      s.call('sendmsg', 4, s.message(iov, 1, { control: bad, controlLength: 24 }), 0)
      s.call('sendmsg', 4, s.message(iov, 1, { control: rights, controlLength: 24 }), 0)
      s.call('recvmsg', 5, s.message(s.iov([b, 64]), 1, { control: room, controlLength: 8 }), 0)
      s.call('sendmsg', 4, s.message(iov, 1, { control: rights, controlLength: 24 }), 0)
      s.call('recvmsg', 5, s.message(s.iov([b, 64]), 1), 0)
      s.call('setsockopt', 5, 1, 16, s.ints(1), 4).call('write', 4, 'who', 3)
      s.call('recvmsg', 5, s.message(s.iov([b, 64]), 1, { control: room, controlLength: 64 }), 0)
      s.call('dup', 3).call('getsockopt', 5, 1, 17, b, s.ints(12))
      compare(s, mask)
    })
  }

  it('name and connect AF_UNIX sockets', () => {
    const s = new Sockets()
    const [b, name] = [s.buffer(64), s.buffer(128)]
    const path = s.unixAddress('sock\0')
    const abstract = s.unixAddress('\0abstract')
    s.call('socket', AF.unix, SOCK.stream, 0)
      .call('listen', 3, 5)
      .call('bind', 3, ...path)
      .call('bind', 3, ...path)
    s.call('getsockname', 3, name, s.ints(128)).call('poll', s.ints(3, 5), 1, 0).call('accept', 3, 0, 0)
    s.call('socket', AF.unix, SOCK.stream, 0)
      .call('bind', 4, ...path)
      .call('poll', s.ints(4, 5), 1, 0)
    s.call('connect', 4, ...path)
      .call('recvfrom', 4, b, 4, MSG.dontwait, 0, 0)
      .call('sendto', 4, b, 4, MSG.nosignal, 0, 0)
    s.call('listen', 3, 1)
      .call('connect', 4, ...path)
      .call('connect', 4, ...path)
      .call('poll', s.ints(3, 5), 1, 0)
      .call('write', 4, 'early', 5)
    s.call('accept4', 3, name, s.ints(128), SOCK.cloexec | SOCK.nonblock)
      .call('fcntl', 5, 1, 0)
      .call('fcntl', 5, 3, 0)
    s.call('read', 5, b, 64)
      .call('read', 5, b, 64)
      .call('getpeername', 4, name, s.ints(128))
      .call('getpeername', 5, name, s.ints(128))
    s.call('getsockname', 5, name, s.ints(128))
      .call('accept4', 3, 0, 0, 1)
      .call('fcntl', 3, 4, SOCK.nonblock)
      .call('accept', 3, 0, 0)
    s.call('socket', AF.unix, SOCK.dgram, 0)
      .call('connect', 6, ...path)
      .call('bind', 6, ...abstract)
      .call('getsockname', 6, name, s.ints(128))
    s.call('socket', AF.unix, SOCK.dgram, 0)
      .call('bind', 7, ...abstract)
      .call('sendto', 7, 'dgram', 5, 0, ...abstract)
    s.call('recvfrom', 6, b, 64, 0, name, s.ints(128))
      .call('connect', 7, ...abstract)
      .call('write', 7, 'again', 5)
    s.call('bind', 7, ...s.unixAddress('\0other'))
      .call('write', 7, 'named', 5)
      .call('recvfrom', 6, b, 64, 0, name, s.ints(128))
      .call('recvfrom', 6, b, 64, 0, name, s.ints(128))
    s.call('connect', 7, s.ints(0), 2)
      .call('write', 7, 'x', 1)
      .call('connect', 7, ...s.unixAddress('nobody\0'))
      .call('connect', 7, ...s.unixAddress('\0nobody'))
    s.call('unlink', 'sock')
      .call('connect', 7, ...path)
      .call('bind', 7, ...s.inet(5))
      .call('connect', 7, ...s.inet(5))
      .call('listen', 6, 4)
      .call('accept', 6, 0, 0)
    s.call('openat', CWD, 'plain', O.creat | O.rdwr, 0o600)
      .call('connect', 7, ...s.unixAddress('plain\0'))
      .call('bind', 7, ...s.unixAddress('plain\0'))
    s.call('stat', 'sock', s.buffer(144))
      .call('close', 3)
      .call('socket', AF.unix, SOCK.seqpacket, 0)
      .call('bind', 3, ...s.unixAddress('seq'))
      .call('stat', 'seq', s.buffer(144))
    s.call('listen', 3, 0)
      .call('socket', AF.unix, SOCK.seqpacket | SOCK.nonblock, 0)
      .call('connect', 9, ...s.unixAddress('seq'))
      .call('close', 3)
      .call('poll', s.ints(9, 0x2005), 1, 0)
    s.call('read', 9, b, 4).call('sendto', 9, b, 4, MSG.nosignal, 0, 0).call('openat', CWD, 'seq', O.rdwr, 0)
    compare(s, mask)
  })

  it('have options', () => {
    const s = new Sockets()
    const b = s.buffer(64)
    s.call('socket', AF.unix, SOCK.stream, 0)
      .call('socket', AF.inet, SOCK.stream, 0)
      .call('socket', AF.inet6, SOCK.dgram, 0)
    for (const fd of [3, 4, 5]) {
      for (const name of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, ...(fd === 3 ? [16] : []), 18, 19, 29, 30, 38, 39]) {
        s.call('getsockopt', fd, 1, name, b, s.ints(4))
      }
      for (const name of [13, 17, 20, 21, 31]) s.call('getsockopt', fd, 1, name, b, s.ints(64))
      for (const name of [1, 2, 5, 6, 7, 8, 9, 10, 12, 18]) {
        s.call('setsockopt', fd, 1, name, s.ints(5), 4).call('getsockopt', fd, 1, name, b, s.ints(4))
      }
      s.call('setsockopt', fd, 1, 7, s.ints(50_000), 4).call('getsockopt', fd, 1, 7, b, s.ints(4))
      s.call('setsockopt', fd, 1, 3, s.ints(1), 4)
        .call('setsockopt', fd, 1, 4, s.ints(1), 4)
        .call('setsockopt', fd, 1, 2, s.ints(1), 2)
      s.call('setsockopt', fd, 1, 2, 0, 4)
        .call('setsockopt', fd, 1, 9999, s.ints(1), 4)
        .call('getsockopt', fd, 1, 9999, b, s.ints(4))
      s.call('setsockopt', fd, 1, 20, s.words(1, 500000), 16)
        .call('getsockopt', fd, 1, 20, b, s.ints(16))
        .call('setsockopt', fd, 1, 21, s.words(1, 2000000), 16)
      s.call('setsockopt', fd, 1, 13, s.ints(1, 7), 8)
        .call('getsockopt', fd, 1, 13, b, s.ints(8))
        .call('setsockopt', fd, 1, 13, s.ints(1, 7), 4)
      s.call('getsockopt', fd, 1, 3, b, s.ints(-1))
        .call('getsockopt', fd, 1, 3, 16, s.ints(4))
        .call('getsockopt', fd, 1, 3, b, 16)
      for (const name of [1, 3, 4, 5, 6])
        s.call('getsockopt', fd, 6, name, b, s.ints(4)).call('setsockopt', fd, 6, name, s.ints(1), 4)
      s.call('getsockopt', fd, 41, 26, b, s.ints(4))
        .call('setsockopt', fd, 41, 26, s.ints(1), 4)
        .call('getsockopt', fd, 77, 26, b, s.ints(4))
        .call('setsockopt', fd, 77, 26, s.ints(4), 4)
    }
    compare(s, mask)
  })

  it('connect streams over the loopback device', () => {
    const s = new Sockets()
    const [b, name] = [s.buffer(64), s.buffer(128)]
    const here = s.inet(45671)
    s.call('socket', AF.inet, SOCK.stream, 0)
      .call('setsockopt', 3, 1, 2, s.ints(1), 4)
      .call('poll', s.ints(3, 0x2005), 1, 0)
      .call('bind', 3, ...here)
      .call('bind', 3, ...here)
    s.call('socket', AF.inet, SOCK.stream, 0)
      .call('connect', 4, ...here)
      .call('getsockopt', 4, 1, 4, b, s.ints(4))
      .call('getpeername', 4, name, s.ints(128))
    s.call('recvfrom', 4, b, 1, 0, 0, 0)
      .call('sendto', 4, b, 1, MSG.nosignal, 0, 0)
      .call('accept', 3, 0, 0)
      .call('listen', 3, 8)
      .call('bind', 4, ...here)
    s.call('connect', 4, ...here)
      .call('connect', 4, ...here)
      .call('poll', s.ints(3, 5), 1, 0)
      .call('accept', 3, 0, 0)
      .call('getsockname', 5, name, s.ints(128))
      .call('getpeername', 4, name, s.ints(128))
    s.call('write', 4, 'request', 7)
      .call('recvfrom', 5, b, 3, MSG.peek, 0, 0)
      .call('recvfrom', 5, b, 64, 0, name, s.ints(128))
      .call('recvfrom', 5, b, 64, MSG.dontwait, 0, 0)
    s.call('poll', s.ints(5, 0x2005), 1, 0)
      .call('shutdown', 4, 1)
      .call('poll', s.ints(5, 0x2005), 1, 0)
      .call('poll', s.ints(4, 0x2005), 1, 0)
      .call('read', 5, b, 9)
      .call('write', 5, 'answer', 6)
    s.call('read', 4, b, 9)
      .call('close', 5)
      .call('poll', s.ints(4, 0x2005), 1, 0)
      .call('read', 4, b, 9)
      .call('close', 4)
    s.call('socket', AF.inet, SOCK.stream | SOCK.nonblock, 0)
      .call('connect', 4, ...here)
      .call('poll', s.ints(4, 0x2005), 1, 100)
      .call('getsockopt', 4, 1, 4, b, s.ints(4))
      .call('connect', 4, ...here)
      .call('connect', 4, ...here)
    s.call('socket', AF.inet, SOCK.stream | SOCK.nonblock, 0)
      .call('connect', 5, ...s.inet(45670))
      .call('poll', s.ints(5, 0x2005), 1, 100)
      .call('getsockopt', 5, 1, 4, b, s.ints(4))
      .call('getsockopt', 5, 1, 4, b, s.ints(4))
    s.call('socket', AF.inet6, SOCK.stream, 0)
      .call('bind', 6, ...s.inet6(45672))
      .call('getsockname', 6, name, s.ints(128))
      .call('listen', 6, 1)
      .call('socket', AF.inet6, SOCK.stream, 0)
      .call('connect', 7, ...s.inet6(45672))
      .call('getpeername', 7, name, s.ints(128))
    s.call('socket', AF.inet, SOCK.stream, 0)
      .call('bind', 8, ...here)
      .call('bind', 8, ...s.inet(45673, [9, 9, 9, 9]))
      .call('bind', 8, ...s.inet6(45673))
      .call('connect', 8, ...s.inet6(45672))
      .call('shutdown', 8, 2)
      .call('poll', s.ints(8, 0x2005), 1, 0)
    compare(s, mask)
  })

  it('send datagrams over the loopback device', () => {
    const s = new Sockets()
    const [b, name] = [s.buffer(64), s.buffer(128)]
    const [one, two] = [s.inet(45681), s.inet(45682)]
    s.call('socket', AF.inet, SOCK.dgram, 0)
      .call('bind', 3, ...one)
      .call('socket', AF.inet, SOCK.dgram, 0)
      .call('bind', 4, ...two)
    s.call('sendto', 4, 'ping', 4, 0, ...one)
      .call('recvfrom', 3, b, 64, 0, name, s.ints(128))
      .call('sendto', 3, 'long answer', 11, 0, ...two)
      .call('recvfrom', 4, b, 4, MSG.trunc, name, s.ints(128))
    s.call('write', 4, 'x', 1)
      .call('connect', 4, ...one)
      .call('write', 4, 'y', 1)
      .call('getpeername', 4, name, s.ints(128))
      .call('recvmsg', 3, s.message(s.iov([b, 8]), 1, { name, nameLength: 128 }), 0)
    s.call('poll', s.ints(3, 0x2005), 1, 0)
      .call('close', 3)
      .call('write', 4, 'z', 1)
      .call('poll', s.ints(4, 0x2005), 1, 0)
      .call('write', 4, 'z', 1)
      .call('write', 4, 'z', 1)
      .call('recvfrom', 4, b, 8, MSG.dontwait, 0, 0)
    s.call('recvfrom', 4, b, 8, MSG.dontwait, 0, 0)
      .call('connect', 4, s.ints(0, 0, 0, 0), 16)
      .call('getpeername', 4, name, s.ints(128))
      .call('shutdown', 4, 1)
      .call('sendto', 4, b, 70000, 0, ...one)
    s.call('socket', AF.inet, SOCK.dgram, 0)
      .call('bind', 3, ...two)
      .call('listen', 3, 1)
      .call('accept', 3, 0, 0)
      .call('connect', 3, ...s.inet(0, [0, 0, 0, 0]))
      .call('sendto', 3, b, 1, 0, ...s.inet(0))
    compare(s, mask)
  })
})
