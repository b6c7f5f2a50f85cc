/** A recording comes back as it was written, and one that is damaged, foreign or incomplete is named for what it is. */
import { describe, expect, test } from 'vitest'
import { nodeCodec } from '../../src/host/node.ts'
import { encodeRecording, exportRecording, openRecording } from '../../src/replay/recording-file.ts'
import { RECORDING_FORMAT } from '../../src/replay/recording.ts'
import { fetchObject } from '../../src/replay/replaying-world.ts'
import { libc, MemoryObjects, sampleRecording } from './recordings.ts'

const store = new MemoryObjects()
const sample = sampleRecording(store)
const hash = nodeCodec.hash(libc)
const open = (bytes: Uint8Array, objects = store) => openRecording(bytes, 'x.lemming', objects, nodeCodec)

describe('round trip', () => {
  test('everything in it comes back', () => {
    const { recording, objects } = open(encodeRecording(sample, nodeCodec))
    expect({
      ...recording,
      answers: { ...recording.answers, input: recording.answers.input.map((chunk) => [...chunk]) },
    }).toEqual({
      ...sample,
      answers: { ...sample.answers, input: [[104, 105], []] },
    })
    expect(objects).toBe(store)
  })

  test('an exported one needs no store', () => {
    const nothing = new MemoryObjects()
    const { recording, objects } = open(exportRecording(sample, store, nodeCodec), nothing)
    expect(recording.answers.content).toEqual(sample.answers.content)
    expect(fetchObject(objects, '/lib/libc.so', hash, 5000)).toEqual(
      nodeCodec.decompress(nodeCodec.compress(libc), 5000),
    )
    expect(Buffer.from(fetchObject(objects, '/lib/libc.so', hash, 5000)).equals(libc)).toBe(true)
    // What is not inside is asked for outside.
    nothing.put('other', Uint8Array.of(1))
    expect(objects.get('other')).toEqual(Uint8Array.of(1))
    expect(objects.get('absent')).toBe(null)
  })
})

describe('damage', () => {
  const bytes = exportRecording(sample, store, nodeCodec)

  test('any changed byte is noticed', () => {
    const codes = new Set<string>()
    for (let at = 0; at < bytes.length; at += at < 64 ? 1 : 97) {
      const changed = bytes.slice()
      changed[at]! ^= 0x10
      try {
        open(changed)
        codes.add(`nothing noticed at ${at}`)
      } catch (error) {
        codes.add((error as { code: string }).code)
      }
    }
    expect([...codes].toSorted()).toEqual(['recording-corrupt', 'recording-format', 'recording-unknown'])
  })

  test.each([20, 56, 200, bytes.length - 1])('a file cut to %i bytes', (length) => {
    expect(() => open(bytes.subarray(0, length))).toThrow(
      expect.objectContaining({ code: 'recording-corrupt', message: expect.stringContaining('x.lemming') }),
    )
  })

  test.each([
    ['an empty file', new Uint8Array(0)],
    ['a text', new TextEncoder().encode('#include <stdio.h>\n')],
  ])('%s is no recording', (_what, content) => {
    expect(() => open(content)).toThrow(expect.objectContaining({ code: 'recording-unknown' }))
  })

  test('a newer format is named', () => {
    const newer = bytes.slice()
    new DataView(newer.buffer).setUint32(8, RECORDING_FORMAT + 1, true)
    expect(() => open(newer)).toThrow(
      expect.objectContaining({
        code: 'recording-format',
        message: expect.stringContaining(`format ${RECORDING_FORMAT + 1}`),
      }),
    )
  })
})

describe('objects', () => {
  test('a missing one is named with its path and hash', () => {
    const message = expect.stringMatching(new RegExp(`/lib/libc\\.so.*${hash}.*memory:${hash}`))
    const missing = expect.objectContaining({ code: 'object-missing', message })
    expect(() => fetchObject(new MemoryObjects(), '/lib/libc.so', hash, 5000)).toThrow(missing)
    expect(() => exportRecording(sample, new MemoryObjects(), nodeCodec)).toThrow(missing)
  })

  test('one of another size is a changed one', () => {
    const cut = new MemoryObjects()
    cut.put(hash, libc.subarray(1))
    expect(() => fetchObject(cut, '/lib/libc.so', hash, 5000)).toThrow(
      expect.objectContaining({ code: 'object-changed' }),
    )
  })
})
