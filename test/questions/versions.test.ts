/** A recording of another version that comes out differently is told as such; one that does not replays. */
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readRecording, writeExport } from '../../src/lab/storage.ts'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

test('a run that differs names the version that recorded it', () => {
  const recording = join(place.path, 'true.lemming')
  place.lemming(['run', '--export', recording, '--', '/bin/true'])
  const opened = readRecording(recording)
  const old = { ...opened.recording, lemming: '0.0.9' }
  const [same, other] = ['same.lemming', 'other.lemming'].map((name) => join(place.path, name)) as [string, string]
  writeExport(same, { ...opened, recording: old })
  writeExport(other, { ...opened, recording: { ...old, end: { ...old.end, hash: '0123456789abcdef' } } })
  expect(place.lemming(['replay', same])).toMatchObject({ code: 0 })
  for (const more of [[], ['--ex', 'moment']]) {
    const { code, stderr } = place.lemming(['replay', other, ...more])
    expect(code).toBe(6)
    expect(stderr).toMatch(
      /and not in 0123456789abcdef\n {2}it was recorded by lemming 0\.0\.9, and this is \S+: replay it with that one\n$/,
    )
  }
})
