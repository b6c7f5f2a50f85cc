/** A replay needs nothing of the computer: no file, no input, only objects by their hash. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ObjectStore, World } from '../../src/host/host.ts'
import { nodeCodec } from '../../src/host/node.ts'
import { createMachine, restoreMachine } from '../../src/linux/machine.ts'
import {
  encodeRecording,
  exportRecording,
  openRecording,
  type OpenedRecording,
} from '../../src/replay/recording-file.ts'
import { RecordingWorld } from '../../src/replay/recording-world.ts'
import { RECORDING_FORMAT, type Recording } from '../../src/replay/recording.ts'
import { ReplayingWorld } from '../../src/replay/replaying-world.ts'
import { Place, type Document } from '../e2e/lemming.ts'
import { root } from '../house/tree.ts'
import { newEngine, newWorld } from '../machine/machines.ts'
import { MemoryObjects } from '../replay/recordings.ts'
import { course, larson, MOMENTS, reader, start, threads, type Course, type Subject } from './subjects.ts'

const engine = newEngine()

/** A run with everything that it was told. */
function record(subject: Subject, store: ObjectStore): { recording: Recording; expected: Course } {
  const { world, output } = newWorld()
  const recorder = new RecordingWorld(world)
  const run = { ...start(subject, { world: recorder, processor: engine }), output }
  const expected = course(run, MOMENTS)
  run.machine.release()
  const options = {
    strategy: 'random',
    cpus: 4,
    clockRate: 10,
    uid: process.getuid!(),
    gid: process.getgid!(),
    timeLimit: null,
  }
  const inputs = {
    path: subject.path,
    argv: [subject.path, ...subject.args],
    env: subject.env,
    cwd: '/tmp',
    seed: 1,
    options,
  }
  const end = { count: expected.count, hash: expected.hash, ending: { kind: 'exit', code: 0 } } as const
  return {
    recording: { format: RECORDING_FORMAT, lemming: '', inputs, answers: recorder.save(nodeCodec, store), end },
    expected,
  }
}

/** The course of the recorded run in a world that knows the recording and nothing else. */
function replay({ recording, objects }: OpenedRecording): Course {
  const output = { stdout: '', stderr: '' }
  const world: World = new ReplayingWorld(recording.answers, objects, (fd, bytes) => {
    output[fd === 1 ? 'stdout' : 'stderr'] += Buffer.from(bytes).toString('latin1')
  })
  const { options, ...inputs } = recording.inputs
  const machine = createMachine({ ...inputs, ...options, world, processor: engine })
  const result = course({ machine, output, world }, MOMENTS)
  machine.release()
  return result
}

/** A store that is asked for nothing but what `known` has. */
function onlyObjects(known: MemoryObjects): ObjectStore & { asked: Set<string> } {
  const asked = new Set<string>()
  const refuse = (): never => {
    throw new Error('asked for more than an object by its hash')
  }
  const get = (hash: string): Uint8Array => {
    asked.add(hash)
    return known.get(hash) ?? refuse()
  }
  return { asked, get, put: refuse, where: refuse }
}

describe.each([threads(), larson()])('$name', (subject) => {
  const store = new MemoryObjects()
  const { recording, expected } = record(subject, store)

  test('from a recording that holds its objects', () => {
    const nothing = onlyObjects(new MemoryObjects())
    const bytes = exportRecording(recording, store, nodeCodec)
    expect(replay(openRecording(bytes, 'x', nothing, nodeCodec))).toEqual(expected)
    expect(nothing.asked.size).toBe(0)
  })

  test('from a recording and a store', () => {
    const objects = onlyObjects(store)
    expect(replay(openRecording(encodeRecording(recording, nodeCodec), 'x', objects, nodeCodec))).toEqual(expected)
    expect([...objects.asked].toSorted()).toEqual([...store.objects.keys()].toSorted())
  })
})

test('a machine restored in the middle of its input goes on there, with whoever remembers the input', () => {
  const subject = reader()
  const input = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7) % 251))
  let at = 0
  const { world, output } = newWorld()
  const recorder = new RecordingWorld({ ...world, readInput: (max) => input.subarray(at, (at += max)) })
  const { machine } = start(subject, { world: recorder, processor: engine })
  while (machine.state.fs.inputReads < 5) machine.advance(machine.state.count + 500)
  const snapshot = machine.save()
  const hash = machine.hash()
  const before = output.stdout
  const { count } = machine.advance(Infinity)
  expect(output.stdout.split('\n').length).toBe(17)
  expect(before.split('\n').length).toBeLessThan(7)
  const store = new MemoryObjects()
  const replaying = new ReplayingWorld(recorder.save(nodeCodec, store), store, (fd, bytes) =>
    recorder.writeOutput(fd, bytes),
  )
  for (const other of [recorder, replaying]) {
    const whole = output.stdout
    output.stdout = before
    const again = restoreMachine(snapshot, { world: other, processor: engine })
    expect(again.hash()).toBe(hash)
    expect([again.advance(Infinity).count, again.hash(), output.stdout]).toEqual([count, machine.hash(), whole])
  }
})

describe('the command', () => {
  const place = new Place({ check: 'none' })
  afterAll(() => place.remove())

  test('replays an exported recording where it may read nothing but itself and the recording', () => {
    const { path, args, env } = larson()
    const file = join(place.path, 'r.lemming')
    const ran = place.json('run', ['--export', file, ...env.flatMap((entry) => ['--env', entry]), '--', path, ...args])
    mkdirSync(join(place.path, 'gone'))
    renameSync(path, join(place.path, 'gone', 'larson'))
    const allowed = [root, dirname(dirname(process.execPath)), file].flatMap((entry) => [`--allow-fs-read=${entry}`])
    const permission = ['--permission', '--allow-worker', ...allowed, '--no-warnings']
    const main = join(root, 'src/cli/main.ts')
    const { stdout, stderr } = spawnSync(process.execPath, [...permission, main, 'replay', '--json', file], {
      cwd: '/',
      env: {},
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    const replayed = JSON.parse(stdout) as Document<'replay'>
    for (const field of ['instructions', 'hash', 'ending', 'stdout', 'stderr'] as const)
      expect(replayed[field], field).toEqual(ran[field])
    // The report too is the same, sources included, though the program is gone.
    expect({ ...replayed.finding, again: '' }).toEqual({ ...ran.finding, again: '' })
  })
})
