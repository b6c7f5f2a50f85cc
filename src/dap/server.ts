/** Exists to serve one editor: on streams, or at a port of this computer. */
import { createServer } from 'node:net'
import { LemmingError } from '../base/errors.ts'
import { Adapter } from './adapter.ts'
import type { Outside } from './requests.ts'

/** Serves a client at the other end of two streams until it leaves. */
export async function serveStreams(
  outside: Outside,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const adapter = new Adapter(outside, (error) => (error === undefined ? resolve() : reject(error)))
    adapter.start(input, output)
  })
}

/** Waits for a client at 127.0.0.1, port 0 for any that is free, and serves it until it leaves; `listening` hears of the port. */
export async function servePort(outside: Outside, port: number, listening: (port: number) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const server = createServer((socket) => {
      server.close()
      socket.setNoDelay(true)
      serveStreams(outside, socket, socket).then(() => {
        socket.end()
        resolve()
      }, reject)
    })
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const next = 'give another one, or 0 for any that is free'
      reject(new LemmingError('usage-port', `port ${port} of 127.0.0.1: ${code ?? message}`, next))
    })
    server.listen(port, '127.0.0.1', () => listening((server.address() as { port: number }).port))
  })
}
