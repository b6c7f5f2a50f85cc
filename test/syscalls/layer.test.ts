/** Holds the private layer above the host's files, and the machine's own /proc, /sys and /dev, to what they promise. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HostStat, World } from '../../src/host/host.ts'
import { NodeFiles, nodeWorld } from '../../src/host/node.ts'
import { table } from '../../src/linux/table.ts'
import { ARENA, inFreshDirectory, makeBench, makeCall, type Bench } from './differential.ts'

const O = { wronly: 1, rdwr: 2, creat: 0o100, trunc: 0o1000, nonblock: 0o4000 }

/** Calls by name with strings and numbers; strings lie at the beginning of the arena. */
function caller(bench: Bench) {
  const space = bench.k.space(bench.t)
  return (name: string, ...args: (number | string)[]): number => {
    let at = ARENA
    const values = args.map((arg) => {
      if (typeof arg === 'number') return BigInt(arg)
      const bytes = Buffer.from(`${arg}\0`)
      space.poke(at, bytes)
      at += 512
      return BigInt(at - 512)
    })
    return Number(makeCall(bench, table.find((row) => row?.name === name)!.nr, values))
  }
}

const BUFFER = ARENA + 0x1_0000

/** The content of a file as the guest reads it. */
function contentOf(bench: Bench, path: string): string {
  const call = caller(bench)
  const fd = call('open', path, 0, 0)
  if (fd < 0) return `error ${fd}`
  let text = ''
  for (;;) {
    const count = call('read', fd, BUFFER, 4096)
    if (count <= 0) break
    text += Buffer.from(bench.k.space(bench.t).read(BUFFER, count)!).toString('latin1')
  }
  call('close', fd)
  return text
}

/** The names in a directory as the guest lists them. */
function namesIn(bench: Bench, path: string): string[] {
  const call = caller(bench)
  const fd = call('open', path, 0o200000, 0)
  const names: string[] = []
  for (;;) {
    const count = call('getdents64', fd, BUFFER, 4096)
    if (count <= 0) break
    const bytes = Buffer.from(bench.k.space(bench.t).read(BUFFER, count)!)
    for (let at = 0; at < count; at += bytes.readUInt16LE(at + 16))
      names.push(bytes.toString('utf8', at + 19, bytes.indexOf(0, at + 19)))
  }
  call('close', fd)
  return names.filter((name) => name !== '.' && name !== '..')
}

const write = (bench: Bench, path: string, text: string, flags = O.wronly | O.creat | O.trunc): void => {
  const call = caller(bench)
  const fd = call('open', path, flags, 0o644)
  bench.k.space(bench.t).poke(BUFFER, Buffer.from(text))
  expect(call('write', fd, BUFFER, text.length)).toBe(text.length)
  call('close', fd)
}

