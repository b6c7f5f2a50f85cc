/** Exists for the commands that look at threads, stacks, variables and sources, with gdb's words and forms. */
import { LemmingError } from '../../base/errors.ts'
import type { PrintOptions } from '../../session/protocol.ts'
import { refusal, type State, wholeNumberIn } from './state.ts'
import { tellFrame } from './stops.ts'

const DEEP = 10_000

/** `bt`, `bt N` (the innermost), `bt -N` (the outermost), `bt full`. */
export async function backtrace(state: State, args: string): Promise<void> {
  const full = /(^| )(-?full)\b/.test(args)
  const text = args.replace(/-?full/, '').trim()
  const wanted = text === '' ? Infinity : Number(text)
  if (Number.isNaN(wanted)) throw refusal(`bt: a number is expected, not '${text}'`)
  const { frames, end } = await state.remote.frames(state.tid, wanted > 0 ? Math.min(wanted + 1, DEEP) : DEEP)
  const shown = wanted > 0 ? frames.slice(0, wanted) : frames.slice(wanted)
  for (const frame of shown) {
    state.say(`${frame.text}\n`)
    if (!full) continue
    const locals = await state.remote.variables(state.tid, frame.level, 'locals', state.how)
    for (const { name, text: value } of locals) state.say(`        ${name} = ${value}\n`)
    if (locals.length === 0) state.say(frame.file === null ? 'No symbol table info available.\n' : 'No locals.\n')
  }
  if (shown.length < frames.length && wanted > 0) state.say('(More stack frames follow...)\n')
  else if (end !== 'outermost') state.say(`(the stack ends here: ${end.replaceAll('-', ' ')})\n`)
}

/** `frame [N]`, `frame function NAME`, `frame level N`; `silent`: it is not told. */
export function framer(
  silent: boolean,
): (state: State, args: string, execute: (command: string) => Promise<void>) => Promise<void> {
  return async (state, args, execute) => {
    const [, which, command] = /^apply +(all|-?\d+) +(?:-[qcs] +)*(.*)$/s.exec(args) ?? []
    if (command !== undefined) return applied(state, which!, command, execute)
    const [, name] = /^function +(.+)$/s.exec(args) ?? []
    const number = args.replace(/^level +/, '')
    if (name !== undefined) {
      const { frames } = await state.remote.frames(state.tid, DEEP)
      const fits = (full: string): boolean => full === name || full.endsWith(`::${name}`)
      const found = frames.find((one) => one.function !== null && fits(one.function.replace(/\(.*$/s, '')))
      if (found === undefined) throw refusal(`No frame for function "${name}".`)
      state.level = found.level
    } else if (number !== '') {
      const level = wholeNumberIn(number, 'frame')
      const { frames } = await state.remote.frames(state.tid, level + 1)
      if (frames[level] === undefined) throw refusal(`No frame at level ${level}.`)
      state.level = level
    }
    if (!silent) await tellFrame(state)
  }
}

/** `frame apply all COMMAND`, `frame apply N COMMAND` (-N: the outermost). */
async function applied(
  state: State,
  which: string,
  command: string,
  execute: (command: string) => Promise<void>,
): Promise<void> {
  const { level } = state
  const { frames } = await state.remote.frames(state.tid, DEEP)
  const count = which === 'all' ? frames.length : Number(which)
  try {
    for (const one of count < 0 ? frames.slice(count) : frames.slice(0, count)) {
      state.level = one.level
      state.say(`${one.text}\n`)
      await execute(command)
    }
  } finally {
    state.level = level
  }
}

/** Towards the callers (1) or back (-1). */
export function mover(direction: 1 | -1, silent = false): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const by = args === '' ? 1 : wholeNumberIn(args, 'number')
    const { frames } = await state.remote.frames(state.tid, state.level + by + 1)
    const last = frames.length - 1
    const level = Math.max(0, Math.min(last, state.level + direction * by))
    if (level === state.level)
      throw refusal(
        direction > 0
          ? 'Initial frame selected; you cannot go up.'
          : 'Bottom (innermost) frame selected; you cannot go down.',
      )
    state.level = level
    if (!silent) await tellFrame(state)
  }
}

