/** The kernels compute what they say: each against another implementation of the same thing. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { programOf, textFile } from '../../bench/build.ts'
import { kernels } from '../../bench/kernels.ts'

const mask = (1n << 64n) - 1n

function run(name: string, args: string[]): Buffer {
  const kernel = kernels.find((one) => one.name === name)!
  const result = spawnSync(programOf(kernel), args, { env: { ...process.env, ...kernel.env }, maxBuffer: 1 << 26 })
  if (result.status !== 0) throw new Error(`${name}: ${result.stderr.toString()}`)
  return result.stdout
}

const line = (name: string, size: number): string =>
  run(name, [String(size)])
    .toString()
    .trim()

/** The generator of the kernels. */
function* xorshift(): Generator<bigint> {
  for (let random = 88172645463325252n; ;) {
    random ^= (random << 13n) & mask
    random ^= random >> 7n
    random ^= (random << 17n) & mask
    yield random
  }
}

const hex = (sum: bigint): string => sum.toString(16).padStart(16, '0')

test('sha256 against OpenSSL', () => {
  const data = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => Math.imul(i, 2654435761) >>> 24))
  const twice = createHash('sha256').update(data).update(data).digest('hex')
  expect(line('sha256', 2)).toBe(twice)
})

test('quicksort and heapsort against the sort of JavaScript', () => {
  const random = xorshift()
  const sorted = Int32Array.from({ length: 5000 }, () => Number(BigInt.asIntN(32, random.next().value!))).sort()
  const sum = sorted.reduce((all, value) => (all * 31n + BigInt(value >>> 0)) & mask, 0n)
  expect(line('quicksort', 5000)).toBe(hex(sum))
  expect(line('heapsort', 5000)).toBe(hex(sum))
})

test('malloc_churn against the bytes it wrote', () => {
  const slots = new Map<bigint, bigint>()
  let sum = 0n
  let n = 0n
  for (const random of xorshift()) {
    if (n === 20000n) break
    const at = random % 4096n
    const old = slots.get(at)
    if (old !== undefined) sum = (sum * 31n + old) & mask
    slots.set(at, (n++ & 255n) + ((8n + ((random >> 20n) % 505n)) & 255n))
  }
  expect(line('malloc_churn', 20000)).toBe(hex(sum))
})

test('fib against the recurrence', () => {
  let [a, b] = [0, 1]
  for (let n = 0; n < 25; n++) [a, b] = [b, a + b]
  expect(line('fib', 25)).toBe(String(a))
})

test('hashtable against a Map', () => {
  const map = new Map<bigint, bigint>()
  let sum = 0n
  let n = 0n
  for (const random of xorshift()) {
    if (n === 200000n) break
    const key = 1n + ((random >> 32n) % 800000n)
    const value = map.get(key)
    if (random % 8n === 0n && value !== undefined) map.delete(key)
    else if (random % 2n === 1n) map.set(key, n)
    else if (value !== undefined) sum = (sum * 31n + value) & mask
    n++
  }
  expect(line('hashtable', 200000)).toBe(hex(sum))
})

test('scan against regular expressions', () => {
  const random = xorshift()
  const letters = Array.from({ length: 1 << 20 }, () => 'etaoin shrdlu\ncmf'[Number(random.next().value! % 17n)])
  letters[0] = 'x'
  const text = letters.join('')
  const words = text.split(/[ \n]+/).filter((word) => word !== '')
  const longest = words.reduce((most, word) => Math.max(most, word.length), 0)
  const matches = text.split('tea').length - 1
  let hash = 5381
  for (const letter of letters) hash = (Math.imul(hash, 33) ^ letter!.charCodeAt(0)) >>> 0
  expect(line('scan', 1)).toBe(hex(BigInt(words.length) * 100n + BigInt(longest) + BigInt(matches) + BigInt(hash)))
})

test('nbody keeps its energy, and moves', () => {
  const [before, after] = line('nbody', 20000).split('\n').map(Number) as [number, number]
  expect(Math.abs(after / before - 1)).toBeLessThan(1e-4)
  expect(after).not.toBe(before)
})

test('matmul against single precision in JavaScript', () => {
  const n = 20
  const f = Math.fround
  const at = (i: number, j: number) => i * n + j
  const a = Float32Array.from({ length: n * n }, (_, i) => (i % 17) - 8.25)
  const b = Float32Array.from({ length: n * n }, (_, i) => (i % 23) * 0.125)
  const c = new Float32Array(n * n)
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++)
      for (let j = 0; j < n; j++) c[at(i, j)] = f(c[at(i, j)]! + f(a[at(i, k)]! * b[at(k, j)]!))
  const sum = new Uint32Array(c.buffer).reduce((all, bits) => (all * 31n + BigInt(bits)) & mask, 0n)
  expect(line('matmul', n)).toBe(hex(sum))
})

test('gzip keeps the text', () => {
  const path = textFile(300000)
  expect(gunzipSync(run('gzip', ['-n', '-c', path])).equals(readFileSync(path))).toBe(true)
})

test('larson writes the same whatever the schedule', () => {
  const args = ['0', '8', '128', '100', '20', '12345', '4']
  const first = run('larson', args).toString()
  expect(first).toMatch(/^8000 operations, checksum [0-9a-f]{16}$/m)
  expect(run('larson', args).toString()).toBe(first)
})
