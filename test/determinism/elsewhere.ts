/** Runs a subject wherever this file is run, as a program (asked in its first argument) or as a thread, and answers with the course as JSON. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { Engine } from '../../src/engine/run.ts'
import { course, MOMENTS, start, type Subject } from './subjects.ts'
import { startTiny } from './tiny.ts'

/** What is asked for: the tiny program when there is no subject. */
export interface Request {
  subject: Subject | null
  seed: number
  callDepth: number
  uid: number
  gid: number
}

const asked = isMainThread ? process.argv[2]! : (workerData as string)
const { subject, seed, callDepth, uid, gid } = JSON.parse(asked) as Request
const run =
  subject === null ? startTiny(seed) : start(subject, { seed, uid, gid, processor: new Engine({ callDepth }) })
const answer = JSON.stringify(course(run, MOMENTS))
if (isMainThread) process.stdout.write(answer)
else parentPort!.postMessage(answer)
