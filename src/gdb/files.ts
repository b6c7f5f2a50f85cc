/** Exists to give gdb the files of the run (program, libraries, sources) as they were recorded, through its host I/O packets, and of /proc what it looks at: no file of this computer is read. */
import type { Remote } from '../session/protocol.ts'
import { bytesOf } from './packets.ts'

/** Errno numbers of the protocol (gdb manual, "Errno Values"). */
const ENOENT = 2
const EBADF = 9
const EACCES = 13
/** Bytes given at once. */
const MOST = 0x3000
/** struct stat of the protocol: offset of the size, and bytes in all. */
const STAT_SIZE_AT = 28
const STAT_BYTES = 64
const REGULAR = 0o100644

/** Open files of a connection. */
export class RemoteFiles {
  private readonly remote: Remote
  private readonly pid: number
  private readonly open = new Map<number, Uint8Array>()
  private next = 1

  constructor(remote: Remote, pid: number) {
    this.remote = remote
    this.pid = pid
  }

  /** The answer to `vFile:` and this. */
  async answer(request: string): Promise<string | Uint8Array> {
    const [, name, rest] = /^(\w+):(.*)$/s.exec(request) ?? []
    const args = (rest ?? '').split(',')
    const number = (i: number): number => Number.parseInt(args[i] ?? '', 16)
    switch (name) {
      case 'setfs':
        return 'F0'
      case 'open': {
        if ((number(1) & 3) !== 0) return failed(EACCES)
        const path = Buffer.from(bytesOf(args[0]!)).toString()
        const bytes = (await this.ofProcess(path)) ?? (await this.remote.file(path))
        if (bytes === null) return failed(ENOENT)
        this.open.set(this.next, bytes)
        return `F${(this.next++).toString(16)}`
      }
      case 'close':
        return this.open.delete(number(0)) ? 'F0' : failed(EBADF)
      case 'pread': {
        const bytes = this.open.get(number(0))
        if (bytes === undefined) return failed(EBADF)
        const part = bytes.subarray(number(2), number(2) + Math.min(number(1), MOST))
        return Buffer.concat([Buffer.from(`F${part.length.toString(16)};`), part])
      }
      case 'fstat': {
        const bytes = this.open.get(number(0))
        if (bytes === undefined) return failed(EBADF)
        const stat = Buffer.alloc(STAT_BYTES)
        stat.writeUInt32BE(REGULAR, 8)
        stat.writeBigUInt64BE(BigInt(bytes.length), STAT_SIZE_AT)
        return Buffer.concat([Buffer.from(`F${STAT_BYTES.toString(16)};`), stat])
      }
      case 'readlink': {
        const path = Buffer.from(bytesOf(args[0]!)).toString()
        const { exe } = path === `/proc/${this.pid}/exe` ? ((await this.remote.process(this.pid)) ?? {}) : {}
        if (exe === undefined) return failed(ENOENT)
        const target = Buffer.from(exe)
        return Buffer.concat([Buffer.from(`F${target.length.toString(16)};`), target])
      }
      default:
        return ''
    }
  }

  /** What `info proc` reads of /proc/PID (proc(5)), as it is now; null for other files. */
  private async ofProcess(path: string): Promise<Uint8Array | null> {
    const { pid, remote } = this
    if (path === `/proc/${pid}/cmdline`)
      return Buffer.from(((await remote.process(pid))?.argv ?? []).map((one) => `${one}\0`).join(''))
    if (path !== `/proc/${pid}/maps` && path !== `/proc/${pid}/task/${pid}/maps`) return null
    const hex = (value: number): string => value.toString(16).padStart(8, '0')
    const lines = (await remote.mappings(pid)).map(({ start, end, prot, shared, offset, name }) => {
      const rights = `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}${shared ? 's' : 'p'}`
      return `${hex(start)}-${hex(end)} ${rights} ${hex(offset)} 00:00 0 `.padEnd(73) + `${name}\n`
    })
    return Buffer.from(lines.join(''))
  }
}

function failed(errno: number): string {
  return `F-1,${errno.toString(16)}`
}
