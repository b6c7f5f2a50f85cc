/** Holds pseudo-terminals against the real kernel: what their ioctls say, what typed bytes become, what printed bytes look like. */
import { describe, it } from 'vitest'
import { compare, CWD, O } from './compare.ts'
import { Script } from './differential.ts'

const TCSETS = 0x5402
const mask = (line: string): string => line.replace(/( +)= /, ' = ').replace(/TIOCGPTN, \[\d+\]/, 'TIOCGPTN, [N]')

/** A pair: the master is 3, the slave, which is not the controlling terminal, 4. */
class Pair extends Script {
  constructor() {
    super()
    this.call('openat', CWD, '/dev/ptmx', O.rdwr | 0o400, 0)
      .call('ioctl', 3, 0x40045431, this.ints(0))
      .call('ioctl', 3, 0x5441, O.rdwr | 0o400 | O.nonblock)
      .call('fcntl', 3, 4, O.nonblock)
  }

  /** Sets modes: those of a fresh terminal with changes. */
  modes(change: { i?: number; o?: number; l?: number; cc?: Record<number, number> }): this {
    const bytes = Buffer.alloc(36)
    ;[change.i ?? 0x500, change.o ?? 5, 0xbf, change.l ?? 0x8a3b].forEach((word, i) => bytes.writeUInt32LE(word, 4 * i))
    const cc = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0]
    for (const [index, value] of Object.entries(change.cc ?? {})) cc[Number(index)] = value
    bytes.set(cc, 17)
    return this.call('ioctl', 4, TCSETS, this.bytes(bytes))
  }

  /** The kernel hands over what was written to the other side a little later. */
  settle(): this {
    return this.call('nanosleep', this.words(0, 30_000_000), 0)
  }

  /** Types, then reads what the slave gets and what the master sees. */
  type(text: string): this {
    const bytes = Buffer.from(text, 'latin1')
    this.call('write', 3, this.bytes(bytes), bytes.length)
    return this.settle().read()
  }

  read(): this {
    const b = this.buffer(64)
    return this.call('read', 4, b, 31).call('read', 4, b, 31).call('read', 3, b, 31).call('read', 3, b, 31)
  }

  print(text: string): this {
    this.call('write', 4, this.string(text), text.length).settle()
    const b = this.buffer(64)
    return this.call('read', 3, b, 31).call('read', 3, b, 31)
  }
}

