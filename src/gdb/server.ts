/** Exists to serve gdb: one connection at a time, on this computer alone. */
import { createServer, type Server, type Socket } from 'node:net'
import { LemmingError } from '../base/errors.ts'
import type { Remote, Stop } from '../session/protocol.ts'
import type { Ask } from './monitor.ts'
import { packet, PacketReader } from './packets.ts'
import { Stub } from './stub.ts'

/** A server that waits for gdb. */
export interface GdbServer {
  port: number
  /** Settles when gdb has left; rejects with what went wrong inside. */
  over: Promise<void>
  close(): void
}

/** A run for gdb. `interrupt` ends what it is doing, `ask` answers what `monitor` passes on. */
export interface Served {
  remote: Remote
  stop: Stop
  interrupt: () => void
  ask: Ask
}

/** Waits for gdb at 127.0.0.1; port 0 for any that is free. */
export async function serveGdb({ remote, stop, interrupt, ask }: Served, port: number): Promise<GdbServer> {
  let finish: (error?: Error) => void = () => {}
  const over = new Promise<void>((resolve, reject) => {
    finish = (error) => (error === undefined ? resolve() : reject(error))
  })
  const server: Server = createServer((socket) => {
    server.close()
    void converse(socket, new Stub(remote, stop, ask), interrupt).then(() => finish(), finish)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      reject(
        new LemmingError(
          'usage-port',
          `port ${port} of 127.0.0.1: ${code ?? message}`,
          'give another one, or 0 for any that is free',
        ),
      ),
    )
    server.listen(port, '127.0.0.1', resolve)
  })
  return { port: (server.address() as { port: number }).port, over, close: () => server.close() }
}

async function converse(socket: Socket, stub: Stub, interrupt: () => void): Promise<void> {
  socket.setNoDelay(true)
  const reader = new PacketReader()
  const waiting: Uint8Array[] = []
  let wake: (() => void) | null = null
  let ended = false
  const signal = (): void => {
    wake?.()
    wake = null
  }
  socket.on('data', (bytes: Buffer) => {
    for (const arrived of reader.push(bytes)) {
      if (arrived.kind === 'interrupt') interrupt()
      else if (!arrived.ok) socket.write('-')
      else {
        if (!stub.noAck) socket.write('+')
        waiting.push(arrived.data)
      }
    }
    signal()
  })
  const end = (): void => {
    ended = true
    interrupt()
    signal()
  }
  socket.on('close', end)
  socket.on('error', end)
  while (!ended && !stub.over) {
    const data = waiting.shift()
    if (data === undefined) {
      await new Promise<void>((resolve) => (wake = resolve))
      continue
    }
    const answer = await stub.answer(data)
    if (answer !== null && !ended)
      socket.write(packet(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer))
  }
  socket.end()
}
