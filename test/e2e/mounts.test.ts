/** Shows what mounts do: reading, refusing, changing the host, and replaying without it; and what of a run's own files can be kept. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Place } from './lemming.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

function directory(name: string): string {
  const path = join(place.path, name)
  fs.mkdirSync(join(path, 'sub'), { recursive: true })
  fs.writeFileSync(join(path, 'file'), 'from the host\n')
  fs.writeFileSync(join(path, 'sub', 'deep'), 'deep\n')
  return path
}

/** Names, kinds, rights, sizes, targets and contents of a tree. */
function tree(path: string): string {
  return execFileSync(
    'sh',
    [
      '-c',
      'find . | LC_ALL=C sort | while read f; do stat -c "%n %A %s %h" "$f" | sed "/^[^ ]* d/s/ [0-9]* [0-9]*$//"; test -h "$f" && readlink "$f"; test -f "$f" && cat "$f"; done; true',
    ],
    {
      cwd: path,
      encoding: 'utf8',
    },
  )
}

/** Changes of every kind that a shell and its tools make. */
const CHANGES = `set -e
echo new > made; echo more >> made; echo other > file; printf 'XY' | dd of=sub/deep bs=1 seek=1 conv=notrunc 2>/dev/null
mkdir dir dir/inner; mv sub moved; mv made dir/made; ln dir/made hard; ln -s dir/made soft; cp moved/deep dir/copy
chmod 600 dir/copy; chmod 755 dir; truncate -s 3 moved/deep; truncate -s 40 dir/made; touch -d @1000000000 dir/inner/stamp
rm file; mkdir gone; rmdir gone; echo a > one; echo b > two; mv one two; cat moved/deep two
`

describe('--mount', () => {
  it('shows files of the host, which cannot be changed', () => {
    const path = directory('read')
    const script =
      'cat /mnt/data/file; ls /mnt/data; cd /mnt/data; echo x > file; echo x > new; rm file; mkdir d; chmod 1 file; mv file f; touch file; test -w file || echo closed; grep data /proc/mounts'
    const { stdout, stderr, code } = place.lemming(['run', '--mount', `${path}:/mnt/data`, '--', 'bash', '-c', script])
    expect(stdout).toBe(`from the host\nfile\nsub\nclosed\n${path} /mnt/data lemming ro,noatime 0 0\n`)
    expect(stderr.match(/Read-only file system/g)).toHaveLength(7)
    expect(code).toBe(0)
    expect(fs.readdirSync(path)).toEqual(['file', 'sub'])
  })

  it('with rw makes every change on the host, as a native run does, and is replayed without it', () => {
    const native = directory('native')
    const mounted = directory('mounted')
    const before = execFileSync('sh', ['-c', CHANGES], { cwd: native, encoding: 'utf8' })
    const file = join(place.path, 'rw.lemming')
    const ran = place.lemming([
      'run',
      '--export',
      file,
      '--mount',
      `${mounted}:/work:rw`,
      '--',
      'sh',
      '-c',
      `cd /work\n${CHANGES}`,
    ])
    expect(ran).toEqual({ code: 0, stdout: before, stderr: '' })
    expect(tree(mounted)).toBe(tree(native))
    expect(fs.statSync(join(mounted, 'dir/inner/stamp')).mtimeMs).toBe(1e12)
    fs.rmSync(mounted, { recursive: true })
    expect(place.lemming(['replay', file])).toMatchObject({ code: 0, stdout: before })
    expect(fs.existsSync(mounted)).toBe(false)
  })

  it('passes on stores through a shared mapping', () => {
    const path = directory('stores')
    const prog = place.compile(
      'mapped',
      `#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
  int fd = open("/m/file", O_RDWR);
  char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memcpy(p, "FROM", 4);
  return msync(p, 4096, MS_SYNC);
}`,
    )
    expect(place.lemming(['run', '--mount', `${path}:/m:rw`, '--', prog])).toMatchObject({ code: 0, stderr: '' })
    expect(fs.readFileSync(join(path, 'file'), 'utf8')).toBe('FROM the host\n')
  })

  it('refuses what makes no sense', () => {
    expect(place.lemming(['run', '--mount', '/tmp', '--', 'true'])).toMatchObject({ code: 2 })
    expect(place.lemming(['run', '--mount', '/nowhere:/x', '--', 'true'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT') as string,
    })
    expect(place.lemming(['hunt', '--mount', `${place.path}:/x:rw`, '--', 'true'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('without rw') as string,
    })
  })
})

describe('the private layer', () => {
  it('never reaches the host, and can be kept', () => {
    const path = directory('layer')
    const kept = join(place.path, 'kept')
    const before = tree(path)
    const { code, stderr } = place.lemming(['run', '--keep-files', kept, '--', 'sh', '-c', `cd ${path}\n${CHANGES}`])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(tree(path)).toBe(before)
    const list = JSON.parse(fs.readFileSync(join(kept, 'changes.json'), 'utf8')) as { path: string; change: string }[]
    const changes = list
      .filter((entry) => entry.path.startsWith(path))
      .map((entry) => `${entry.change} ${entry.path.slice(path.length + 1)}`)
    expect(changes).toEqual([
      'added dir',
      'added dir/copy',
      'added dir/inner',
      'added dir/inner/stamp',
      'added dir/made',
      'removed file',
      'added hard',
      'added moved',
      'added moved/deep',
      'added soft',
      'removed sub',
      'added two',
    ])
    expect(fs.readFileSync(join(kept, 'files', path, 'dir/copy'), 'utf8')).toBe('dXYp\n')
    expect(fs.readlinkSync(join(kept, 'files', path, 'soft'))).toBe('dir/made')
    expect(place.lemming(['run', '--keep-files', kept, '--', 'true']).code).toBe(2)
  })
})

it('--memory-limit is what a process may map', () => {
  const prog = place.compile(
    'big',
    `#include <stdio.h>
#include <stdlib.h>
int main(void) {
  printf("%d %d\\n", malloc(64 << 20) != 0, malloc(512 << 20) != 0);
  return 0;
}`,
  )
  expect(place.lemming(['run', '--memory-limit', '256M', '--', prog]).stdout).toBe('1 0\n')
  expect(place.lemming(['run', '--', prog]).stdout).toBe('1 1\n')
  expect(place.lemming(['run', '--memory-limit', '12', '--', prog]).code).toBe(2)
})
