/** Exists to keep what a program writes, within bounds, when it does not go to a terminal. */

/** Bytes kept of each stream; a run that writes more is not stopped. */
const LIMIT = 16 << 20

/** A program's two output streams. */
export class Capture {
  private readonly chunks: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] }
  private readonly kept: Record<1 | 2, number> = { 1: 0, 2: 0 }
  private readonly total: Record<1 | 2, number> = { 1: 0, 2: 0 }

  write(fd: 1 | 2, bytes: Uint8Array): void {
    this.total[fd] += bytes.length
    const room = LIMIT - this.kept[fd]
    if (room <= 0 || bytes.length === 0) return
    this.chunks[fd].push(bytes.slice(0, room))
    this.kept[fd] += Math.min(room, bytes.length)
  }

  /** The stream's beginning, all of it unless it was longer than the bound. */
  bytes(fd: 1 | 2): Uint8Array {
    return Buffer.concat(this.chunks[fd])
  }

  /** The stream's first line that is not empty, cut off at 200 characters. */
  firstLine(fd: 1 | 2): string {
    const text = Buffer.from(this.chunks[fd][0] ?? []).toString()
    return (/\S.*/.exec(text)?.[0] ?? '').trimEnd().slice(0, 200)
  }

  /** The last line that is not empty of what was kept, cut off at 200 characters. */
  lastLine(fd: 1 | 2): string {
    const lines = Buffer.from(this.bytes(fd)).toString().split('\n')
    return (lines.findLast((line) => line.trim() !== '') ?? '').trimEnd().slice(0, 200)
  }

  /** Bytes that the program wrote. */
  size(fd: 1 | 2): number {
    return this.total[fd]
  }
}