describe('the private layer', () => {
  it('leaves the host as it is, whatever the program does', () => {
    inFreshDirectory((dir) => {
      mkdirSync(join(dir, 'sub'))
      writeFileSync(join(dir, 'sub/a'), 'host a')
      writeFileSync(join(dir, 'sub/b'), 'host b')
      writeFileSync(join(dir, 'big'), Buffer.alloc(100_000, 'x'))
      symlinkSync('sub', join(dir, 'link'))
      const before = execFileSync('sh', ['-c', 'ls -lR --time-style=full-iso; cat sub/* big | md5sum'], {
        cwd: dir,
      }).toString()
      const bench = makeBench(dir)
      const call = caller(bench)
      write(bench, 'sub/a', 'changed', O.wronly)
      expect(contentOf(bench, 'link/a')).toBe('changed')
      expect(call('unlink', 'sub/b')).toBe(0)
      expect(call('open', 'sub/b', 0, 0)).toBe(-2)
      write(bench, 'sub/c', 'new')
      expect(call('rename', 'sub', 'moved')).toBe(0)
      expect(namesIn(bench, 'moved').sort()).toEqual(['a', 'c'])
      expect(contentOf(bench, 'moved/a')).toBe('changed')
      expect(call('open', 'sub/a', 0, 0)).toBe(-2)
      expect(call('mkdir', 'sub', 0o755)).toBe(0)
      expect(namesIn(bench, 'sub')).toEqual([])
      expect(call('open', 'link/a', 0, 0)).toBe(-2)
      write(bench, 'big', 'middle', O.wronly)
      expect(contentOf(bench, 'big')).toBe(`middle${'x'.repeat(99_994)}`)
      expect(call('truncate', 'big', 40_000)).toBe(0)
      expect(call('truncate', 'big', 40_010)).toBe(0)
      expect(contentOf(bench, 'big')).toBe(`middle${'x'.repeat(39_994)}${'\0'.repeat(10)}`)
      expect(
        execFileSync('sh', ['-c', 'ls -lR --time-style=full-iso; cat sub/* big | md5sum'], { cwd: dir }).toString(),
      ).toBe(before)
    })
  })

  it('survives a copy of the state', () => {
    inFreshDirectory((dir) => {
      writeFileSync(join(dir, 'a'), 'host')
      const bench = makeBench(dir)
      const call = caller(bench)
      write(bench, 'a', 'HO', O.wronly)
      write(bench, 'n', 'new')
      const fd = call('open', 'a', O.rdwr, 0)
      call('lseek', fd, 2, 0)
      bench.k.state = structuredClone(bench.k.state)
      bench.t = bench.k.current = bench.k.state.tasks.get(1000)!
      const again = caller(bench)
      expect(again('read', fd, BUFFER, 10)).toBe(2)
      expect(contentOf(bench, 'a')).toBe('HOst')
      expect(contentOf(bench, 'n')).toBe('new')
    })
  })

  it('keeps names that are no UTF-8', () => {
    inFreshDirectory((dir) => {
      writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.of(0xff, 0x61)]), 'odd')
      const bench = makeBench(dir)
      const call = caller(bench)
      const space = bench.k.space(bench.t)
      space.poke(ARENA + 0x8000, Buffer.of(0xff, 0x61, 0))
      space.poke(ARENA + 0x8100, Buffer.of(0xfe, 0x62, 0))
      const fd = call('open', ARENA + 0x8000, 0, 0)
      expect(call('read', fd, BUFFER, 10)).toBe(3)
      expect(call('rename', ARENA + 0x8000, ARENA + 0x8100)).toBe(0)
      expect(call('open', ARENA + 0x8000, 0, 0)).toBe(-2)
      const list = call('open', '.', 0, 0)
      const count = call('getdents64', list, BUFFER, 4096)
      expect(Buffer.from(space.read(BUFFER, count)!).includes(Buffer.of(0xfe, 0x62, 0))).toBe(true)
    })
  })

  it('asks the host for a file only once, and never for /proc, /sys and /dev', () => {
    const asked: string[] = []
    const real = nodeWorld(new NodeFiles(), { readInput: () => new Uint8Array(0), writeOutput: () => {} })
    const note = <T>(name: string, path: string, answer: T): T => {
      asked.push(`${name} ${path}`)
      return answer
    }
    const world: World = {
      ...real,
      lstat: (path) => note('lstat', path, real.lstat(path)),
      readlink: (path) => note('readlink', path, real.readlink(path)),
      list: (path) => note('list', path, real.list(path)),
      content: (path) => note('content', path, real.content(path)),
    }
    const bench = makeBench('/tmp', undefined, { world })
    asked.length = 0
    for (let i = 0; i < 3; i++) contentOf(bench, '/etc/hostname')
    for (const path of [
      '/proc/cpuinfo',
      '/proc/self/maps',
      '/sys/devices/system/cpu/online',
      '/dev/zero/x',
      '/proc/nope',
      '/dev/nope',
      '/sys/nope',
    ])
      contentOf(bench, path)
    namesIn(bench, '/proc')
    namesIn(bench, '/dev')
    expect(asked).toEqual(['lstat /etc', 'lstat /etc/hostname', 'content /etc/hostname'])
  })

  it('works on a host without any file', () => {
    const empty: World = {
      lstat: () => 'ENOENT',
      readlink: () => 'ENOENT',
      list: () => 'ENOENT',
      content: () => 'ENOENT',
      readInput: () => new Uint8Array(0),
      writeOutput: () => {},
    }
    const program = readFileSync('/bin/true')
    const stat: HostStat = {
      kind: 'file',
      mode: 0o755,
      uid: 0,
      gid: 0,
      size: program.length,
      mtime: '0',
      ino: 5,
      nlink: 1,
      rdev: 0,
    }
    const directory: HostStat = { ...stat, kind: 'dir', ino: 6 }
    const loader = readFileSync('/lib64/ld-linux-x86-64.so.2')
    const world: World = {
      ...empty,
      lstat: (path) => {
        if (path === '/bin/true') return stat
        if (path === '/lib64/ld-linux-x86-64.so.2') return { ...stat, ino: 7, size: loader.length }
        return ['/bin', '/lib64', '/'].includes(path) ? { ...directory, ino: path.length } : 'ENOENT'
      },
      content: (path) => (path === '/bin/true' ? program : path.startsWith('/lib64/') ? loader : 'ENOENT'),
      list: (path) => (path === '/' ? ['bin', 'lib64'] : 'ENOENT'),
    }
    const bench = makeBench('/', undefined, { world, uid: 0 })
    expect(namesIn(bench, '/').sort()).toEqual(['bin', 'dev', 'lib64', 'proc', 'sys'])
    expect(caller(bench)('mkdir', '/tmp', 0o777)).toBe(0)
    write(bench, '/tmp/x', 'hello')
    expect(contentOf(bench, '/tmp/x')).toBe('hello')
    expect(contentOf(bench, '/bin/x')).toBe('error -2')
  })
})

