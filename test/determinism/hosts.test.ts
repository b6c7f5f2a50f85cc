/** The same run on every host: in any thread, from anywhere, as anybody, under any Node, and however V8 compiles it. */
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import type { World } from '../../src/host/host.ts'
import { newEngine, newWorld, scratch } from '../machine/machines.ts'
import type { Request } from './elsewhere.ts'
import { course, larson, MOMENTS, pooled, reference, start, threads, type Course, type Subject } from './subjects.ts'
import { startTiny, tinyElf, tinyOutput } from './tiny.ts'

const script = join(import.meta.dirname, 'elsewhere.ts')
const uid = process.getuid!()
const gid = process.getgid!()
const NOBODY = 65534

function request(subject: Subject | null, more: Partial<Request> = {}): string {
  return JSON.stringify({ subject, seed: 1, callDepth: 400, uid, gid, ...more } satisfies Request)
}

/** The course in a process of its own. */
function inProcess(
  asked: string,
  { node = process.execPath, flags = [] as string[], cwd = '/', env = {} as Record<string, string>, user = uid } = {},
): Course {
  const whole = { PATH: process.env.PATH!, NODE_NO_WARNINGS: '1', ...env }
  const options = {
    cwd,
    env: whole,
    encoding: 'utf8' as const,
    maxBuffer: 1 << 26,
    ...(user !== uid && { uid: user, gid: user }),
  }
  const { status, stdout, stderr } = spawnSync(node, [...flags, script, asked], options)
  if (status !== 0) throw new Error(`${node} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout) as Course
}

/** The course in a thread with a stack of that many MiB. */
async function inThread(asked: string, stackSizeMb: number): Promise<Course> {
  const worker = new Worker(script, { workerData: asked, execArgv: [], resourceLimits: { stackSizeMb } })
  const answer = await new Promise<string>((resolve, reject) => worker.on('message', resolve).on('error', reject))
  return JSON.parse(answer) as Course
}

/** Whether another user could read these sources: not where a home directory is closed. */
function nobodyCanRun(): boolean {
  if (uid !== 0) return false
  const { status } = spawnSync(process.execPath, ['-e', `require('fs').readFileSync(${JSON.stringify(script)})`], {
    uid: NOBODY,
    gid: NOBODY,
    cwd: '/',
  })
  return status === 0
}

const elsewhere = {
  TZ: 'Pacific/Auckland',
  HOME: '/nonexistent',
  LANG: 'tr_TR.UTF-8',
  LC_ALL: 'ar_EG.UTF-8',
  LOGNAME: 'somebody',
  USER: 'somebody',
  TMPDIR: '/',
}
const engine = newEngine()
/** The Node that LEMMING_TEST_NODE names, if it does: set it to the oldest one that is supported. */
const otherNode = process.env.LEMMING_TEST_NODE ?? process.execPath

describe('from another place', () => {
  const four = threads()
  const superslab = larson()

  test('in a thread whose stack is deep, with guest calls nested deeply', async () => {
    expect(await inThread(request(four, { callDepth: 20_000 }), 64)).toEqual(reference(four, { uid, gid }))
  })

  test.each([four, superslab])(
    '$name as another user (where that is possible), from another directory, with another time zone, home and language, without nested guest calls',
    (subject) => {
      const user = nobodyCanRun() ? NOBODY : uid
      const there = inProcess(request(subject, { callDepth: 0 }), { node: otherNode, env: elsewhere, user })
      expect(there).toEqual(pooled(engine, subject, { uid, gid }))
    },
  )
})

describe('what the host says of files beside their contents', () => {
  /** The run on a computer whose files were made in another order and at another time, and whose directories hold more. */
  const moved = (subject: Subject): Course => {
    const { world } = newWorld()
    const lstat: World['lstat'] = (path) => {
      const stat = world.lstat(path)
      if (typeof stat === 'string') return stat
      const size = stat.kind === 'dir' ? stat.size + 4096 : stat.size
      return {
        ...stat,
        size,
        ino: stat.ino + 1000,
        nlink: stat.nlink + (stat.kind === 'dir' ? 1 : 0),
        mtime: '86400000000000',
      }
    }
    return pooled(engine, subject, { world: { ...world, lstat } })
  }

  test('is no part of the run until the program asks', () => {
    const subject = threads()
    expect(moved(subject)).toEqual({ ...pooled(engine, subject), stdout: '' })
  })

  test('and then it is: the dynamic linker asks for some', () => {
    const subject = larson()
    const [here, there] = [pooled(engine, subject), moved(subject)]
    expect([there.at[0], there.count]).toEqual([here.at[0], here.count])
    expect(there.hash).not.toBe(here.hash)
    const { machine } = start(subject, { processor: engine })
    machine.advance(Infinity)
    const known = new Map<string, boolean>()
    for (const inode of machine.state.fs.inodes.values()) {
      const before = machine.hash()
      inode.mtime = [1, 1]
      if (typeof inode.content?.host === 'string') known.set(basename(inode.content.host), machine.hash() !== before)
    }
    expect([known.get('libc.so.6'), known.get('larson')]).toEqual([true, false])
  })
})

describe('a program that is the same everywhere', () => {
  const here = course(startTiny(3), MOMENTS)

  test('is what it was on every other computer', async () => {
    const { stdout, ...rest } = here
    // A change of what a machine's state holds changes the hashes and nothing else: then, vitest -u.
    await expect(`${JSON.stringify({ ...rest, ...tinyOutput(stdout) }, null, 2)}\n`).toMatchFileSnapshot(
      'tiny.expected.json',
    )
  })

  test('computes what the processor computes', () => {
    const path = join(scratch(), 'tiny')
    writeFileSync(path, tinyElf())
    chmodSync(path, 0o755)
    const native = spawnSync(path)
    const { digest, root, locked, racy } = tinyOutput(native.stdout.toString('latin1'))
    expect(tinyOutput(here.stdout)).toMatchObject({ digest, root, locked })
    expect(native.status).toBe(racy & 63)
    expect(here.ending).toBe(`exit ${tinyOutput(here.stdout).racy & 63}`)
  })

  test.each([
    ['V8’s baseline compiler alone', process.execPath, '--liftoff-only'],
    ['V8’s optimising compiler alone', process.execPath, '--no-liftoff'],
    [`both, in ${otherNode}`, otherNode, '--wasm-tier-up'],
  ])('compiled by %s', (_by, node, flag) => {
    expect(inProcess(request(null, { seed: 3 }), { node, flags: [flag] })).toEqual(here)
  })

  test('races: the lost increments depend on the seed', () => {
    const lost = [3, 4, 5].map((seed) => 120_000 - tinyOutput(course(startTiny(seed), []).stdout).racy)
    expect(new Set(lost).size).toBe(3)
  })
})
