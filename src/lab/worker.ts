/** Exists as the thread in which machines run: a stack deep enough for guest calls that are wasm calls, and a main thread that stays free for signals. */
import { enableCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import type { Job, Message } from './jobs.ts'

enableCompileCache()
// Translations are validated when they are first executed: most of a stored cache never is.
setFlagsFromString('--wasm-lazy-validation')
// Optimising costs more than it gives for code that is not executed much more often than V8 assumes; most of what is compiled here has already been met thousands of times.
setFlagsFromString('--wasm-tiering-budget=30000000')
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