/** `thread`, `thread TID`, `thread apply all COMMAND`. */
export async function thread(state: State, args: string, execute: (command: string) => Promise<void>): Promise<void> {
  const [, which, command] = /^apply +(all|[\d ]+?) +(?:-[qcs] +|-ascending +)*(\D.*)$/s.exec(args) ?? []
  const threads = await state.remote.threads()
  if (command !== undefined) {
    const { pid, tid, level } = state
    const wanted = which === 'all' ? null : which!.split(/\s+/).map(Number)
    try {
      for (const one of threads.toReversed()) {
        if (wanted !== null && !wanted.includes(one.tid)) continue
        state.select(one.pid, one.tid)
        state.say(`\nThread ${one.tid} "${one.name}"${one.waiting === null ? '' : ` waits in ${one.waiting}`}:\n`)
        await execute(command)
      }
    } finally {
      state.select(pid, tid)
      state.level = level
    }
    return
  }
  const [, pattern] = /^find +(.+)$/s.exec(args) ?? []
  if (pattern !== undefined) {
    const fits = regexp(pattern)
    const found = threads.filter(({ name, tid }) => fits.test(name) || String(tid) === pattern)
    for (const { tid, name } of found) state.say(`Thread ${tid} has name '${name}'\n`)
    if (found.length === 0) state.say(`No threads match '${pattern}'\n`)
    return
  }
  if (/^name\b/.test(args))
    throw refusal('thread name: threads have the names that the program gave them', 'info threads shows them')
  if (args !== '') {
    const tid = wholeNumberIn(args, 'thread')
    const found = threads.find((one) => one.tid === tid)
    if (found === undefined)
      throw refusal(`there is no thread ${tid} at this moment`, 'info threads shows those there are')
    state.select(found.pid, found.tid)
  }
  state.say(`[Current thread is ${state.tid} "${await state.threadName(state.tid)}"]\n`)
  await tellFrame(state)
}

export function regexp(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch {
    throw refusal(`${text} is no regular expression`)
  }
}

/** `taas COMMAND`: in all threads; `tfaas`: in all frames of them. What fails, such as a variable that is not there, is passed over. */
export function everywhere(
  where: readonly ('threads' | 'frames')[],
): (state: State, args: string, execute: (command: string) => Promise<void>) => Promise<void> {
  return async (state, args, execute) => {
    const { pid, tid, level } = state
    let head = ''
    const attempt = async (text: string, from: number): Promise<void> => {
      const { say } = state
      let said = ''
      try {
        state.say = (text) => (said += text)
        await execute(args)
      } catch (error) {
        if (!(error instanceof LemmingError) || error.code === 'internal') throw error
        said = ''
      } finally {
        state.say = say
      }
      state.level = from
      if (said === '') return
      say(head + text + said)
      head = ''
    }
    const all = where.includes('threads') ? (await state.remote.threads()).toReversed() : [{ pid, tid, name: '' }]
    try {
      for (const one of all) {
        state.select(one.pid, one.tid)
        head = where.includes('threads') ? `\nThread ${one.tid} "${one.name}":\n` : ''
        if (!where.includes('frames')) {
          await attempt('', 0)
          continue
        }
        for (const frame of (await state.remote.frames(one.tid, DEEP)).frames) {
          state.level = frame.level
          await attempt(`${frame.text}\n`, frame.level)
        }
      }
    } finally {
      state.select(pid, tid)
      state.level = level
    }
  }
}

