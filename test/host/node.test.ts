/** Node's side of the host interface against the tools of the system. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inflate, nodeCodec, NodeFiles, NodeObjects, writeFileAtomic } from '../../src/host/node.ts'

let directory = ''
beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'lemming-host-'))
  execFileSync(
    'bash',
    [
      '-c',
      "printf hello > file; ln -s file link; mkdir dir; mkfifo fifo; printf x > $'stray\\xff\\xc3\\xa4'; chmod 640 file; touch dir/b dir/ä dir/a dir/€",
    ],
    { cwd: directory },
  )
})
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

const files = new NodeFiles()
const stat = (format: string, path: string): string =>
  execFileSync('stat', ['-c', format, path], { encoding: 'utf8' }).trim()

describe('files', () => {
  test.each(['file', 'link', 'dir', 'fifo', '/dev/null'])('lstat of %s says what stat says', (name) => {
    const path = name.startsWith('/') ? name : join(directory, name)
    const s = files.lstat(path)
    if (typeof s === 'string') throw new Error(s)
    expect(`${s.mode.toString(8)} ${s.uid} ${s.gid} ${s.size} ${s.ino} ${s.nlink}`).toBe(
      stat('%a %u %g %s %i %h', path),
    )
    expect(`${s.mtime.slice(0, -9)}.${s.mtime.slice(-9)}`).toBe(stat('%.9Y', path))
    const kinds = {
      'regular file': 'file',
      directory: 'dir',
      'symbolic link': 'symlink',
      fifo: 'fifo',
      'character special file': 'char',
    }
    expect(s.kind).toBe(kinds[stat('%F', path) as keyof typeof kinds])
  })

  test('listings are in the order of bytes', () => {
    const unsorted = execFileSync('ls', ['-U'], { cwd: join(directory, 'dir'), encoding: 'utf8' })
    expect(files.list(join(directory, 'dir'))).toEqual(unsorted.trim().split('\n'))
  })

  test('a name that is no UTF-8 survives', () => {
    const name = (files.list(directory) as string[]).find((entry) => entry.startsWith('stray'))!
    expect(name).toBe('stray\udcffä')
    expect(files.content(join(directory, name))).toEqual(Buffer.from('x'))
    expect(files.lstat(join(directory, name))).toMatchObject({ size: 1 })
  })

  test('errors are names, and nothing waits', () => {
    expect(files.lstat(join(directory, 'none'))).toBe('ENOENT')
    expect(files.lstat(join(directory, 'file/x'))).toBe('ENOTDIR')
    expect(files.readlink(join(directory, 'file'))).toBe('EINVAL')
    expect(files.readlink(join(directory, 'link'))).toBe('file')
    expect(files.content(join(directory, 'dir'))).toBe('EISDIR')
    expect(files.content(join(directory, 'fifo'))).toBe('EINVAL')
    expect(files.list(join(directory, 'file'))).toBe('ENOTDIR')
  })

  test('a content is read again only when the file has changed', () => {
    const path = join(directory, 'changing')
    fs.writeFileSync(path, 'one')
    const first = files.content(path)
    expect(files.content(path)).toBe(first)
    fs.writeFileSync(path, 'two')
    expect(files.content(path)).toEqual(Buffer.from('two'))
  })
})

describe('objects', () => {
  test('hash as sha256sum does, and come back', () => {
    const store = new NodeObjects(join(directory, 'objects'))
    const bytes = fs.readFileSync('/bin/true')
    const hash = nodeCodec.hash(bytes)
    expect(hash).toBe(execFileSync('sha256sum', ['/bin/true'], { encoding: 'utf8' }).slice(0, 64))
    expect(store.get(hash)).toBe(null)
    store.put(hash, bytes)
    store.put(hash, bytes)
    expect(Buffer.compare(store.get(hash)!, bytes)).toBe(0)
    expect(Buffer.compare(execFileSync('zstd', ['-dc', store.where(hash)]), bytes)).toBe(0)
  })

  test('a changed one is refused', () => {
    const store = new NodeObjects(join(directory, 'objects'))
    const hash = nodeCodec.hash(Buffer.from('original'))
    store.put(hash, Buffer.from('original'))
    fs.writeFileSync(store.where(hash), nodeCodec.compress(Buffer.from('another')))
    expect(() => store.get(hash)).toThrow(
      expect.objectContaining({ code: 'object-changed', message: expect.stringContaining(store.where(hash)) }),
    )
    fs.writeFileSync(store.where(hash), 'no zstd')
    expect(() => store.get(hash)).toThrow(expect.objectContaining({ code: 'object-changed' }))
  })

  test('a store that cannot be written says what to do', () => {
    const store = new NodeObjects(join(directory, 'file', 'objects'))
    expect(() => store.put('ab'.repeat(32), Buffer.from('x'))).toThrow(
      expect.objectContaining({ code: 'object-unwritable', next: expect.stringContaining('LEMMING_HOME') }),
    )
  })
})

test('an atomic write that fails leaves the old file and nothing else', () => {
  const path = join(directory, 'atomic', 'f')
  fs.mkdirSync(join(directory, 'atomic'))
  writeFileAtomic(path, Buffer.from('first'))
  writeFileAtomic(path, Buffer.from('second'))
  expect(() => writeFileAtomic(path, 7 as never)).toThrow()
  expect(fs.readFileSync(path, 'utf8')).toBe('second')
  expect(fs.readdirSync(join(directory, 'atomic'))).toEqual(['f'])
})

test('inflate undoes both compressions of ELF sections', () => {
  const bytes = Buffer.from('section '.repeat(100))
  expect(Buffer.compare(inflate(deflateSync(bytes), 'zlib', bytes.length), bytes)).toBe(0)
  expect(Buffer.compare(inflate(nodeCodec.compress(bytes), 'zstd', bytes.length), bytes)).toBe(0)
  expect(() => inflate(deflateSync(bytes), 'zlib', 10)).toThrow()
})
