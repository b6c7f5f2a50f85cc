/** Exists to do the jobs of a thread: composes world, machine and session, runs them, and turns what they say into plain data. */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { receiveMessageOnPort } from 'node:worker_threads'
import { LemmingError } from '../base/errors.ts'
import { RECORDING_NAME, writeBundle } from '../campaign/failures.ts'
import type { ChoiceTrace, RunChange, RunPoint, SeedOutcome, Visited } from '../campaign/outcome.ts'
import { inflate, nodeCodec, NodeFiles, nodeWorld, ownTerminal, type Terminal } from '../host/node.ts'
import { choicesName } from '../linux/scheduler/choices.ts'
import { guidedName } from '../linux/scheduler/guided.ts'
import { provideTranslations, startMachine, type Schedule } from '../replay/machine.ts'
import { RecordingWorld } from '../replay/recording-world.ts'
import { ReplayingWorld } from '../replay/replaying-world.ts'
import { Starts } from '../replay/starts.ts'
import { recordingOf, Session, verifyEnd, type RunEnding, type RunInputs } from '../session/session.ts'
import { Checks, mayFail } from '../checks/checks.ts'
import type { Attribute } from '../session/attributes.ts'
import { isFailure, type Finding, type LeakSummary } from '../tool/finding.ts'
import type { SuppressionUse } from '../tool/suppression.ts'
import { Capture } from './capture.ts'
import { compare, judge, NO_CRITERIA, shown, type Criteria } from './criteria.ts'
import { withSeed } from './inputs.ts'
import type { Answers, HuntJob, Job, ReplayJob, RunJob, RunResult } from './jobs.ts'
import { CALM, tried } from './steps.ts'
import { replaying } from './versions.ts'
import { firstLine, straceObserver } from './strace.ts'
import { loadTranslations, saveTranslations } from './translations.ts'
import { version } from './version.ts'

const files = new NodeFiles()
let hunt: (HuntJob & { patience: number | null }) | null = null
let spooled: Uint8Array | null = null

/** Does a job. Asynchronous only where modules are loaded that most runs do not need. */
export async function work(job: Job): Promise<Answers[keyof Answers]> {
  switch (job.kind) {
    case 'run':
      return run(job)
    case 'replay':
      return replay(job)
    case 'hunt':
      // Before anything is translated.
      warm(job.inputs.path)
      provide(job.inputs.path)
      hunt = { ...job, patience: null }
      // What a recorded run did before it is left is as it was.
      if (job.from === undefined)
        Object.assign(hunt, tried(job.inputs, nodeWorld(files, { readInput: emptyInput, writeOutput: () => {} })))
      return null
    case 'seed':
      return seed(job)
    case 'schedule':
      return (await import('./minimise.ts')).scheduleJob(job, judged)
    case 'trial':
      return (await import('./minimise.ts')).trialJob(job, judged)
    case 'minimised':
      return (await import('./minimise.ts')).minimisedJob(job, judged)
    case 'open':
      return (await import('./debug.ts')).openRun(job, provide)
    case 'ask':
      return (await import('./debug.ts')).askRun(job)
    case 'keepBranch':
      return (await import('./debug.ts')).keepBranch(job, judged)
  }
}

async function run(job: RunJob): Promise<RunResult> {
  const capture = job.output === 'capture' ? new Capture() : null
  const { terminal } = job
  const keep = job.keepTo === null ? null : await import('./keep.ts')
  keep?.checkKeepPlace(job.keepTo!)
  const world = new RecordingWorld(
    nodeWorld(files, {
      ...ownTerminal,
      ...(capture && { writeOutput: writerOf(capture) }),
      ...(terminal && (await import('./terminal.ts')).openTerminal(terminal)),
    }),
  )
  const { session, check } = await execute(job.inputs, world, job.strace)
  const finding = await findingOf(session)
  const found = await checked(session, check)
  await tellPower(session, finding ?? worst(found.findings.filter(isFailure)))
  keep?.keepFiles(job.keepTo!, session.subject.privateLayer())
  if (job.exportTo !== null) {
    const { userObjects, writeExport } = await import('./storage.ts')
    const objects = userObjects()
    const recording = recordingOf(session, world, nodeCodec, objects, version())
    writeExport(job.exportTo, { recording, objects })
  }
  return resultOf(session, finding, found, capture, job.hash, job.stats)
}

