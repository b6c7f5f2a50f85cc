/** Failures are there whole or not at all, each under a number of its own, however many hunts keep them at the same time. */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FailureDirectory, writeBundle } from '../../src/campaign/failures.ts'
import { progressLine, rateText, timeText } from '../../src/campaign/progress.ts'
import { root } from '../house/tree.ts'

let out = ''
beforeEach(() => {
  out = fs.mkdtempSync(join(tmpdir(), 'lemming-failures-'))
})
afterEach(() => fs.rmSync(out, { recursive: true, force: true }))

function bundle(directory: FailureDirectory, name: string): string {
  const path = join(directory.scratch(), name)
  writeBundle(path, { 'failure.json': '{}', stdout: name })
  return path
}

test('numbers go on from the highest one', () => {
  const directory = new FailureDirectory(join(out, 'a', 'b'))
  expect(directory.names()).toEqual([])
  expect(directory.keep(bundle(directory, 'x'))).toBe('F1')
  fs.mkdirSync(join(directory.path, 'F9'))
  fs.writeFileSync(join(directory.path, 'F9', 'note'), '')
  expect(directory.keep(bundle(directory, 'y'))).toBe('F10')
  expect(directory.names()).toEqual(['F1', 'F9', 'F10'])
  expect(fs.readFileSync(join(directory.pathOf('F10'), 'stdout'), 'utf8')).toBe('y')
})

test('a hunt leaves nothing but what was kept', () => {
  const directory = new FailureDirectory(out)
  directory.discard(bundle(directory, 'x'))
  directory.keep(bundle(directory, 'y'))
  bundle(directory, 'z')
  directory.close()
  expect(fs.readdirSync(out)).toEqual(['F1'])
})

test('a hunt without failures makes no directory', () => {
  const directory = new FailureDirectory(join(out, 'none'))
  directory.scratch()
  directory.close()
  expect(fs.readdirSync(out)).toEqual([])
})

test('the scratch of a hunt that was killed goes, that of a running one stays', () => {
  const dead = `.hunt-${hostname()}-4194305-abcdef`
  const alive = `.hunt-${hostname()}-${process.pid}-abcdef`
  const elsewhere = '.hunt-other.host-4194305-abcdef'
  for (const name of [dead, alive, elsewhere]) fs.mkdirSync(join(out, name))
  new FailureDirectory(out).scratch()
  expect(fs.readdirSync(out).toSorted()).toEqual([alive, elsewhere].toSorted())
})

test('hunts at the same time never take the same number', async () => {
  const script = `
    import { join } from 'node:path'
    import { FailureDirectory, writeBundle } from ${JSON.stringify(join(root, 'src/campaign/failures.ts'))}
    const directory = new FailureDirectory(${JSON.stringify(out)})
    for (let i = 0; i < 20; i++) {
      const path = join(directory.scratch(), 'b' + i)
      writeBundle(path, { stdout: process.pid + ' ' + i })
      directory.keep(path)
    }
    directory.close()`
  const ended = Array.from({ length: 3 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    return new Promise((resolve) => child.on('exit', resolve))
  })
  expect(await Promise.all(ended)).toEqual([0, 0, 0])
  expect(fs.readdirSync(out).toSorted()).toEqual(Array.from({ length: 60 }, (_, i) => `F${i + 1}`).toSorted())
  const contents = fs.readdirSync(out).map((name) => fs.readFileSync(join(out, name, 'stdout'), 'utf8'))
  expect(new Set(contents).size).toBe(60)
})

test('a directory that cannot be made is named', () => {
  fs.writeFileSync(join(out, 'file'), '')
  const directory = new FailureDirectory(join(out, 'file', 'failures'))
  expect(() => new FailureDirectory(join(out, 'file')).names()).toThrow(
    expect.objectContaining({ code: 'failures-unwritable' }),
  )
  expect(() => directory.keep('nowhere')).toThrow(
    expect.objectContaining({ code: 'failures-unwritable', next: expect.stringContaining('--out') }),
  )
})

test.each([
  [{ runs: 0, of: 200, failures: 0, elapsed: 0 }, '0/200 runs, 0/s, 0 failures'],
  [{ runs: 50, of: 200, failures: 1, elapsed: 10 }, '50/200 runs, 5/s, 1 failure, 30s to go at most'],
  [{ runs: 7, of: 1000, failures: 2, elapsed: 100 }, '7/1000 runs, 0.07/s, 2 failures, 3h56m to go at most'],
  [{ runs: 9, of: 9, failures: 0, elapsed: 1 }, '9/9 runs, 9/s, 0 failures'],
])('progress %j', (progress, line) => {
  expect(progressLine(progress)).toBe(line)
})

test('rates and times keep the digits that matter', () => {
  expect([0, 0.0312, 14.23, 99.96, 1234.5].map(rateText)).toEqual(['0', '0.0312', '14.2', '100', '1235'])
  expect([0.04, 9.949, 9.96, 59.4, 59.6, 3599, 3600, 8040].map(timeText)).toEqual([
    '0.0s',
    '9.9s',
    '10s',
    '59s',
    '1m00s',
    '59m59s',
    '1h00m',
    '2h14m',
  ])
})