export async function infoThreads(state: State): Promise<void> {
  const threads = await state.remote.threads()
  const processes = new Set(threads.map(({ pid }) => pid)).size
  for (const { pid, tid, name, waiting, places, count } of threads) {
    const [place] = places
    const where = place?.function === undefined ? (place?.address ?? '') : `${place.function} ()`
    const line = place?.file === undefined ? '' : ` at ${place.file}:${place.line ?? '?'}`
    const process = processes > 1 ? ` of process ${pid}` : ''
    state.say(`${tid === state.tid ? '*' : ' '} ${tid} "${name}"${process}  ${where}${line}\n`)
    state.say(`      ${count} instructions${waiting === null ? '' : `; waits in ${waiting}`}\n`)
  }
}

/** `info registers [NAME…]`: the general ones, or those that are named; `info all-registers`. */
export function infoRegisters(all: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    if (state.level > 0) state.say('(of the innermost frame)\n')
    const names = args
      .split(/\s+/)
      .filter((name) => name !== '')
      .map((name) => name.replace(/^\$/, ''))
    const registers = await state.remote.registers(state.tid)
    const general = registers.findIndex(({ name }) => name === 'st0')
    const shown = registers.filter(({ name }, i) =>
      names.length > 0 ? names.includes(name) : all || i < general || name.endsWith('_base'),
    )
    for (const { name, bytes } of shown) {
      const digits = [...bytes]
        .toReversed()
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('')
      const value = BigInt(`0x${digits}`)
      const signed = BigInt.asIntN(bytes.length * 8, value)
      const isNumber = bytes.length <= 8
      const more =
        name === 'rip'
          ? `0x${value.toString(16)} ${await symbol(state, Number(value))}`
          : name === 'rsp' || name === 'rbp'
            ? `0x${value.toString(16)}`
            : /^(eflags|mxcsr|st\d|[xy]mm\d+)$/.test(name)
              ? (await state.remote.value(state.tid, 0, `$${name}`, false)).text
              : `${signed}`
      if (!isNumber) {
        state.say(`${name.padEnd(14)} ${more}${name.startsWith('st') ? ` (raw 0x${digits})` : ''}\n`)
        continue
      }
      state.say(`${name.padEnd(14)} 0x${value.toString(16).padEnd(18)} ${more}\n`.replace(/ +\n/, '\n'))
    }
  }
}

/** `<main+4>`, or nothing. */
export async function symbol(state: State, address: number): Promise<string> {
  const text = await state.remote.symbolic(state.pid, address)
  return text === null ? '' : `<${text}>`
}

/** `info inferiors`: the processes. */
export async function infoProcesses(state: State): Promise<void> {
  const threads = await state.remote.threads()
  for (const pid of new Set(threads.map((one) => one.pid))) {
    const details = await state.remote.process(pid)
    state.say(`${pid === state.pid ? '*' : ' '} process ${pid}  ${details?.argv.join(' ') ?? ''}\n`)
  }
}

/** getauxval(3) and linux/auxvec.h. */
const AUXILIARY: Readonly<Record<number, string>> = {
  0: 'AT_NULL',
  3: 'AT_PHDR',
  4: 'AT_PHENT',
  5: 'AT_PHNUM',
  6: 'AT_PAGESZ',
  7: 'AT_BASE',
  8: 'AT_FLAGS',
  9: 'AT_ENTRY',
  11: 'AT_UID',
  12: 'AT_EUID',
  13: 'AT_GID',
  14: 'AT_EGID',
  15: 'AT_PLATFORM',
  16: 'AT_HWCAP',
  17: 'AT_CLKTCK',
  23: 'AT_SECURE',
  25: 'AT_RANDOM',
  26: 'AT_HWCAP2',
  31: 'AT_EXECFN',
  33: 'AT_SYSINFO_EHDR',
  51: 'AT_MINSIGSTKSZ',
}

/** `info auxv`. */
export async function infoAuxiliary(state: State): Promise<void> {
  const { auxv = [] } = (await state.remote.process(state.pid)) ?? {}
  for (const [type, value] of auxv)
    state.say(`${String(type).padEnd(4)} ${(AUXILIARY[type] ?? '').padEnd(20)} 0x${value.toString(16)}\n`)
}