async function replay(job: ReplayJob): Promise<Answers['replay']> {
  const { readRecording, writeExport } = await import('./storage.ts')
  const opened = readRecording(job.file)
  const { inputs, answers, end } = opened.recording
  let first: RunResult | null = null
  for (let time = 0; time < job.times; time++) {
    const capture = job.output === 'capture' && time === 0 ? new Capture() : null
    // Repetitions are for comparing: only the first one is seen.
    const write = time > 0 ? () => {} : capture === null ? ownTerminal.writeOutput : writerOf(capture)
    const world = new ReplayingWorld(answers, opened.objects, write)
    const { session, check } = await replaying(opened.recording.lemming, async () => {
      const executed = await execute(inputs, world, job.strace && time === 0)
      verifyEnd(executed.session.end(), end)
      return executed
    })
    const found = await checked(session, check)
    const finding = await findingOf(session)
    await tellPower(session, finding ?? worst(found.findings.filter(isFailure)))
    const result = resultOf(session, finding, found, capture, true, job.stats && time === 0)
    session.subject.release()
    first ??= result
    const told = ({ finding, findings }: RunResult): string => JSON.stringify([finding, findings])
    if (told(result) !== told(first)) {
      throw new LemmingError(
        'replay-divergence',
        `replay ${time + 1} of ${job.times} gives another report than the first`,
        'please report this with the recording',
      )
    }
  }
  if (job.exportTo !== null) writeExport(job.exportTo, opened)
  return { ...first!, times: job.times }
}

async function seed({ seed: number, cell, change }: RunPoint): Promise<SeedOutcome> {
  const { inputs, cells, campaign, nonzeroExit, criteria = NO_CRITERIA, scratch } = hunt!
  const { capture, world, session, check, hang } = await patiently(
    changed(withSeed(inputs, number, cells[cell]), change),
    number,
  )
  const ending = session.runToEnd()
  const count = session.subject.count
  const general: Criteria = nonzeroExit ? { ...criteria, exitCodes: 'nonzero' } : criteria
  const rules = (cells[cell]?.criteria as Criteria | undefined) ?? general
  const at = { moment: count, seed: number }
  let judged = judge(ending, capture, rules, at)
  if (judged === null && ending.kind === 'exit' && rules.expectSame.length > 0)
    judged = compare(capture, await referenceOf(cell), rules, at)
  const isGood = ending.kind === 'exit' && judged === null
  const { findings, leaks } =
    isGood && check !== null && !mayFail(check.facts)
      ? { findings: await crashesOf(session), leaks: null }
      : await checked(session, check)
  const wrong = findings.filter(isFailure)
  if (isGood && wrong.length === 0) {
    const trace = traceOf(session, change)
    session.subject.release()
    return { seed: number, cell, kind: 'passed', count, ending, ...saidBy(ending, capture), ...trace }
  }

  const finding = isGood ? worst(wrong)! : judged?.kind === 'output' ? judged : (hang ?? (await findingOf(session)))!
  await tellPower(session, finding)
  quoteWords(finding, capture)
  const attributes = await attributesOf(session, finding)
  const { recordingBytes, userObjects } = await import('./storage.ts')
  const recording = recordingOf(session, world, nodeCodec, userObjects(), version())
  const { path, argv, env, cwd, options } = recording.inputs
  const { hash } = recording.end
  const program = recording.answers.content.get(realpathSync(path))
  const failure = {
    format: 1,
    lemming: version(),
    created: new Date().toISOString(),
    program: { path, sha256: typeof program === 'object' ? program.hash : null },
    argv,
    env,
    cwd,
    campaign,
    cell,
    seed: number,
    options,
    count,
    hash,
    ending,
    finding,
    findings,
    leaks,
    ...(attributes && { attributes }),
    stdout: capture.size(1),
    stderr: capture.size(2),
  }
  const bundle = join(scratch, `seed-${number}-${cell}`)
  writeBundle(bundle, {
    [RECORDING_NAME]: recordingBytes(recording),
    stdout: capture.bytes(1),
    stderr: capture.bytes(2),
    'failure.json': `${JSON.stringify(failure, null, 2)}\n`,
  })
  const alone = session.subject.tasksStarted === 1
  const trace = traceOf(session, change)
  session.subject.release()
  const told = { ...saidBy(ending, capture), ...trace, ...(attributes && { attributes }) }
  return { seed: number, cell, kind: 'failed', count, ending, hash, finding, bundle, alone, ...told }
}

