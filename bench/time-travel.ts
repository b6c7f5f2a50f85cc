/** Measures what going back costs: seeking, asking for last writers and walking both ways in a run of a thousand million instructions. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { availableParallelism } from 'node:os'
import { LemmingError } from '../src/base/errors.ts'
import { nextBelow, randomFrom } from '../src/base/random.ts'
import { openInThread } from '../src/lab/debuggee.ts'
import { Thread } from '../src/lab/thread.ts'
import type { Remote, Writer } from '../src/session/protocol.ts'
import { buildFolder, compile } from './build.ts'

/** What is promised (95th percentile of seeks, each last-writer query), in seconds, and the room that checkpoints have. */
const SEEK_LIMIT = 0.5
const QUERY_LIMIT = 3
const BUDGET = 2 ** 30
const SEED = 1
/** Transfers, in thousands, of a thousand million instructions. */
const TRANSFERS = 1750
const ACCOUNT_BYTES = 16
const ACCOUNTS = 2 ** 20

/** Seconds that something took by the clock and on processors, which is less when others use them. */
interface Taken {
  seconds: number
  cpu: number
}

async function timed<T>(what: () => Promise<T>): Promise<Taken & { value: T }> {
  const began = performance.now()
  const before = process.cpuUsage()
  const value = await what()
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - began) / 1000, cpu: (user + system) / 1e6, value }
}

function percentile(all: readonly number[], part: number): number {
  const sorted = all.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)]!
}

function row(what: string, all: readonly Taken[]): string {
  const seconds = all.map((one) => one.seconds)
  const cells = [percentile(seconds, 0.5), percentile(seconds, 0.95), Math.max(...seconds)]
  const cpu = Math.max(...all.map((one) => one.cpu))
  return `${what.padEnd(56)} ${String(all.length).padStart(5)} ${[...cells, cpu].map((one) => one.toFixed(2).padStart(6)).join(' ')}\n`
}

/** Records the run with the build at hand: another one may schedule it otherwise. */
function recordingOf(program: string, thousands: number): string {
  const file = join(buildFolder, `ledger-${thousands}.lemming`)
  const cli = join(import.meta.dirname, '../dist/cli/main.js')
  const args = [cli, 'run', '--check', 'none', '--seed', '3', '--export', file, '--', program, String(thousands)]
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  return file
}

interface Question {
  name: string
  address: number
  size: number
}

/** Bytes of all kinds: written all the time, now and then, once, never; on the stack; in a block that was freed. */
async function questionsAt(remote: Remote, tid: number, draw: (below: number) => number): Promise<Question[]> {
  const addressOf = async (text: string): Promise<number> => (await remote.place(tid, 0, text)).address
  const account = (await addressOf('accounts')) + ACCOUNT_BYTES * draw(ACCOUNTS)
  const sp = (await remote.registers(tid)).find(({ name }) => name === 'rsp')!
  const stack = Number(new DataView(sp.bytes.buffer, sp.bytes.byteOffset).getBigUint64(0, true))
  return [
    { name: 'a counter that changes all the time', address: await addressOf('transfers'), size: 8 },
    { name: 'one that was changed a few times', address: await addressOf('milestones'), size: 8 },
    { name: 'one that was written at the start', address: await addressOf('opened'), size: 8 },
    { name: 'a balance of a million', address: account, size: 8 },
    { name: 'a field that was written at the start', address: account + 12, size: 4 },
    { name: 'a lock', address: await addressOf(`&locks[${draw(64)}]`), size: 4 },
    { name: 'a word of the stack', address: stack + 8 * draw(64), size: 8 },
    { name: 'what a pointer of a block points to', address: await pointedTo(remote, stack), size: 8 },
  ]
}

/** Something in the heap that a word of the stack points to, or the word itself. */
async function pointedTo(remote: Remote, stack: number): Promise<number> {
  const { pid } = (await remote.threads())[0]!
  const bytes = await remote.memory(pid, stack, 1024)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const mappings = await remote.mappings(pid)
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const value = Number(view.getBigUint64(at, true))
    if (
      mappings.some(
        ({ start, end, prot, name }) =>
          prot === 3 && name === '' && value >= start && value + 8 <= end && Math.abs(value - stack) > 2 ** 24,
      )
    )
      return value
  }
  return stack
}