describe('pseudo-terminals', () => {
  it('answer ioctl', () => {
    const s = new Pair()
    const b = s.buffer(64)
    for (const fd of [3, 4]) {
      for (const request of [0x5401, 0x802c542a, 0x5413, 0x541b, 0x5424, 0x80045440])
        s.call('ioctl', fd, request, b).call('ioctl', fd, request, 16)
      s.call('ioctl', fd, 0x5414, s.bytes(Buffer.of(24, 0, 80, 0, 1, 0, 2, 0))).call('ioctl', fd, 0x5413, b)
    }
    s.call('ioctl', 3, 0x80045430, b).call('ioctl', 4, 0x80045430, b).call('ioctl', 4, 0x1234, b)
    for (const request of [0x540f, 0x5429]) s.call('ioctl', 4, request, b)
    s.call('ioctl', 4, 0x5410, s.ints(1))
      .call('ioctl', 4, 0x5422, 0)
      .call('ioctl', 4, 0x540c, 0)
      .call('ioctl', 4, 0x80045440, b)
      .call('ioctl', 4, 0x540d, 0)
    for (const how of [0, 1, 2, 3]) s.call('ioctl', 4, 0x540b, how)
    for (const how of [0, 1, 4]) s.call('ioctl', 4, 0x540a, how)
    s.call('ioctl', 4, 0x5409, 1).call('ioctl', 3, 0x5420, s.ints(0))
    s.call('lseek', 4, 0, 0).call('fstat', 9, b).call('poll', s.ints(3, 5), 1, 0).call('poll', s.ints(4, 5), 1, 0)
    s.call('openat', CWD, 'plain', O.rdwr | O.creat, 0o600)
    for (const request of [0x5401, 0x5413, 0x540f, TCSETS]) s.call('ioctl', 5, request, b)
    compare(s, mask)
  })

  it('edit lines', () => {
    const s = new Pair()
    s.type('plain\n')
      .type('no end')
      .type(' yet\rnext\n')
      .type('abc\x7f\x7fX\n')
      .type('some words here\x17\x17there\n')
      .type('killed\x15kept\n')
    s.type('end\x04')
      .type('\x04')
      .type('a\tb\x7f\x7fc\n')
      .type('lit\x16\x03eral\n')
      .type('ctrl\x01\x02\x7f\n')
      .type('re\x12print\n')
    s.type('one\ntwo\nthree\n').type('\n').type('\x7f\x7f\n').type('tab\there\x7f\x7f\x7f\x7f\x7f\n')
    s.modes({ i: 0x4500 })
      .type('\xc3\xa4\xc3\xb6\x7f\x7fx\n')
      .modes({ l: 0x8a33 })
      .type('silent\x7f\n')
      .modes({ l: 0x8a73 })
      .type('nl only\n')
    s.modes({ l: 0x8a1b })
      .type('kill\x15\n')
      .modes({ l: 0x802b })
      .type('old\x7f\x7f \x15 x\x01\n')
      .modes({ i: 0x4c0 })
      .type('a\rb\nc\n')
      .modes({ i: 0x520 })
      .type('\xe1\xe2\n')
    s.modes({ cc: { 11: 0x3b } })
      .type('x;y;')
      .type('\n')
      .modes({ cc: { 2: 0, 3: 0 } })
      .type('\x7f\x15\n')
      .modes({ l: 0xa3b })
      .type('no\x17 ext\x16\x12\n')
    compare(s, mask)
  })

  it('are raw when they are asked to be', () => {
    const s = new Pair()
    const raw = { i: 0, o: 0, l: 0 }
    const b = s.buffer(64)
    s.modes(raw)
      .type('x')
      .type('\r\n\x03\x04\x7f')
      .modes({ ...raw, l: 8 })
      .type('echo\r\n\x01')
    s.modes({ ...raw, cc: { 6: 3 } })
      .type('a')
      .type('bc')
      .call('poll', s.ints(4, 1), 1, 0)
    s.modes({ ...raw, cc: { 6: 0 } })
      .call('read', 4, b, 4)
      .type('z')
    s.modes({})
      .call('write', 3, s.string('half'), 4)
      .settle()
      .modes(raw)
      .read()
      .call('write', 3, s.string('more'), 4)
      .settle()
      .modes({})
      .read()
    s.call('ioctl', 4, 0x541b, b)
    compare(s, mask)
  })

  it('print', () => {
    const s = new Pair()
    s.print('line\nnext\ttab\rover\x08\x01\n')
      .modes({ o: 0x1805 })
      .print('a\tb\tc\nxyz\t.\n')
      .modes({ o: 1 })
      .print('plain\n')
      .modes({ o: 0xd })
      .print('cr\r\n')
    s.modes({ o: 0x15 })
      .print('\r\ra\r\n')
      .modes({ o: 7 })
      .print('lower\n')
      .modes({ o: 0x21 })
      .print('ab\n\tc')
      .modes({ o: 4 })
      .print('raw\n')
    s.call('write', 3, s.string('\x13'), 1)
      .settle()
      .call('write', 4, s.string('stopped'), 7)
      .call('poll', s.ints(4, 4), 1, 0)
      .call('write', 3, s.string('\x11'), 1)
      .settle()
      .print('going\n')
    compare(s, mask)
  })

  it('end', () => {
    const s = new Pair()
    const b = s.buffer(64)
    s.call('write', 4, s.string('last'), 4)
      .call('close', 4)
      .call('poll', s.ints(3, 5), 1, 0)
      .call('read', 3, b, 9)
      .call('read', 3, b, 9)
    s.call('ioctl', 3, 0x5441, O.rdwr | 0o400 | O.nonblock)
      .call('read', 3, b, 9)
      .call('write', 3, s.string('typed\n'), 6)
      .call('close', 3)
      .call('poll', s.ints(4, 5), 1, 0)
    s.call('read', 4, b, 9).call('write', 4, b, 1).call('ioctl', 4, 0x5401, b)
    s.call('openat', CWD, '/dev/ptmx', O.rdwr, 0).call('openat', CWD, '/dev/tty', O.rdwr, 0)
    compare(s, (line) => mask(line).replace(/openat\(AT_FDCWD, "\/dev\/tty".*/, ''))
  })
})