/** The values that the hunt's user wants of a failure, at the moment of what went wrong. */
async function attributesOf(session: Session, { moment, thread }: Finding): Promise<Attribute[] | undefined> {
  const { attributes: wishes } = hunt!
  if (wishes === undefined || wishes.length === 0) return undefined
  const { attributesAt } = await import('../session/attributes.ts')
  const { silent } = await import('./silent.ts')
  const { inputs, world } = session
  const isAtEnd = moment >= session.subject.count
  const subject = isAtEnd ? session.subject : startMachine(inputs, silent(world))
  if (!isAtEnd) subject.advance(moment)
  const taken = attributesAt(
    subject,
    world,
    inflate,
    thread?.tid ?? subject.currentTid,
    realpathSync(inputs.path),
    wishes,
  )
  if (!isAtEnd) subject.release()
  return taken
}

/** The run that somebody has chosen who knows how others went. */
function changed(inputs: RunInputs, change: RunChange | undefined): RunInputs {
  if (change === undefined) return inputs
  const strategy = 'choices' in change ? choicesName(change.choices) : guidedName(change.number, change.decisions)
  return { ...inputs, seed: change.seed, options: { ...inputs.options, strategy } }
}

/** What whoever chose it wants to know. */
function traceOf({ subject }: Session, change: RunChange | undefined): { trace?: ChoiceTrace; visited?: Visited } {
  if (change === undefined) return {}
  const [trace, visited] = [subject.choicePlaces(), subject.visited()]
  return { ...(trace && { trace }), ...(visited && { visited }) }
}

/** Instructions after which a run is looked at once more whether it has an end. */
const LONG_PATIENCE = 1_000_000_000
const MORE_PATIENCE = 20

/** Executes a run of the hunt. Nobody said how long it may take: one that takes unusually long is ended if threads only run in circles, and else executed to its end. */
async function patiently(inputs: RunInputs, number: number) {
  const attempt = async (limit: number | null) => {
    const capture = new Capture()
    const { world, chosen } = await beginning(inputs, number, capture)
    const { options } = chosen
    const limited = limit === null ? chosen : { ...chosen, options: { ...options, instructionLimit: limit } }
    return { capture, world, hang: null, ...(await execute(limited, world, false, undefined, starts)) }
  }
  const { patience } = hunt!
  const isLimited = inputs.options.timeLimit !== null || inputs.options.instructionLimit !== undefined
  if (patience === null || isLimited) return attempt(null)
  // Who computes for long is waited for longer than who runs in circles.
  const more = patience * MORE_PATIENCE
  for (const limit of [patience, more, Math.max(LONG_PATIENCE, more)]) {
    const tried = await attempt(limit)
    if (tried.session.runToEnd().kind !== 'instruction-limit') return tried
    const finding = await findingOf(tried.session)
    // Who starves does so by the schedule, which will change.
    if (finding?.kind === 'livelock') return { ...tried, hang: finding }
    tried.session.subject.release()
  }
  return attempt(null)
}

/** Where a run of the hunt begins: at its start with its seed, or as the recorded run that it leaves at a moment. */
async function beginning(
  inputs: RunInputs,
  number: number,
  capture: Capture,
): Promise<{ world: RecordingWorld; chosen: RunInputs }> {
  const { from } = hunt!
  const write = writerOf(capture)
  if (from === undefined) {
    const world = new RecordingWorld(nodeWorld(files, { readInput: spooledInput(), writeOutput: write }))
    return { world, chosen: inputs }
  }
  const { branchInputs } = await import('./debug.ts')
  const { readRecording } = await import('./storage.ts')
  const { recording, objects } = readRecording(from.file)
  const world = new RecordingWorld(new ReplayingWorld(recording.answers, objects, write))
  const { seed } = recording.inputs
  return { world, chosen: branchInputs({ ...inputs, seed }, { moment: from.moment, seed: number }) }
}

/** Where the hunt's runs begin. */
const starts = new Starts()

