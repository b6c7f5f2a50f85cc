/** Exists to try a failure's run with other schedules, and to say what a schedule does to it: the jobs behind `lemming minimise`. */
import { LemmingError } from '../base/errors.ts'
import { RECORDING_NAME, writeBundle } from '../campaign/failures.ts'
import { signatureOf } from '../campaign/signature.ts'
import { inflate, NodeFiles, nodeCodec, nodeWorld, ownTerminal } from '../host/node.ts'
import { scheduleOf, startMachine, type Schedule } from '../replay/machine.ts'
import type { OpenedRecording } from '../replay/recording-file.ts'
import { RecordingWorld } from '../replay/recording-world.ts'
import { ReplayingWorld } from '../replay/replaying-world.ts'
import { recordingOf, type RunInputs, type Session } from '../session/session.ts'
import { Namer } from '../session/stacks.ts'
import type { Finding, Frame } from '../tool/finding.ts'
import type { MinimisedJob, ScheduleJob, SwitchRow, TrialAnswer, TrialJob } from './jobs.ts'
import { Capture } from './capture.ts'
import { compare, type Criteria } from './criteria.ts'
import { silent, withFilesHere } from './silent.ts'
import { CALM } from './steps.ts'
import { readRecording, recordingBytes, userObjects } from './storage.ts'
import { version } from './version.ts'

/** Executes a run and says what was wrong with it: what the thread does for all its jobs. */
export type Judge = (
  inputs: RunInputs,
  world: RecordingWorld | ReplayingWorld,
  capture: Capture,
  criteria?: Criteria,
  schedule?: Schedule,
) => Promise<{ session: Session; finding: Finding | null }>

type Write = (fd: 1 | 2, bytes: Uint8Array) => void

function writerOf(capture: Capture): Write {
  return (fd, bytes) => capture.write(fd, bytes)
}

/** Characters of a source line that a table has room for. */
const SHOWN = 60

const files = new NodeFiles()
let opened: { file: string; recording: OpenedRecording } | null = null

function open(file: string): OpenedRecording {
  if (opened?.file !== file) opened = { file, recording: readRecording(file) }
  return opened.recording
}

/** What the recorded failure is, and the schedule that it had. */
export async function scheduleJob(
  { file, criteria }: ScheduleJob,
  judge: Judge,
): Promise<TrialAnswer & { schedule: Schedule; elapsed: number; inputs: RunInputs; finding: Finding }> {
  const { recording, objects } = open(file)
  const schedule: Schedule = { switches: [], chosen: [] }
  const worldFor = (write: Write): ReplayingWorld => new ReplayingWorld(recording.answers, objects, write)
  const { session, finding } = await compared(judge, recording.inputs, worldFor, criteria, schedule)
  const { count, elapsed } = session.subject
  session.subject.release()
  if (finding === null)
    throw new LemmingError('minimise-nothing', `${file}: nothing went wrong in this run`, 'give a failure')
  return { count, signature: signatureOf(finding).text, schedule, elapsed, inputs: recording.inputs, finding }
}

/** Executes the failure's run with something changed. A run that asks for what was not recorded, or cannot go on, is simply another one. */
export async function trialJob({ file, change, input, live, criteria }: TrialJob, judge: Judge): Promise<TrialAnswer> {
  const { recording, objects } = open(file)
  const inputs = { ...recording.inputs, ...change }
  const worldFor = (write: Write): RecordingWorld | ReplayingWorld =>
    live ? liveWorld(input, write) : new ReplayingWorld(recording.answers, objects, write)
  try {
    const { session, finding } = await compared(judge, inputs, worldFor, criteria)
    const { count } = session.subject
    session.subject.release()
    return { count, signature: finding === null ? null : signatureOf(finding).text }
  } catch (error) {
    if (error instanceof LemmingError && error.code !== 'internal') return { count: 0, signature: null }
    throw error
  }
}

