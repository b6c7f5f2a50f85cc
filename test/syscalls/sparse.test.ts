/** Holds what lseek says of data and holes against the real kernel and its file system. */
import { describe, it } from 'vitest'
import { compare, CWD, O } from './compare.ts'
import { Script } from './differential.ts'

const [DATA, HOLE] = [3, 4]

describe('sparse files', () => {
  it('have data where something was written, and holes elsewhere', () => {
    const s = new Script()
    s.call('openat', CWD, 'f', O.rdwr | O.creat, 0o644)
      .call('lseek', 3, 0, DATA)
      .call('lseek', 3, 0, HOLE)
    s.call('pwrite64', 3, s.string('start'), 5, 0)
      .call('pwrite64', 3, s.string('middle'), 6, 1 << 20)
      .call('pwrite64', 3, s.string('edge'), 4, 200_000)
      .call('ftruncate', 3, 3 << 20)
    for (const at of [
      0,
      3,
      5,
      4095,
      4096,
      100_000,
      196_608,
      200_001,
      204_799,
      204_800,
      1 << 20,
      (1 << 20) + 5000,
      (3 << 20) - 1,
      3 << 20,
      -1,
    ])
      s.call('lseek', 3, at, DATA).call('lseek', 3, at, HOLE)
    s.call('fallocate', 3, 3, 1 << 20, 8192)
      .call('lseek', 3, 300_000, DATA)
      .call('lseek', 3, 200_000, HOLE)
    s.call('pwrite64', 3, s.buffer(12_000, 7), 12_000, 400_000)
      .call('fallocate', 3, 3, 401_408, 4096)
      .call('lseek', 3, 400_000, HOLE)
      .call('lseek', 3, 401_500, DATA)
    s.call('ftruncate', 3, 100).call('lseek', 3, 0, HOLE).call('lseek', 3, 50, DATA)
    compare(s)
  })
})
