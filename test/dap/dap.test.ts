/** An editor's client walks through a failure of four threads both ways; stacks and variables are gdb's on the core of the same moment. */
import { execFileSync, spawnSync, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DebugClient } from '@vscode/debugadapter-testsupport'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { main as command, Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'corrupt')
const source = join(import.meta.dirname, '../gdb/programs/corrupt.c')
const recording = join(place.path, 'corrupt.lemming')

beforeAll(() => {
  execFileSync('gcc', ['-g', '-O0', '-pthread', '-o', program, source])
  place.lemming(['run', '--seed', '5', '--export', recording, '--', program])
})
afterAll(() => place.remove())

let client: DebugClient
let server: ChildProcess

type Stopped = DebugProtocol.StoppedEvent['body']

/** The next stop, which a request leads to. */
async function stopped(request: Promise<unknown>): Promise<Stopped> {
  const [{ body }] = await Promise.all([client.waitForEvent('stopped'), request])
  return body as Stopped
}

async function opened(args: object = {}): Promise<Stopped> {
  await Promise.all([client.waitForEvent('initialized'), client.launch(args)])
  return stopped(client.configurationDoneRequest())
}

async function stack(threadId: number): Promise<DebugProtocol.StackFrame[]> {
  return (await client.stackTraceRequest({ threadId })).body.stackFrames
}

async function evaluated(expression: string, frameId?: number, context?: string): Promise<string> {
  return (await client.evaluateRequest({ expression, frameId, context })).body.result
}

async function scope(frameId: number, name: string): Promise<DebugProtocol.Variable[]> {
  const { scopes } = (await client.scopesRequest({ frameId })).body
  const { variablesReference } = scopes.find((one) => one.name === name)!
  return (await client.variablesRequest({ variablesReference })).body.variables
}

async function parts(variable: DebugProtocol.Variable): Promise<DebugProtocol.Variable[]> {
  return (await client.variablesRequest({ variablesReference: variable.variablesReference })).body.variables
}

/** What gdb says of the core of a moment; null: the last one. */
function gdb(moment: number | null, ...script: string[]): string {
  const core = join(place.path, `core.${moment}`)
  place.lemming(['core', moment === null ? recording : `${recording}@${moment}`, '-o', core])
  const args = ['-nx', '-batch', '-ex', 'set width 0', ...script.flatMap((line) => ['-ex', line]), program, core]
  return spawnSync('gdb', args, { encoding: 'utf8' }).stdout
}