/** Measures and prints; false when something is not as promised. `scale` times the length of the run. */
export async function measureTimeTravel(scale: number): Promise<boolean> {
  const program = compile('ledger', ['programs/ledger.c'])
  const file = recordingOf(program, Math.max(1, Math.round(TRANSFERS * scale)))
  const thread = new Thread()
  const say = (text: string): void => void process.stdout.write(text)
  try {
    const opened = await timed(() => openInThread(thread, file, BUDGET))
    const { remote } = opened.value
    const { end } = await remote.position()
    say(
      `${end} instructions, 4 threads, opened in ${opened.seconds.toFixed(1)} s, ${availableParallelism()} cores, Node ${process.version}\n\n`,
    )
    say(`${'seconds'.padEnd(56)} times median   95 %    max max CPU\n`)
    const random = randomFrom(SEED, 'time travel')
    const draw = (below: number): number => nextBelow(random, below)
    const hashes = new Map<number, string>()
    const seeks: Taken[] = []
    for (let i = 0; i < 300; i++) {
      const moment = draw(end)
      seeks.push(await timed(() => remote.seek(moment)))
      hashes.set(moment, await remote.hash())
    }
    say(row('seek to a random moment', seeks))
    const moments = [...hashes.keys()]
    const queries = new Map<string, Taken[]>()
    let unseen = 0
    for (let i = 0; i < 12; i++) {
      const stop = await remote.seek(moments[draw(moments.length)]!)
      for (const { name, address, size } of await questionsAt(remote, stop.tid, draw)) {
        const taken = await timed(() => writerOf(remote, { pid: stop.pid, address, size }))
        queries.set(name, [...(queries.get(name) ?? []), taken])
        const { value } = taken
        if (value !== null && value.unseen !== null) unseen++
        await isTrue(remote, value, { pid: stop.pid, address, size })
      }
    }
    for (const [name, all] of queries) say(row(`last writer of ${name}`, all))
    const steps: Taken[] = []
    let here = end
    for (let i = 0; i < 300; i++) {
      const back = draw(2) === 0
      const tid = (await remote.position()).tid
      const taken = await timed(() => remote.step({ tid, unit: draw(2) === 0 ? 'instruction' : 'line', back }))
      steps.push(taken)
      here = taken.value.moment
    }
    say(row('a step, forwards or backwards', steps))
    let wrong = 0
    for (const moment of [...moments.slice(0, 40), here]) {
      await remote.seek(moment)
      const hash = await remote.hash()
      if (hash !== (hashes.get(moment) ?? hash)) wrong++
    }
    const slowest = Math.max(...[...queries.values()].flat().map((one) => one.seconds))
    say(
      `\nchecked: ${wrong} moments came out otherwise when they were reached in another way; ${unseen} answers left out stores of the same value\n`,
    )
    const good =
      wrong === 0 &&
      percentile(
        seeks.map((one) => one.seconds),
        0.95,
      ) <= SEEK_LIMIT &&
      slowest <= QUERY_LIMIT
    say(
      `${good ? 'as promised' : 'NOT as promised'}: seeks (95 %) in ${SEEK_LIMIT} s, last writers in ${QUERY_LIMIT} s, within ${BUDGET / 2 ** 30} GiB\n`,
    )
    return good
  } finally {
    await thread.close()
  }
}

/** The last writer; null where there is none, or where only looking everywhere would tell. */
async function writerOf(remote: Remote, where: { pid: number; address: number; size: number }): Promise<Writer | null> {
  try {
    return await remote.lastWrite(where)
  } catch (error) {
    if (error instanceof LemmingError && error.code === 'expression-unwritten') return null
    throw error
  }
}

/** Holds an answer against the memory before and after the write. */
async function isTrue(
  remote: Remote,
  writer: Writer | null,
  where: { pid: number; address: number; size: number },
): Promise<void> {
  if (writer === null) return
  const { moment } = await remote.position()
  const at = async (one: number): Promise<string> => {
    await remote.seek(one)
    return Buffer.from(await remote.memory(where.pid, where.address, where.size)).toString('hex')
  }
  const found = [await at(writer.moment - 1), await at(writer.moment), await at(moment)]
  const told = [writer.before, writer.after, writer.after].map((bytes) => Buffer.from(bytes ?? []).toString('hex'))
  // What was mapped without rights cannot be read then.
  if (found.join() !== told.join() && found[1] !== '')
    throw new Error(`last writer of ${where.address.toString(16)}: ${told.join()} is told, ${found.join()} is there`)
}