export async function infoFrame(state: State): Promise<void> {
  const { text, pc, cfa, file, line } = await state.frame()
  state.say(`${text}\n  rip = 0x${pc.toString(16)} ${await symbol(state, pc)}\n`)
  if (cfa !== null)
    state.say(
      `  the caller's stack pointer at the call: 0x${cfa.toString(16)}; the return address is at 0x${(cfa - 8).toString(16)}\n`,
    )
  if (file !== null) state.say(`  ${file}:${line}\n`)
  for (const { name, text: value } of await state.remote.variables(state.tid, state.level, 'args'))
    state.say(`  ${name} = ${value}\n`)
}

export function infoVariables(which: 'locals' | 'args'): (state: State) => Promise<void> {
  return async (state) => {
    const all = await state.remote.variables(state.tid, state.level, which, state.how)
    const isKnown = all.length > 0 || (await state.frame()).file !== null
    if (!isKnown) return state.say('No symbol table info available.\n')
    if (all.length === 0) state.say(which === 'locals' ? 'No locals.\n' : 'No arguments.\n')
    for (const { name, text } of all) state.say(`${name} = ${text}\n`)
  }
}

export async function infoLibraries(state: State): Promise<void> {
  state.say('From        To          Object\n')
  for (const { start, end, path } of await state.remote.libraries(state.pid))
    state.say(`0x${start.toString(16).padStart(8, '0')}  0x${end.toString(16).padStart(8, '0')}  ${path}\n`)
}

export async function infoMappings(state: State): Promise<void> {
  for (const { start, end, prot, name } of await state.remote.mappings(state.pid)) {
    const rights = `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}`
    state.say(`0x${start.toString(16).padStart(8, '0')}-0x${end.toString(16).padStart(8, '0')} ${rights} ${name}\n`)
  }
}

/** `info proc`, `info proc mappings`. */
export async function infoProcess(state: State, args: string): Promise<void> {
  if (/^(m|all)/.test(args)) return infoMappings(state)
  const details = await state.remote.process(state.pid)
  if (details === null) throw refusal('No process is selected.')
  const { pid, argv, exe, ppid, pgid, sid, uid, gid } = details
  state.say(`process ${pid}\ncmdline = '${argv.join(' ')}'\nexe = '${exe}'\n`)
  state.say(`parent ${ppid}, group ${pgid}, session ${sid}, user ${uid}, group of users ${gid}\n`)
}

/** `list FIRST,LAST`; either may be missing. */
async function listRange(state: State, from: string, to: string): Promise<void> {
  const spot = async (text: string): Promise<{ file: string; line: number }> => {
    const { file: here } = await state.frame()
    const file = state.listed?.file ?? here
    if (/^\d+$/.test(text) && file !== null) return { file, line: Number(text) }
    const [place] = await state.remote.code(state.tid, state.level, text)
    if (place?.file === undefined || place.line === undefined) throw refusal(`no source line is known for '${text}'`)
    const named = /:(\d+)$/.exec(text)
    return { file: place.file, line: named === null ? place.line : Number(named[1]) }
  }
  const size = state.listSize
  const given = await spot(from === '' ? to : from)
  const first = from === '' ? Math.max(1, given.line - size + 1) : given.line
  const last = from === '' ? given.line : to === '' ? first + size - 1 : (await spot(to)).line
  const lines = await state.remote.source(given.file)
  if (lines === null) throw refusal(`${given.file} is not in the recording`)
  for (let line = first; line <= Math.min(last, lines.length - 1); line++) state.say(`${line}\t${lines[line - 1]}\n`)
  state.listed = { file: given.file, first, next: last + 1 }
}

export async function print(state: State, args: string): Promise<void> {
  const { how, rest } = printOptions(args)
  const text = await state.remote.print(state.tid, state.level, rest === '' ? '$' : rest, { ...state.how, ...how })
  state.say(`${text}\n`)
}

