/** Exists as the thread in which machines run: a stack deep enough for guest calls that are wasm calls, and a main thread that stays free for signals. */
import { enableCompileCache } from 'node:module'
import { parentPort } from 'node:worker_threads'
import type { Job, Message } from './jobs.ts'

enableCompileCache()
const loaded = import('./work.ts')

async function answer(job: Job): Promise<Message> {
  try {
    const { work } = await loaded
    return { ok: true, result: await work(job) }
  } catch (error) {
    const { plainError } = await import('./errors.ts')
    return { ok: false, error: plainError(error) }
  }
}

parentPort!.on('message', (job: Job) => void answer(job).then((message) => parentPort!.postMessage(message)))