/** What runs without interruptions write, by cell. */
const references = new Map<number, Capture>()

async function referenceOf(cell: number): Promise<Capture> {
  const known = references.get(cell)
  if (known !== undefined) return known
  const capture = new Capture()
  const { inputs, cells } = hunt!
  const calm = { ...inputs, checks: undefined, options: { ...inputs.options, strategy: CALM } }
  const world = new RecordingWorld(nodeWorld(files, { readInput: spooledInput(), writeOutput: writerOf(capture) }))
  const { session } = await execute(withSeed(calm, inputs.seed, cells[cell]), world, false)
  session.subject.release()
  references.set(cell, capture)
  return capture
}

/** The first line on standard error of a program that gave up. */
function saidBy(ending: RunEnding, capture: Capture): { said?: string } {
  return ending.kind === 'exit' && ending.code !== 0 ? { said: capture.firstLine(2) } : {}
}

let provided = false
let saved = false

/** Gives the machine the translations of earlier runs of the program: once in the life of a thread, and first of all. */
function provide(program: string): void {
  if (provided) return
  provided = true
  provideTranslations((variant) => loadTranslations(program, variant))
}

/** The same, and keeps those of the run that comes: once, too. */
function warm(program: string): (session: Session) => void {
  provide(program)
  if (saved) return () => {}
  saved = true
  return ({ subject }) => {
    for (const [variant, grown] of subject.translations()) saveTranslations(program, variant, grown)
  }
}

/** Makes the machine and executes it to its end; an error that stopped it says where in the program. */
async function execute(
  inputs: RunInputs,
  world: RecordingWorld | ReplayingWorld,
  strace: boolean,
  schedule?: Schedule,
  starts?: Starts,
): Promise<{ session: Session; check: Checks | null }> {
  const keep = warm(inputs.path)
  const check = inputs.checks === undefined ? null : new Checks(inputs.checks.names)
  const instruments = { definedness: inputs.checks?.undefinedValues === true, schedule }
  const subject =
    starts !== undefined && world instanceof RecordingWorld
      ? starts.start(inputs, world, instruments, check?.observers ?? [])
      : startMachine(inputs, world, instruments)
  // A terminal in raw mode does nothing about the ends of lines.
  const raw = world instanceof RecordingWorld && world.terminal()?.raw === true
  const lineEnd = raw ? '\r\n' : '\n'
  if (strace) {
    const print = (line: string): void => ownTerminal.writeOutput(2, Buffer.from(line.replace('\n', lineEnd)))
    print(`${firstLine(inputs, subject.tasks()[0]!.registers[4]!)}\n`)
    subject.addObserver(straceObserver(print))
  }
  if (starts === undefined) for (const observer of check?.observers ?? []) subject.addObserver(observer)
  const session = new Session(inputs, subject, world)
  try {
    for (const moment of inputs.checks?.leakAt ?? []) {
      subject.advance(moment)
      if (subject.ending() === null) subject.tellLeaks()
    }
    session.runToEnd()
  } catch (error) {
    const told = await explained(error, session)
    subject.release()
    throw told
  }
  keep(session)
  return { session, check }
}

/** Executes a run to its end; the first thing that was wrong with it. */
async function judged(
  inputs: RunInputs,
  world: RecordingWorld | ReplayingWorld,
  capture: Capture,
  criteria = NO_CRITERIA,
  schedule?: Schedule,
): Promise<{ session: Session; finding: Finding | null }> {
  const { session, check } = await execute(inputs, world, false, schedule)
  const at = { moment: session.subject.count, seed: inputs.seed }
  const output = judge(session.runToEnd(), capture, criteria, at)
  const ending = output?.kind === 'output' ? output : await findingOf(session)
  // An exit code that nobody calls a failure is less than a finding; of other failures the checks' findings are not what they are called after.
  const isBad = ending !== null && (ending.kind !== 'exit' || output !== null)
  const finding = (isBad ? null : worst((await checked(session, check)).findings.filter(isFailure))) ?? ending
  if (finding !== null) quoteWords(finding, capture)
  return { session, finding }
}

/** What a run that came to its end is called after: the crash of a child rather than a finding. */
function worst(wrong: readonly Finding[]): Finding | undefined {
  return wrong.find(({ kind }) => kind === 'crash') ?? wrong[0]
}

