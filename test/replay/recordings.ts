/** A small recording and stores in memory, for the tests of this folder. */
import { nodeCodec } from '../../src/host/node.ts'
import type { ObjectStore } from '../../src/host/host.ts'
import { RECORDING_FORMAT, type Recording } from '../../src/replay/recording.ts'

/** An object store that is a Map. */
export class MemoryObjects implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>()

  get(hash: string): Uint8Array | null {
    return this.objects.get(hash) ?? null
  }

  put(hash: string, bytes: Uint8Array): void {
    this.objects.set(hash, bytes)
  }

  where(hash: string): string {
    return `memory:${hash}`
  }
}

export const libc = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251)

/** Puts the contents of the sample into `store`, and returns the sample. */
export function sampleRecording(store: ObjectStore): Recording {
  const hash = nodeCodec.hash(libc)
  store.put(hash, libc)
  const stat = {
    kind: 'file',
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 5000,
    mtime: '1735689600123456789',
    ino: 2 ** 40,
    nlink: 1,
    rdev: 0,
  } as const
  return {
    format: RECORDING_FORMAT,
    lemming: '0.0.0',
    inputs: {
      path: '/usr/bin/prog',
      argv: ['prog', 'ä', ''],
      env: ['A=b', 'EMPTY='],
      cwd: '/',
      seed: 2 ** 52 + 1,
      options: { strategy: 'random', cpus: 4, clockRate: 10, uid: 0, gid: 0, timeLimit: null },
    },
    answers: {
      lstat: new Map<string, typeof stat | 'ENOENT'>([
        ['/usr/bin/prog', stat],
        ['/nowhere', 'ENOENT'],
      ]),
      readlink: new Map([['/lib', 'usr/lib']]),
      // Names that are no UTF-8 have lone surrogates.
      list: new Map<string, string[] | 'EACCES'>([
        ['/dir\udcff', ['a', 'b\udc80', 'ü']],
        ['/root', 'EACCES'],
      ]),
      content: new Map<string, { hash: string; size: number } | 'EISDIR'>([
        ['/lib/libc.so', { hash, size: 5000 }],
        ['/dir', 'EISDIR'],
      ]),
      input: [Uint8Array.of(104, 105), new Uint8Array(0)],
      changes: new Map([[3, 'ENOSPC']]),
      terminal: {
        info: { fds: [true, true, false], raw: true, rows: 24, columns: 80 },
        news: new Map([[17, { typed: Uint8Array.of(3), size: [25, 81] as [number, number], gone: false }]]),
      },
    },
    end: {
      count: 2 ** 45,
      hash: '0123456789abcdef',
      ending: {
        kind: 'signal',
        signal: 11,
        name: 'SIGSEGV',
        code: 1,
        codeName: 'SEGV_MAPERR',
        address: '0xffffffffffffffff',
        tid: 1000,
        sent: false,
      },
    },
  }
}
