/** A run sees a world that stands still, and sees the same one again from the recording, which answers nothing else. */
import { describe, expect, test } from 'vitest'
import type { HostStat, World } from '../../src/host/host.ts'
import { nodeCodec } from '../../src/host/node.ts'
import { RecordingWorld } from '../../src/replay/recording-world.ts'
import { ReplayingWorld } from '../../src/replay/replaying-world.ts'
import { MemoryObjects } from './recordings.ts'

/** A world in which everything changes with every question. */
function restlessWorld(): World & { asked: number; written: string } {
  return {
    asked: 0,
    written: '',
    lstat(path) {
      this.asked++
      if (path === '/absent') return 'ENOENT'
      return {
        kind: 'file',
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: this.asked,
        mtime: '5',
        ino: 1,
        nlink: 1,
        rdev: 0,
      } satisfies HostStat
    },
    readlink() {
      return `target${++this.asked}`
    },
    list() {
      return [`name${++this.asked}`]
    },
    content(path) {
      this.asked++
      return path === '/absent' ? 'ENOENT' : Uint8Array.of(this.asked)
    },
    readInput(max) {
      return new TextEncoder().encode('abcdef').subarray(0, max)
    },
    writeOutput(_fd, bytes) {
      this.written += new TextDecoder().decode(bytes)
    },
  }
}

function ask(world: World): unknown[] {
  return [
    world.lstat('/a'),
    world.lstat('/absent'),
    world.readlink('/a'),
    world.list('/a'),
    world.content('/a'),
    world.content('/absent'),
    [...world.readInput(4, 0)],
    [...world.readInput(100, 1)],
  ].map((answer) => (answer instanceof Uint8Array ? [...answer] : answer))
}

function recorded(): {
  outer: ReturnType<typeof restlessWorld>
  first: unknown[]
  replaying: ReplayingWorld
  output: string[]
} {
  const outer = restlessWorld()
  const recording = new RecordingWorld(outer)
  const first = ask(recording)
  recording.look('/source.c')
  const objects = new MemoryObjects()
  const output: string[] = []
  const replaying = new ReplayingWorld(recording.save(nodeCodec, objects), objects, (fd, bytes) =>
    output.push(`${fd} ${bytes.length}`),
  )
  return { outer, first, replaying, output }
}

describe('recording', () => {
  test('passes each question on once', () => {
    const outer = restlessWorld()
    const world = new RecordingWorld(outer)
    const first = ask(world).slice(0, 6)
    expect(outer.asked).toBe(6)
    expect(ask(world).slice(0, 6)).toEqual(first)
    expect(outer.asked).toBe(6)
  })

  test('passes output through', () => {
    const outer = restlessWorld()
    new RecordingWorld(outer).writeOutput(1, new TextEncoder().encode('out'))
    expect(outer.written).toBe('out')
  })

  test('gives a machine that was restored the input of its time again', () => {
    let read = 0
    const world = new RecordingWorld({ ...restlessWorld(), readInput: () => Uint8Array.of(++read) })
    expect([0, 1, 0, 1, 2].map((nth) => world.readInput(1, nth)[0])).toEqual([1, 2, 1, 2, 3])
    expect(world.save(nodeCodec, new MemoryObjects()).input.map((chunk) => [...chunk])).toEqual([[1], [2], [3]])
  })

  test('keeps input though the caller of the host reuses its buffer', () => {
    const buffer = Uint8Array.of(1)
    const world = new RecordingWorld({ ...restlessWorld(), readInput: () => buffer })
    world.readInput(1, 0)
    buffer[0] = 2
    expect(world.save(nodeCodec, new MemoryObjects()).input.map((chunk) => [...chunk])).toEqual([[1]])
  })
})

describe('replaying', () => {
  test('gives the same answers and asks nobody', () => {
    const { outer, first, replaying } = recorded()
    const before = outer.asked
    expect(ask(replaying)).toEqual(first)
    expect(outer.asked).toBe(before)
  })

  test.each(['lstat', 'readlink', 'list', 'content'] as const)(
    'a %s that was not recorded is a divergence that names it',
    (question) => {
      const { replaying } = recorded()
      const divergence = expect.objectContaining({
        code: 'replay-divergence',
        message: expect.stringContaining(`${question}("/other")`),
      })
      expect(() => replaying[question]('/other')).toThrow(divergence)
    },
  )

  test('input that was not read is a divergence, and so is less of it', () => {
    const { replaying } = recorded()
    expect(() => replaying.readInput(3, 0)).toThrow(expect.objectContaining({ code: 'replay-divergence' }))
    replaying.readInput(4, 0)
    replaying.readInput(6, 1)
    expect(() => replaying.readInput(4, 2)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('the 3rd time') }),
    )
  })

  test('reports may look at what they looked at then, and get nothing else', () => {
    const { replaying } = recorded()
    expect(replaying.look('/source.c')).toEqual(Uint8Array.of(7))
    expect(replaying.look('/other.c')).toBe(undefined)
    expect(replaying.look('/absent')).toBe(undefined)
    expect(replaying.changedAt('/a')).toBe(5n)
    expect(replaying.changedAt('/other.c')).toBe(undefined)
  })

  test('output goes where it is told', () => {
    const { replaying, output } = recorded()
    replaying.writeOutput(2, new Uint8Array(3))
    expect(output).toEqual(['2 3'])
  })
})