/** Keeps the run with what was changed as a bundle, and tells what its switches do. */
export async function minimisedJob(
  { file, change, input, live, bundle, note, criteria }: MinimisedJob,
  judge: Judge,
): Promise<{ finding: Finding; count: number; hash: string; rows: SwitchRow[] }> {
  const { recording, objects } = open(file)
  const inputs = { ...recording.inputs, ...change }
  const worldFor = (write: Write): RecordingWorld =>
    live ? liveWorld(input, write) : new RecordingWorld(new ReplayingWorld(recording.answers, objects, write))
  const { session, finding, world, capture } = await compared(judge, inputs, worldFor, criteria)
  const made = recordingOf(session, world, nodeCodec, userObjects(), version())
  const { count } = session.subject
  const { path, argv, env, cwd, seed, options } = inputs
  const program = made.answers.content.get(path)
  const failure = {
    format: 1,
    lemming: version(),
    created: new Date().toISOString(),
    program: { path, sha256: typeof program === 'object' ? program.hash : null },
    argv,
    env,
    cwd,
    seed,
    options,
    count,
    hash: made.end.hash,
    ending: made.end.ending,
    finding,
    findings: [],
    leaks: null,
    stdout: capture.size(1),
    stderr: capture.size(2),
    note,
  }
  writeBundle(bundle, {
    [RECORDING_NAME]: recordingBytes(made),
    stdout: capture.bytes(1),
    stderr: capture.bytes(2),
    'failure.json': `${JSON.stringify(failure, null, 2)}\n`,
  })
  const rows = switchRows(session)
  session.subject.release()
  return { finding: finding!, count, hash: made.end.hash, rows }
}

/** Executes a run and says what was wrong with it; also that it writes something else than it does without interruptions, if that is a failure. */
async function compared<W extends RecordingWorld | ReplayingWorld>(
  judge: Judge,
  inputs: RunInputs,
  worldFor: (write: Write) => W,
  criteria: Criteria | undefined,
  schedule?: Schedule,
): Promise<{ session: Session; finding: Finding | null; world: W; capture: Capture }> {
  const capture = new Capture()
  const world = worldFor(writerOf(capture))
  const judged = await judge(inputs, world, capture, criteria, schedule)
  const { session, finding } = judged
  const isOpen = finding === null || finding.kind === 'exit'
  if (criteria === undefined || criteria.expectSame.length === 0 || !isOpen) return { ...judged, world, capture }
  const calm = new Capture()
  const reference = startMachine(
    { ...inputs, checks: undefined, options: { ...inputs.options, strategy: CALM } },
    worldFor(writerOf(calm)),
  )
  reference.advance(Infinity)
  reference.release()
  const at = { moment: session.subject.count, seed: inputs.seed }
  return { session, finding: compare(capture, calm, criteria, at) ?? finding, world, capture }
}

/** The outside as it is now, with this standard input. */
function liveWorld(input: Uint8Array | null, writeOutput: Write): RecordingWorld {
  let at = 0
  const readInput = (max: number): Uint8Array => {
    const chunk = (input ?? new Uint8Array(0)).subarray(at, at + max)
    at += chunk.length
    return chunk
  }
  return new RecordingWorld(nodeWorld(files, { ...ownTerminal, readInput, writeOutput }))
}

/** Executes the run once more, and looks at both tasks at each switch of its schedule. */
function switchRows({ inputs, world }: Session): SwitchRow[] {
  const schedule = scheduleOf(inputs.options.strategy)
  if (schedule === null) return []
  const moments: number[] = []
  const log: Schedule = { switches: [], chosen: [], moments }
  const first = startMachine(inputs, silent(world), { schedule: log })
  while (first.ending() === null) first.advance(Number.MAX_SAFE_INTEGER)
  first.release()
  const wanted = new Set(schedule.switches.map(({ tid, count, to }) => `${tid}@${count}:${to}`))
  const rows: SwitchRow[] = []
  const again = startMachine(inputs, silent(world))
  const shown = withFilesHere(world)
  for (const [i, { tid, count, to }] of log.switches.entries()) {
    again.advance(moments[i]!)
    if (again.ending() !== null) break
    const tasks = again.tasks()
    const place = (wantedTid: number): string => {
      const task = tasks.find((one) => one.tid === wantedTid)
      if (task === undefined) return 'its end'
      const { stack, waiting } = new Namer(again, task.pid, shown, inflate).thread(task)
      const own = stack.frames.filter(({ file, text }) => file !== undefined && text !== undefined)
      const call = waiting === null ? '' : `  [waits in ${waiting.slice(0, waiting.indexOf('('))}]`
      return `${placeText(own[0] ?? stack.frames[0])}${call}`
    }
    rows.push({
      moment: moments[i]!,
      tid,
      count,
      to,
      chosen: wanted.has(`${tid}@${count}:${to}`),
      from: place(tid),
      into: place(to),
    })
  }
  again.release()
  return rows
}

function placeText(frame: Frame | undefined): string {
  if (frame === undefined) return 'nowhere'
  const { file, line, function: name, address, text } = frame
  const where = file === undefined ? address : `${file.slice(file.lastIndexOf('/') + 1)}:${line ?? '?'}`
  const call = name === undefined ? '' : ` ${name.includes('(') ? name : `${name}()`}`
  return `${where}${call}${text === undefined ? '' : `  ${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}`}`
}