describe("the machine's own files", () => {
  it('shows devices', () => {
    const bench = makeBench('/tmp')
    const call = caller(bench)
    const read = (path: string, length: number): Uint8Array => {
      const fd = call('open', path, 0, 0)
      const count = call('read', fd, BUFFER, length)
      return bench.k.space(bench.t).read(BUFFER, count)!.slice()
    }
    expect(read('/dev/null', 8)).toEqual(new Uint8Array(0))
    expect(read('/dev/zero', 8)).toEqual(new Uint8Array(8))
    const random = read('/dev/urandom', 16)
    expect(random).not.toEqual(read('/dev/urandom', 16))
    expect(makeAndRead('/dev/urandom', 16)).toEqual(random)
    expect(call('open', '/dev/tty', O.rdwr, 0)).toBe(-6)
    const full = call('open', '/dev/full', O.wronly, 0)
    expect(call('write', full, BUFFER, 1)).toBe(-28)
    const stdout = call('open', '/dev/stdout', O.wronly, 0)
    bench.k.space(bench.t).poke(BUFFER, Buffer.from('out'))
    expect(call('write', stdout, BUFFER, 3)).toBe(3)
    expect(Buffer.concat(bench.output).toString()).toBe('out')
    expect(contentOf(bench, '/dev/stdin')).toBe('input\n')
  })

  function makeAndRead(path: string, length: number): Uint8Array {
    const bench = makeBench('/tmp')
    const call = caller(bench)
    call('read', call('open', path, 0, 0), BUFFER, length)
    return bench.k.space(bench.t).read(BUFFER, length)!.slice()
  }

  it('shows the process in /proc/self', () => {
    const bench = makeBench('/tmp')
    const call = caller(bench)
    const link = (path: string): string => {
      const count = call('readlink', path, BUFFER, 4096)
      return count < 0 ? `error ${count}` : Buffer.from(bench.k.space(bench.t).read(BUFFER, count)!).toString()
    }
    expect(link('/proc/self')).toBe('1000')
    expect(link('/proc/self/exe')).toMatch(/^\/(usr\/)?bin\/true$/)
    expect(link('/proc/self/cwd')).toBe('/tmp')
    expect(contentOf(bench, '/proc/self/cmdline')).toBe('true\0')
    expect(contentOf(bench, '/proc/self/comm')).toBe('true\n')
    const maps = contentOf(bench, '/proc/self/maps')
    for (const line of maps.trimEnd().split('\n'))
      expect(line).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8} [r-][w-][x-][ps] [0-9a-f]{8} 00:0[01] \d+ (.*\S)?$/)
    expect(maps).toContain('[stack]')
    expect(contentOf(bench, '/proc/self/stat').split(' ')).toHaveLength(52)
    expect(contentOf(bench, '/proc/self/status')).toMatch(
      /^Name:\ttrue\nUmask:\t0022\nState:\tR \(running\)\nTgid:\t1000\n/,
    )
    const fd = call('open', '/etc/passwd', 0, 0)
    expect(link(`/proc/self/fd/${fd}`)).toBe('/etc/passwd')
    expect(namesIn(bench, '/proc/self/fd')).toEqual(['0', '1', '2', String(fd), String(fd + 1)])
    expect(link('/proc/self/fd/99')).toBe('error -2')
    expect(link('/proc/1234/exe')).toBe('error -2')
    expect(namesIn(bench, '/proc/self/task')).toEqual(['1000'])
    expect(contentOf(bench, '/proc/self/task/1000/comm')).toBe('true\n')
    write(bench, '/tmp/lemming-gone', 'x')
    const gone = call('open', '/tmp/lemming-gone', 0, 0)
    call('unlink', '/tmp/lemming-gone')
    expect(link(`/proc/self/fd/${gone}`)).toBe('/tmp/lemming-gone (deleted)')
    expect(contentOf(bench, `/proc/self/fd/${gone}`)).toBe('x')
  })

  it('shows constants of the machine, not of the host', () => {
    const bench = makeBench('/tmp')
    expect(contentOf(bench, '/sys/devices/system/cpu/online')).toBe('0-3\n')
    expect(contentOf(bench, '/proc/sys/kernel/osrelease')).toBe('6.1.0\n')
    expect(contentOf(bench, '/proc/cpuinfo').match(/^processor\t: \d$/gm)).toHaveLength(4)
    expect(contentOf(bench, '/proc/meminfo')).toMatch(/^MemTotal: {8}4194304 kB\n/)
    expect(contentOf(bench, '/proc/stat')).toMatch(/^cpu {2}\d+ 0 0 \d+ 0 0 0 0 0 0\ncpu0 /)
    expect(contentOf(bench, '/proc/mounts')).toContain('proc /proc proc rw')
    expect(caller(bench)('open', '/proc/new', O.creat | O.wronly, 0o600)).toBe(-2)
    expect(caller(bench)('unlink', '/proc/cpuinfo')).toBe(-1)
  })

  it('has a directory for each processor of the machine, and no other', () => {
    const bench = makeBench('/tmp')
    const names = namesIn(bench, '/sys/devices/system/cpu').filter((name) => /^cpu\d/.test(name))
    expect(names).toEqual(['cpu0', 'cpu1', 'cpu2', 'cpu3'])
    expect(namesIn(bench, '/sys/devices/system/cpu/cpu3').sort()).toEqual(['online', 'topology'])
  })

  it('lists nothing of the host in /dev', () => {
    const bench = makeBench('/tmp')
    expect(namesIn(bench, '/dev').sort()).toEqual(
      [
        'fd',
        'full',
        'null',
        'ptmx',
        'pts',
        'random',
        'shm',
        'stderr',
        'stdin',
        'stdout',
        'tty',
        'urandom',
        'zero',
      ].sort(),
    )
    expect(readdirSync('/dev').length).toBeGreaterThan(0)
  })
})