const SIGABRT = 6

/** Who aborts, or gives up with an exit code, has said why. */
function quoteWords({ kind, signal, remarks }: Finding, capture: Capture): void {
  const words = signal?.number === SIGABRT || kind === 'exit' ? shown(capture.lastLine(2)) : ''
  if (words !== '') remarks.unshift(`its last words on standard error: ${words}`)
}

/** What the checks of a run found: the findings to be told, and the sums of what was not freed. */
interface Checked {
  findings: Finding[]
  leaks: LeakSummary | null
  suppressions: SuppressionUse[]
}

/** Makes findings of what a check heard, by executing the run once more; loaded only for runs that need it. */
async function checked(session: Session, check: Checks | null): Promise<Checked> {
  const findings = await crashesOf(session)
  if (check === null) return { findings, leaks: null, suppressions: [] }
  const { findingsOfChecks } = await import('./checks.ts')
  const found = findingsOfChecks(session, check.facts, inflate)
  // What was found in the child, and then how it ended.
  return { ...found, findings: [...found.findings, ...findings] }
}

/** Crashes of processes that the run survived. */
async function crashesOf(session: Session): Promise<Finding[]> {
  if (session.subject.crashes().length === 0) return []
  const { childCrashes } = await import('./crashes.ts')
  return childCrashes(session, inflate)
}

/** The error that stopped a run, with the place in the program if the program is what it is about. */
async function explained(error: unknown, session: Session): Promise<unknown> {
  if (!(error instanceof LemmingError) || !error.code.startsWith('unsupported-')) return error
  const { located } = await import('../session/describe.ts')
  return located(error, session, inflate)
}

/** What went wrong. Naming addresses is loaded only for runs that need it. */
async function findingOf(session: Session): Promise<Finding | null> {
  const ending = session.runToEnd()
  if (ending.kind === 'exit' && ending.code === 0) return null
  const { describeEnding } = await import('../session/describe.ts')
  const { silent } = await import('./silent.ts')
  return describeEnding(session, inflate, () => startMachine(session.inputs, silent(session.world)))
}

/** Adds what a loss of power has to do with it, if it came before. */
async function tellPower(session: Session, finding: Finding | null | undefined): Promise<void> {
  const loss = session.subject.powerLoss()
  if (finding === null || finding === undefined || loss === null || finding.moment < loss.moment) return
  const { powerReport } = await import('../session/power-report.ts')
  const { silent } = await import('./silent.ts')
  const report = powerReport(session, inflate, (inputs) => startMachine(inputs, silent(session.world)))
  if (report !== null) finding.powerLoss = report
}

function resultOf(
  session: Session,
  finding: Finding | null,
  { findings, leaks, suppressions }: Checked,
  capture: Capture | null,
  hash: boolean,
  stats: boolean,
): RunResult {
  const { subject, inputs } = session
  const stream = (fd: 1 | 2) => capture && { bytes: capture.bytes(fd), size: capture.size(fd) }
  return {
    inputs,
    ending: session.runToEnd(),
    count: subject.count,
    elapsed: subject.elapsed,
    hash: hash ? subject.hash() : null,
    finding,
    findings,
    leaks,
    suppressions,
    stdout: stream(1),
    stderr: stream(2),
    unknownCalls: subject.unknownCalls(),
    statistics: stats ? subject.statistics() : null,
  }
}

function writerOf(capture: Capture): Terminal['writeOutput'] {
  return (fd, bytes) => capture.write(fd, bytes)
}

/** Nothing to read: what a hunt's runs read is not fetched before one of them wants it. */
const emptyInput: Terminal['readInput'] = () => new Uint8Array(0)

/** Reads the hunt's standard input from its beginning. The front end is asked for it when a program first reads. */
function spooledInput(): Terminal['readInput'] {
  let at = 0
  return (max) => {
    spooled ??= fetchInput(hunt!)
    const chunk = spooled.subarray(at, at + max)
    at += chunk.length
    return chunk
  }
}

function fetchInput({ input: { port, ready } }: HuntJob): Uint8Array {
  port.postMessage('input')
  Atomics.wait(ready, 0, 0)
  return receiveMessageOnPort(port)!.message as Uint8Array
}