/** Options of gdb's `print` that change nothing here. */
const PLAIN =
  /^(address|array|array-indexes|nibbles|null-stop|raw-values|repeats|static-members|symbol|union|vtbl|max-depth|memory-tag-violations)$/

/** `-pretty -object off -elements 3 -- EXPRESSION`. A minus that begins an expression is none of an option. */
function printOptions(args: string): { how: PrintOptions; rest: string } {
  const how: PrintOptions = {}
  let rest = args
  for (;;) {
    const [whole, name = '', value] = /^-([a-z-]+)(?: +(on|off|unlimited|\d+)\b)?(?= |$)\s*/.exec(rest) ?? []
    const isOption = /^(pretty|object|elements)$/.test(name) || PLAIN.test(name)
    if (whole === undefined || !isOption) break
    Object.assign(how, setting(name, value ?? 'on'))
    rest = rest.slice(whole.length)
  }
  return { how, rest: rest.replace(/^--\s+/, '') }
}

/** What a setting of `print` means; nothing for those that change nothing here. */
export function setting(name: string, value: string): PrintOptions {
  switch (name) {
    case 'pretty':
      return { pretty: value !== 'off' }
    case 'object':
      return { object: value !== 'off' }
    case 'elements':
      return { limit: value === 'unlimited' || value === '0' ? MOST_ELEMENTS : wholeNumberIn(value, 'elements') }
    default:
      return {}
  }
}

/** What `unlimited` elements are. */
const MOST_ELEMENTS = 1_000_000

/** `call EXPRESSION`: as `print`, but nothing is said of a function that returns nothing. */
export async function call(state: State, args: string): Promise<void> {
  const { remote, tid, level } = state
  if ((await remote.whatis(tid, level, args, false)) !== 'void') return print(state, args)
  state.say((await remote.value(tid, level, args, false)).text.replace(/void$/, ''))
}

export function typer(whole: boolean): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const text = await state.remote.whatis(state.tid, state.level, args, whole)
    state.say(`${/^\/\w*o/.test(args) ? '' : 'type = '}${text}\n`)
  }
}

/** `list`, `list LINE`, `list FILE:LINE`, `list FUNCTION`, `list -`. */
export async function list(state: State, args: string): Promise<void> {
  let wanted: { file: string; line: number } | null = null
  const LISTED = state.listSize
  const [, first0, last0] = /^([^,]*?) *, *([^,]*)$/s.exec(args) ?? []
  if (first0 !== undefined && last0 !== undefined) return listRange(state, first0, last0)
  if (args !== '' && args !== '-') {
    const [place] = await state.remote.code(state.tid, state.level, args)
    if (place?.file === undefined || place.line === undefined) throw refusal(`no source line is known for '${args}'`)
    const named = /:?(\d+)$/.exec(args)
    wanted = { file: place.file, line: named === null ? place.line : Number(named[1]) }
  } else if (state.listed === null) {
    const { file, line } = await state.frame()
    if (file === null || line === null) throw refusal('no source line is known here')
    wanted = { file, line }
  } else if (state.listed.next === state.listed.first) wanted = { file: state.listed.file, line: state.listed.first }
  const file = wanted?.file ?? state.listed!.file
  const lines = await state.remote.source(file)
  if (lines === null)
    throw refusal(`${file} is not in the recording`, 'it is kept there when it can be read while the run is recorded')
  const last = lines.at(-1) === '' ? lines.length - 1 : lines.length
  const from =
    wanted === null
      ? args === '-'
        ? state.listed!.first - LISTED
        : state.listed!.next
      : Math.min(wanted.line - Math.floor(LISTED / 2), last - LISTED + 1)
  const first = Math.max(1, from)
  if (first > last) throw refusal(`${file} has ${last} lines`)
  for (let line = first; line < Math.min(first + LISTED, last + 1); line++) state.say(`${line}\t${lines[line - 1]}\n`)
  state.listed = { file, first, next: first + LISTED }
}