describe('shared mappings', () => {
  it('and read and write see each other', () => {
    inFreshDirectory((dir) => {
      const bench = makeBench(dir)
      const call = caller(bench)
      const space = bench.k.space(bench.t)
      const fd = call('open', 'f', O.rdwr | O.creat, 0o644)
      call('ftruncate', fd, 6000)
      const address = call('mmap', 0, 6000, 3, 1, fd, 0)
      space.write(address + 5000, Buffer.from('stored'))
      expect(call('pread64', fd, BUFFER, 6, 5000)).toBe(6)
      expect(Buffer.from(space.read(BUFFER, 6)!).toString()).toBe('stored')
      space.poke(BUFFER, Buffer.from('written'))
      call('pwrite64', fd, BUFFER, 7, 10)
      expect(Buffer.from(space.read(address + 10, 7)!).toString()).toBe('written')
      space.write(address, Buffer.from('last'))
      expect(call('mprotect', address, 8192, 1)).toBe(0)
      expect(call('pread64', fd, BUFFER, 4, 0)).toBe(4)
      expect(Buffer.from(space.read(BUFFER, 4)!).toString()).toBe('last')
      expect(call('munmap', address, 8192)).toBe(0)
      expect(contentOf(bench, 'f').slice(0, 17)).toBe('last\0\0\0\0\0\0written')
    })
  })

  it('grow with the file', () => {
    inFreshDirectory((dir) => {
      const bench = makeBench(dir)
      const call = caller(bench)
      const space = bench.k.space(bench.t)
      const fd = call('open', 'f', O.rdwr | O.creat, 0o644)
      const address = call('mmap', 0, 8192, 3, 1, fd, 0)
      expect(space.protOf(address)).toBe(0)
      space.poke(BUFFER, Buffer.from('written'))
      call('pwrite64', fd, BUFFER, 7, 4096)
      const memory = bench.k.memory(bench.t)
      expect(memory.loadGrown(memory.at(address)!, address + 4096)).toBe(true)
      expect(Buffer.from(space.read(address + 4096, 7)!).toString()).toBe('written')
      expect(memory.loadGrown(memory.at(address)!, address)).toBe(true)
      space.write(address, Buffer.from('stored'))
      expect(contentOf(bench, 'f').replace(/\0+/, ' ')).toBe('stored written')
    })
  })
})