describe('a client', () => {
  /** A client that is connected, and has not said anything. */
  beforeEach(async () => {
    const { child } = place.start(['replay', recording, '--dap', '0'])
    server = child
    const port = await new Promise<number>((resolve, reject) => {
      let said = ''
      child.once('close', () => reject(new Error(said)))
      child.stderr!.on('data', (text) => {
        const found = /127\.0\.0\.1:(\d+)/.exec((said += String(text)))
        if (found !== null) resolve(Number(found[1]))
      })
    })
    client = new DebugClient('node', '', 'lemming')
    client.defaultTimeout = 40_000
    await client.start(port)
  })
  afterEach(async () => {
    const closed = new Promise((resolve) => server.once('close', resolve))
    await client.stop()
    expect(await closed).toBe(0)
  })

  test('finds the failure: its threads and their stacks are those that gdb sees in the core', async () => {
    const { reason, threadId, text } = await opened()
    expect(reason).toBe('exception')
    expect(threadId).toBe(1001)
    expect(text).toMatch(/^SIGSEGV \(SEGV_MAPERR, address 0x18\) at @\d+$/)
    expect((await client.exceptionInfoRequest({ threadId: 1001 })).body.exceptionId).toBe('SIGSEGV')
    const { threads } = (await client.threadsRequest()).body
    expect(threads).toHaveLength(5)
    expect(threads.filter(({ name }) => name.includes('waits in futex(')).length).toBeGreaterThan(1)
    const moment = Number(/@(\d+)/.exec(text!)![1])
    const known = gdb(moment, 'thread apply all bt')
    for (const { id } of threads) {
      const ours = (await stack(id))
        .map(({ name, line }) => `${name}:${line}`)
        .filter((one) => /^(main|walk|work):/.test(one))
      const [, theirs] = new RegExp(`LWP ${id}\\)\\):\\n([^]*?)(\\n\\n|$)`).exec(known)!
      const frames = [...theirs!.matchAll(/^#\d+ .*?\b(main|walk|work) \(.*:(\d+)$/gm)].map(
        ([, f, line]) => `${f}:${line}`,
      )
      expect(ours).toEqual(frames)
      expect(frames.length).toBeGreaterThan(0)
    }
  })

  test('opens variables, types and registers as gdb prints them', async () => {
    await opened()
    const [walk, work] = await stack(1001)
    const args = await scope(walk!.id, 'Arguments')
    expect(args).toMatchObject([{ name: 'n', value: '0x10', type: 'struct node *', variablesReference: 0 }])
    expect(await scope(walk!.id, 'Locals')).toMatchObject([{ name: 'sum', type: 'long' }])
    const [arg] = await scope(work!.id, 'Arguments')
    expect(arg).toMatchObject({ name: 'arg', value: '0x1' })
    const { body: head } = await client.evaluateRequest({ expression: 'head', frameId: walk!.id, context: 'watch' })
    const [next, value] = await parts({ name: 'head', value: '', variablesReference: head.variablesReference })
    expect(next).toMatchObject({ name: 'next', type: 'struct node *', evaluateName: 'head->next' })
    expect(value).toMatchObject({ name: 'value', type: 'long', variablesReference: 0 })
    const [deeper, second] = await parts(next!)
    expect(deeper!.evaluateName).toBe('head->next->next')
    const known = gdb(null, 'p head->next->value', 'p/x $rip', 'p/x $xmm0', 'p head->next->next', 'p/x $eflags')
    expect(known).toContain(`$1 = ${second!.value}\n`)
    const registers = await scope(walk!.id, 'Registers')
    const named = (name: string): string => registers.find((one) => one.name === name)!.value
    expect(known).toContain(`$2 = ${named('rip')}\n`)
    expect(known).toContain(`$4 = (struct node *) ${deeper!.value}\n`)
    expect(known).toContain(`$5 = ${named('eflags')}\n`)
    const sse = await parts(registers.find(({ name }) => name === 'SSE')!)
    const xmm0 = await parts(sse[0]!)
    const wide = xmm0.find(({ name }) => name === 'uint128')!
    expect(known).toContain(`uint128 = 0x${BigInt(wide.value).toString(16)}}`)
    expect(await evaluated('sizeof(struct node) * 2', walk!.id)).toBe('32')
    expect(await evaluated('n->value', work!.id).catch((error: Error) => error.message)).toContain('No symbol "n"')
  })

  test('goes back to who wrote the bad pointer, and on to the crash', async () => {
    await opened()
    const [frame] = await stack(1001)
    const { body: info } = await client.dataBreakpointInfoRequest({
      name: 'head->next->next->next',
      frameId: frame!.id,
    })
    expect(info.description).toMatch(/^head->next->next->next \(8 bytes at 0x[0-9a-f]+\)$/)
    await client.setDataBreakpointsRequest({ breakpoints: [{ dataId: info.dataId!, accessType: 'write' }] })
    const stop = await stopped(client.reverseContinueRequest({ threadId: 1001 }))
    expect(stop).toMatchObject({ reason: 'data breakpoint', threadId: 1003, hitBreakpointIds: [1] })
    const [damage, work] = await stack(1003)
    expect([damage!.name, damage!.line, work!.name, work!.line]).toEqual(['damage', 26, 'work', 39])
    expect(damage!.source).toMatchObject({ path: source })
    expect(await evaluated('victim->next == (struct node *)0x10', damage!.id)).toBe('0')
    await stopped(client.nextRequest({ threadId: 1003, granularity: 'instruction' }))
    expect(await evaluated('head->next->next->next')).toBe('(struct node *) 0x10')
    const back = await stopped(client.stepBackRequest({ threadId: 1003, granularity: 'instruction' }))
    expect(back.reason).toBe('step')
    expect(await evaluated('head->next->next->next')).not.toBe('(struct node *) 0x10')
    await client.setDataBreakpointsRequest({ breakpoints: [] })
    expect(await stopped(client.continueRequest({ threadId: 1003 }))).toMatchObject({
      reason: 'exception',
      threadId: 1001,
    })
  })

  test('breakpoints by line, function and instruction, with conditions, counts and messages', async () => {
    const first = await opened({ moment: 'start' })
    expect(first.reason).toBe('entry')
    // Of a stripped start nothing is known yet but the program's own object.
    const lines = await client.setBreakpointsRequest({
      source: { path: source },
      breakpoints: [{ line: 17, condition: 'value == 3049' }, { line: 9999 }],
    })
    expect(lines.body.breakpoints).toMatchObject([{ verified: true, line: 17 }, { verified: false }])
    const functions = await client.setFunctionBreakpointsRequest({
      breakpoints: [{ name: 'damage' }, { name: 'nothing_of_the_kind' }],
    })
    expect(functions.body.breakpoints).toMatchObject([{ verified: true }, { verified: false }])
    const line = await stopped(client.continueRequest({ threadId: 1000 }))
    expect(line).toMatchObject({ reason: 'breakpoint', threadId: 1003 })
    expect(await evaluated('value')).toBe('3049')
    await stopped(client.nextRequest({ threadId: 1003 }))
    const [push] = await stack(1003)
    expect([push!.name, push!.line]).toEqual(['push', 18])
    expect(await stopped(client.continueRequest({ threadId: 1003 }))).toMatchObject({ reason: 'function breakpoint' })
    const [damage] = await stack(1003)
    const address = damage!.instructionPointerReference!
    await stopped(client.stepOutRequest({ threadId: 1003 }))
    expect((await stack(1003))[0]).toMatchObject({ name: 'work' })
    await client.setFunctionBreakpointsRequest({ breakpoints: [] })
    await client.customRequest('setInstructionBreakpoints', { breakpoints: [{ instructionReference: address }] })
    expect(await stopped(client.reverseContinueRequest({ threadId: 1003 }))).toMatchObject({
      reason: 'instruction breakpoint',
    })
    await client.customRequest('setInstructionBreakpoints', { breakpoints: [] })
    // The third push of all; what is logged does not stop.
    await client.setBreakpointsRequest({
      source: { path: source },
      breakpoints: [
        { line: 17, hitCondition: '3' },
        { line: 18, logMessage: 'pushed {value}' },
      ],
    })
    await stopped(client.restartRequest({}))
    const logged: string[] = []
    client.on('output', ({ body }: DebugProtocol.OutputEvent) => {
      if (body.category === 'console') logged.push(body.output)
    })
    await stopped(client.continueRequest({ threadId: 1000 }))
    expect(logged.length).toBeGreaterThan(0)
    expect(logged.length).toBeLessThan(3)
    expect(logged[0]).toMatch(/^@\d+ pushed \d000\n$/)
  })

  test('shows instructions and bytes, before and behind a place', async () => {
    await opened()
    const [walk] = await stack(1001)
    const at = walk!.instructionPointerReference!
    const { instructions } = (
      await client.disassembleRequest({ memoryReference: at, instructionOffset: -3, instructionCount: 6 })
    ).body!
    expect(instructions).toHaveLength(6)
    expect(instructions[3]!.address).toBe(at)
    const known = [
      ...gdb(null, `x/3i ${at}`, `disassemble/r walk`).matchAll(/^ +0x0*([0-9a-f]+) <\+\d+>:\t((?:[0-9a-f]{2} ?)+)/gm),
    ]
    const bytesOf = new Map(known.map(([, address, bytes]) => [`0x${address}`, bytes!.trim()]))
    for (const { address, instructionBytes } of instructions.filter((one) => bytesOf.has(one.address)))
      expect(instructionBytes).toBe(bytesOf.get(address))
    expect(bytesOf.has(instructions[0]!.address)).toBe(true)
    const { body } = await client.customRequest('readMemory', { memoryReference: at, count: 4 })
    const read = Buffer.from(body.data as string, 'base64')
    expect(read.toString('hex')).toBe(
      instructions
        .slice(3)
        .map((one) => one.instructionBytes!.replaceAll(' ', ''))
        .join('')
        .slice(0, 8),
    )
    const { body: none } = await client.customRequest('readMemory', { memoryReference: '0x10', count: 16 })
    expect(none).toMatchObject({ data: '', unreadableBytes: 16 })
  })

  test('takes commands of the conversation in its console, completes names, says what it cannot do', async () => {
    await opened()
    expect(await evaluated('last-write head->next->next->next', undefined, 'repl')).toMatch(
      /was written at @\d+ by thread 1003/,
    )
    const stop = await stopped(client.evaluateRequest({ expression: 'seek @100000', context: 'repl' }))
    expect(stop).toMatchObject({ reason: 'goto', text: '@100000' })
    await expect(client.evaluateRequest({ expression: 'no_such_thing', context: 'repl' })).rejects.toThrow(
      'no_such_thing',
    )
    const { targets } = (await client.completionsRequest({ text: 'dam', column: 4 })).body
    expect(targets.map(({ label }) => label)).toContain('damage')
    const { body } = await client.modulesRequest({})
    expect(body.modules.map(({ name }) => name)).toContain('corrupt')
    await expect(client.customRequest('setVariable', {})).rejects.toThrow('setVariable: what has happened cannot')
    await expect(client.customRequest('goto', {})).rejects.toThrow('what has happened cannot be changed')
    expect(await evaluated('print 2 + sizeof(struct node)', undefined, 'repl')).toBe('$1 = 18')
  })
})

test('what VS Code sends, in its order: signals are exceptions, hovers and watches are evaluated, values are paged', async () => {
  const asked = join(place.path, 'asked')
  const file = join(import.meta.dirname, '../timeline/programs/asked.c')
  execFileSync('gcc', ['-w', '-g', '-O0', '-o', asked, file])
  place.lemming(['run', '--seed', '1', '--export', `${asked}.lemming`, '--', asked])
  const script = join(place.path, 'adapter.sh')
  writeFileSync(script, `exec ${process.execPath} ${command} replay --dap\n`)
  client = new DebugClient('/bin/sh', script, 'lemming', { env: place.env() })
  client.defaultTimeout = 40_000
  await client.start()
  const { body: can } = await client.initializeRequest({
    clientID: 'vscode',
    adapterID: 'lemming',
    pathFormat: 'path',
    linesStartAt1: true,
    columnsStartAt1: true,
    supportsVariableType: true,
    supportsVariablePaging: true,
    supportsMemoryReferences: true,
  })
  expect(can!.exceptionBreakpointFilters!.map(({ filter }) => filter)).toEqual(['signal', 'throw', 'catch'])
  const launched = client.launchRequest({ failure: `${asked}.lemming`, moment: 'start' } as never)
  await client.waitForEvent('initialized')
  await launched
  await client.setBreakpointsRequest({
    source: { name: 'asked.c', path: file },
    breakpoints: [{ line: 32 }],
    lines: [32],
    sourceModified: false,
  })
  await client.setFunctionBreakpointsRequest({ breakpoints: [] })
  await client.setDataBreakpointsRequest({ breakpoints: [] })
  const { body: set } = await client.setExceptionBreakpointsRequest({
    filters: [],
    filterOptions: [{ filterId: 'signal' }, { filterId: 'throw' }],
  })
  expect(set!.breakpoints).toMatchObject([{ verified: true }, { verified: false }])
  expect(await stopped(client.configurationDoneRequest())).toMatchObject({ reason: 'entry' })
  const signal = await stopped(client.continueRequest({ threadId: 1000 }))
  expect(signal).toMatchObject({ reason: 'exception', text: expect.stringMatching(/^SIGUSR1 at @\d+$/) })
  const top = (await client.stackTraceRequest({ threadId: 1000, startFrame: 0, levels: 1 })).body
  expect(top.stackFrames).toHaveLength(1)
  const more = (await client.stackTraceRequest({ threadId: 1000, startFrame: 1, levels: 19 })).body.stackFrames
  const main = more.find(({ name }) => name === 'main')!
  expect(await evaluated('twice(list->value)', main.id, 'watch')).toBe('10')
  expect(await evaluated('total', main.id, 'hover')).toBe('15')
  expect(await evaluated('print shout(words[1])', main.id, 'repl')).toMatch(/^\$1 = 0x[0-9a-f]+ <buffer> "BETA"$/)
  const { body: words } = await client.evaluateRequest({ expression: 'words', frameId: main.id, context: 'watch' })
  expect(words.indexedVariables).toBe(3)
  const { variables } = (
    await client.variablesRequest({
      variablesReference: words.variablesReference,
      filter: 'indexed',
      start: 1,
      count: 2,
    })
  ).body
  expect(variables.map(({ name, value }) => `${name} ${value.replace(/.* /, '')}`)).toEqual([
    '[1] "beta"',
    '[2] "gamma"',
  ])
  const twice = await stopped(client.continueRequest({ threadId: 1000 }))
  expect(twice).toMatchObject({ reason: 'breakpoint', threadId: 1001 })
  await client.disconnectRequest({ restart: false, terminateDebuggee: true })
})

test('on standard input and output, a failure that the client names, up to a breakpoint', async () => {
  const script = join(place.path, 'adapter.sh')
  writeFileSync(script, `exec ${process.execPath} ${command} replay --dap\n`)
  client = new DebugClient('/bin/sh', script, 'lemming', { env: place.env() })
  client.defaultTimeout = 40_000
  await client.start()
  await client.hitBreakpoint({ failure: recording, moment: 'start', stopOnEntry: false }, { path: source, line: 26 })
  expect(await evaluated('victim == head->next->next')).toBe('1')
  await client.stop()
})
