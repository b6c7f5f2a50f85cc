/** Exists to receive an editor's requests and to answer them one after the other. */
import { DebugSession, Event, Response } from '@vscode/debugadapter'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { LemmingError } from '../base/errors.ts'
import { Requests, type Outside } from './requests.ts'

export class Adapter extends DebugSession {
  private readonly requests: Requests
  private queue: Promise<void> = Promise.resolve()
  private moving = false
  private readonly finish: (error?: Error) => void

  /** `finish` is called when the client has left, or with what went wrong inside. */
  constructor(outside: Outside, finish: (error?: Error) => void) {
    super()
    this.finish = finish
    this.requests = new Requests(outside, (event, body) => this.sendEvent(new Event(event, body)))
  }

  /** The client is gone. */
  override shutdown(): void {
    if (this.moving) this.requests.interrupt()
    this.queue = this.queue.then(() => this.finish())
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    if (this.moving && /^(pause|disconnect)$/.test(request.command)) this.requests.interrupt()
    this.queue = this.queue.then(() => this.answer(request)).catch((error: unknown) => this.finish(error as Error))
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const response: DebugProtocol.Response = new Response(request)
    let after: (() => Promise<void>) | undefined
    try {
      const answer = await this.requests.answer(request.command, request.arguments ?? {})
      if (answer.body !== undefined) response.body = answer.body
      after = answer.after
    } catch (error) {
      const { message, next } = ordinary(error)
      response.success = false
      response.message = message
      response.body = {
        error: { id: 1, format: next === undefined ? message : `${message} (${next})`, showUser: false },
      }
    }
    this.sendResponse(response)
    if (request.command === 'disconnect') return this.finish()
    if (after === undefined) return
    this.moving = true
    try {
      await after()
    } catch (error) {
      const { message } = ordinary(error)
      this.sendEvent(new Event('output', { category: 'stderr', output: `${message}\n` }))
      this.sendEvent(new Event('stopped', { reason: 'pause', description: message, allThreadsStopped: true }))
    }
    this.moving = false
  }
}

/** An error that a client can be told of; others are thrown on. */
function ordinary(error: unknown): LemmingError {
  if (error instanceof LemmingError && error.code !== 'internal') return error
  throw error
}
