/** Exists to start threads that run machines and to talk with them: one job at a time, one answer each. */
import { MessageChannel, Worker } from 'node:worker_threads'
import { LemmingError } from '../base/errors.ts'
import type { Runner, SeedOutcome } from '../campaign/outcome.ts'
import { errorOf } from './errors.ts'
import type { Answers, HuntJob, Job, Message } from './jobs.ts'

/** Translated guest calls are nested wasm calls, and a guest may recurse deeply. */
const STACK_MB = 64

// The file is worker.ts in the sources and worker.js in the package.
const entry = new URL(`./worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)

/** A thread that runs machines. */
export class Thread {
  private readonly worker: Worker
  private waiting: { resolve(message: Message): void; reject(error: Error): void } | null = null
  private ended: Error | null = null

  constructor() {
    this.worker = new Worker(entry, { resourceLimits: { stackSizeMb: STACK_MB } })
    this.worker.on('message', (message: Message) => {
      const waiting = this.waiting
      this.waiting = null
      waiting?.resolve(message)
    })
    this.worker.on('error', (error) => this.end(new LemmingError('worker-failed', `a worker thread failed: ${error.message}`, 'run fewer jobs if memory is short (--jobs)')))
    this.worker.on('exit', () => this.end(new LemmingError('worker-ended', 'a worker thread was ended')))
  }

  /** Does a job; rejects with the LemmingError that ended it. */
  async ask<K extends Job['kind']>(job: Extract<Job, { kind: K }>, transfer: readonly MessagePort[] = []): Promise<Answers[K]> {
    if (this.ended !== null) throw this.ended
    const message = await new Promise<Message>((resolve, reject) => {
      this.waiting = { resolve, reject }
      this.worker.postMessage(job, transfer as never)
    })
    if (!message.ok) throw errorOf(message.error)
    return message.result as Answers[K]
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    this.end(new LemmingError('worker-ended', 'the thread was ended'))
    await this.worker.terminate()
  }

  private end(error: Error): void {
    this.ended ??= error
    const waiting = this.waiting
    this.waiting = null
    waiting?.reject(error)
  }
}

type MessagePort = InstanceType<typeof MessageChannel>['port1']

/** A runner of a hunt on a thread of its own; a thread that died is replaced for the next seed. `input` gives all of standard input. */
export class ThreadRunner implements Runner {
  private thread: Thread | null
  private prepared: Promise<unknown> | null = null
  private readonly job: Omit<HuntJob, 'kind' | 'input'>
  private readonly input: () => Promise<Uint8Array>

  constructor(job: Omit<HuntJob, 'kind' | 'input'>, input: () => Promise<Uint8Array>, started: Thread | null = null) {
    this.job = job
    this.input = input
    this.thread = started
  }

  async run(seed: number): Promise<SeedOutcome> {
    try {
      const thread = (this.thread ??= new Thread())
      this.prepared ??= this.prepare(thread)
      await this.prepared
      return await thread.ask<'seed'>({ kind: 'seed', seed })
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'worker-ended') throw error
      if (error.code === 'worker-failed') this.thread = this.prepared = null
      const { code, message, next } = error
      return { seed, kind: 'error', error: { code, message, next } }
    }
  }

  async close(): Promise<void> {
    await this.thread?.close()
  }

  private prepare(thread: Thread): Promise<unknown> {
    const { port1, port2 } = new MessageChannel()
    const ready = new Int32Array(new SharedArrayBuffer(4))
    port1.on('message', () => {
      void this.input().then((bytes) => {
        port1.postMessage(bytes)
        Atomics.store(ready, 0, 1)
        Atomics.notify(ready, 0)
      })
    })
    port1.unref()
    return thread.ask<'hunt'>({ kind: 'hunt', ...this.job, input: { port: port2, ready } }, [port2])
  }
}
