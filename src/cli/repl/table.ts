/** Exists to list the commands of `lemming replay`, once: names, abbreviations, help, what they do. */
import {
  breakAll,
  disassemble,
  infoAddress,
  infoLine,
  infoNames,
  infoScope,
  infoSource,
  infoSymbol,
  searcher,
} from './code.ts'
import { display, infoDisplay, output, printf, undisplay } from './display.ts'
import { breaker, clear, condition, enabler, ignore, infoPoints, remove, watcher } from './points.ts'
import { catcher, handler } from './catching.ts'
import { finish, goer, seek, starter, stepper, toStart, until } from './going.ts'
import * as look from './looking.ts'
import { examine, find, who } from './memory.ts'
import * as past from './past.ts'
import { history, lines, why } from './questions.ts'
import { save } from './scripts.ts'
import { adviceFor } from './advice.ts'
import { refusal, type State } from './state.ts'

type Action = (state: State, args: string, execute: (command: string) => Promise<void>) => Promise<void>

/** A command. */
export interface Row {
  name: string
  /** Abbreviations beyond unique beginnings of the name. */
  also?: string[]
  help: string
  action: Action
  /** An empty line does it again. */
  repeats?: true
}

const row = (names: string, help: string, action: Action, repeats?: true): Row => {
  const [name, ...also] = names.split(' ')
  return { name: name!, also, help, action, ...(repeats && { repeats }) }
}

const FLOATING = `${Array.from({ length: 8 }, (_, i) => `st${i}`).join(' ')} fctrl fstat ftag fiseg fioff foseg fooff fop`
const VECTORS = `${Array.from({ length: 16 }, (_, i) => `xmm${i}`).join(' ')} mxcsr`

const INFO: readonly Row[] = [
  row('breakpoints b', 'breakpoints and watchpoints', infoPoints),
  row('watchpoints', 'the same', infoPoints),
  row('threads t', 'threads, and what they wait for', look.infoThreads),
  row('registers r', '[NAME… | all] registers of the selected thread', (state, args) =>
    args === 'all' ? look.infoRegisters(true)(state, '') : look.infoRegisters(false)(state, args),
  ),
  row('all-registers', '[NAME…] all of them', look.infoRegisters(true)),
  row('frame f', 'the selected frame', look.infoFrame),
  row('locals', 'its local variables', look.infoVariables('locals')),
  row('args', 'its arguments', look.infoVariables('args')),
  row('sharedlibrary shared', 'loaded objects', look.infoLibraries),
  row('mappings', 'what is mapped where', look.infoMappings),
  row('proc', '[mappings] the process', look.infoProcess),
  row('symbol', 'ADDRESS the symbol there', infoSymbol),
  row('address', 'NAME where it is', infoAddress),
  row('line', '[PLACE] the code of a line', infoLine),
  row('scope', 'PLACE: variables that can be seen there', infoScope),
  row('program record', 'where the run stands', past.moment),
  row('files target', 'loaded objects', look.infoLibraries),
  row('source', 'the file of the selected frame', infoSource),
  row('functions', '[REGEXP] names of functions', infoNames('functions')),
  row('variables', '[REGEXP] of variables', infoNames('variables')),
  row('types', '[REGEXP] of types', infoNames('types')),
  row('display', 'expressions that are shown at each stop', infoDisplay),
  row('inferiors processes', 'processes', look.infoProcesses),
  row('auxv', 'the auxiliary vector', look.infoAuxiliary),
  row('float', 'x87 registers', (state) => look.infoRegisters(true)(state, FLOATING)),
  row('vector', 'SSE registers', (state) => look.infoRegisters(true)(state, VECTORS)),
]

/** All commands but those of the loop itself. */
export const COMMANDS: readonly Row[] = [
  row(
    'break b br hbreak hb',
    'PLACE [thread N] [if EXPR]: stop there (FUNCTION, FILE:LINE, LINE, *ADDRESS)',
    breaker(false),
  ),
  row('tbreak tb thbreak', 'the same, for one time', breaker(true)),
  row('watch', 'EXPR|ADDRESS [SIZE] [if EXPR]: stop when it is written, also with the value it has', watcher('write')),
  row('rwatch', 'stop when it is read', watcher('read')),
  row('awatch', 'stop when it is read or written', watcher('access')),
  row(
    'catch',
    'syscall [NAME…] | signal [NAME…] | fork | vfork | exec | throw | rethrow | catch: stop there',
    catcher(false),
  ),
  row('tcatch', 'the same, for one time', catcher(true)),
  row('save', 'breakpoints FILE: commands that set them again', save),
  row('rbreak', 'REGEXP: on each function that it fits', breakAll),
  row('delete d', '[N…] breakpoints and watchpoints; `delete display [N…]`', async (state, args) => {
    const [, shown, rest] = /^(display)?(?:breakpoints?)? *(.*)$/s.exec(args)!
    await (shown === undefined ? remove : undisplay)(state, rest!)
  }),
  row('clear', '[PLACE] breakpoints there', clear),
  row('ignore', 'N COUNT: pass over so many hits', ignore),
  row('enable', '[N…]', enabler(true)),
  row('disable', '[N…]', enabler(false)),
  row('condition', 'N [EXPR]: stop only if it is not 0', condition),
  row('continue c', '[N] to the next stop', goer(false), true),
  row('reverse-continue rc', '[N] back to the stop before', goer(true), true),
  row('step s', '[N] lines, into functions', stepper('line', false), true),
  row('reverse-step rs', '[N] lines back', stepper('line', true), true),
  row('next n', '[N] lines, over calls', stepper('line-over', false), true),
  row('reverse-next rn', '[N] lines back, over calls', stepper('line-over', true), true),
  row('stepi si', '[N] instructions of the thread', stepper('instruction', false), true),
  row('reverse-stepi rsi', '[N] instructions back', stepper('instruction', true), true),
  row('nexti ni', '[N] instructions, over calls', stepper('instruction-over', false), true),
  row('reverse-nexti rni', '[N] instructions back', stepper('instruction-over', true), true),
  row('finish fin', 'out of the selected frame, with what its function returns', finish, true),
  row('reverse-finish', 'back to the call of the function', stepper('out', true), true),
  row('until advance', 'PLACE: on to there', until),
  row('starti', 'to the start of the run', (state) => seek(state, 'start')),
  row('start', 'from the start of the run to main', starter),
  row('run r', 'from the start of the run to the first stop', async (state) => {
    await toStart(state)
    await goer(false)(state, '')
  }),
  row('syscall', '[N] to the end of the next system call of any thread', stepper('call', false), true),
  row('reverse-syscall', '[N] back to before the last one ended', stepper('call', true), true),
  row('switch', '[N] to where the next thread gets its turn', stepper('switch', false), true),
  row('reverse-switch', '[N] back to before the last one did', stepper('switch', true), true),
  row('moment', 'which moment this is', past.moment),
  row('seek goto', '@N | +N | -N | start | end | power: go to a moment', seek),
  row('power', 'when power was lost, and what was not on the disk then', past.power),
  row('heap', '[live | peak | total | blocks] [N]: what is allocated, by stack', past.heap),
  row(
    'last-write',
    '[-x] EXPR | ADDRESS [SIZE]: who wrote it last (-x: or left it as it was, in a long run)',
    past.lastWrite,
  ),
  row('who', 'ADDRESS: mapping, symbol, stack', who),
  row('find', '"TEXT" | [SIZE] NUMBER | hex DIGITS: where it is in memory, and what it may be', find),
  row(
    'history',
    '[-r] EXPR | ADDRESS [SIZE]: whose it was, and who wrote it (-r: or read it) up to this moment',
    history,
  ),
  row('why', '[EXPR] where a value came from; the address of the crash without one', why),
  row('lines', 'FILE:A-B | FUNCTION [if EXPR]: how often lines and branches were executed up to this moment', lines),
  row('threads', '[N | EXPR] the last turns of threads, or accesses to EXPR, one column a thread', past.turns),
  row('out', 'what the program has written so far, and when', past.output),
  row('backtrace bt where', '[N | -N | full] the stack', look.backtrace),
  row('frame f', '[N | function NAME | apply all COMMAND] select a frame', look.framer(false)),
  row('select-frame', 'the same, without a word', look.framer(true)),
  row('up', '[N] towards the callers', look.mover(1), true),
  row('down dow', '[N] towards the callees', look.mover(-1), true),
  row('up-silently', '', look.mover(1, true)),
  row('down-silently', '', look.mover(-1, true)),
  row('thread t', 'N | find NAME | apply all COMMAND', look.thread),
  row('taas', 'COMMAND: in all threads in which it can be done', look.everywhere(['threads'])),
  row('tfaas', 'COMMAND: in all frames of all threads', look.everywhere(['threads', 'frames'])),
  row('faas', 'COMMAND: in all frames', look.everywhere(['frames'])),
  row('handle', 'SIGNAL stop | nostop …: whether the run stops at it', handler),
  row('with', 'SETTING [VALUE] -- COMMAND: with that setting', withSetting),
  row('print p inspect', '[/FORMAT] EXPR: which may call functions of the program, in a clone', look.print),
  row('call', 'EXPR: the same, without the value of a function that has none', look.call),
  row('display', '[/FORMAT] EXPR: shown at each stop', display),
  row('undisplay', '[N…] not any more', undisplay),
  row('output', 'EXPR: its value alone', output),
  row('printf', '"FORMAT", EXPR…', printf),
  row('x', '[/COUNT FORMAT SIZE] EXPR: memory', examine, true),
  row('whatis', 'EXPR: its type', look.typer(false)),
  row('ptype', 'EXPR | TYPE: the type written out', look.typer(true)),
  row('declare', 'C declarations, for memory without debugging information', past.declare),
  row('list l', '[LINE | FUNCTION | FILE:LINE | FIRST,LAST | -] source lines', look.list, true),
  row('search forward-search fo', 'REGEXP: the next line that it fits', searcher(1)),
  row('reverse-search rev', 'REGEXP: the one before', searcher(-1)),
  row('disassemble disas', '[/s /r] [FUNCTION | START,END | START,+LENGTH]', disassemble),
  row('info i', `${INFO.map(({ name }) => name).join(', ')}`, (state, args, execute) => info(state, args, execute)),
  row('set', 'print pretty on | off, listsize N; what has happened cannot be set', set),
  row('monitor', 'COMMAND: the same as COMMAND, as scripts for --gdb have it', (_state, args, execute) =>
    execute(args),
  ),
  row('echo', 'TEXT', async (state, args) => state.say(args.replaceAll('\\n', '\n'))),
  row('help h', '[COMMAND]', help),
]

/** The row that `word` means: a name, an abbreviation, or a beginning that only one name has. */
export function rowNamed(word: string, rows: readonly Row[]): Row {
  const exact = rows.find(({ name, also }) => name === word || also?.includes(word))
  if (exact !== undefined) return exact
  const begin = rows.filter(({ name }) => name.startsWith(word))
  if (begin.length === 1) return begin[0]!
  const advice = adviceFor(word)
  if (advice !== null) throw refusal(`${word}: ${advice[0]}`, advice[1])
  if (begin.length === 0) throw refusal(`Undefined command: "${word}".`, 'help lists the commands')
  throw refusal(`Ambiguous command "${word}": ${begin.map(({ name }) => name).join(', ')}.`)
}

async function info(state: State, args: string, execute: (command: string) => Promise<void>): Promise<void> {
  const [, word, rest] = /^(\S*)\s*(.*)$/s.exec(args)!
  if (word === '') throw refusal(`info: one of ${INFO.map(({ name }) => name).join(', ')}`)
  await rowNamed(word!, INFO).action(state, rest!, execute)
}

/** gdb's settings that scripts have at their top mean nothing here, but for two. */
async function set(state: State, args: string): Promise<void> {
  const [, on] = /^p(?:rint)? pretty\b *(on|off)?$/.exec(args) ?? []
  if (/^p(?:rint)? pretty\b/.test(args)) {
    state.how = { ...state.how, pretty: on !== 'off' }
    return
  }
  const [, name, value] = /^p(?:rint)? +(elements|object)\b *(\S*)$/.exec(args) ?? []
  if (name !== undefined) {
    state.how = { ...state.how, ...look.setting(name, value === '' ? 'on' : value!) }
    return
  }
  const [, size] = /^listsize +(\d+)$/.exec(args) ?? []
  if (size !== undefined) {
    state.listSize = Math.max(1, Number(size))
    return
  }
  if (SETTINGS.test(args)) return
  const variable = /^(?:var(?:iable)? +)?(\$\w+ *[-+*/%&|^<>]*=[^=].*)$/s.exec(args)?.[1]
  if (variable !== undefined && !(await isRegister(state, variable))) {
    await state.remote.value(state.tid, state.level, variable, false)
    return
  }
  const { moment } = await state.remote.position()
  throw refusal(
    'what has happened cannot be changed',
    `a clone can: lemming branch FAILURE@${moment} --same-schedule --set '${args.replace(/^var(iable)?\s+/, '')}'`,
  )
}

async function isRegister({ remote, tid }: State, text: string): Promise<boolean> {
  const [, name] = /^\$(\w+)/.exec(text)!
  return (
    /^(pc|sp|fp|[re]?[abcd][xhl]|[er]?([sd]i|[bs]p))$/.test(name!) ||
    (await remote.registers(tid)).some((one) => one.name === name)
  )
}

const SETTINGS =
  /^(pagination|confirm|width|height|p(rint)?|style|logging|history|disassembly-flavor|debuginfod|disable-randomization|scheduler-locking|non-stop|follow-fork-mode|detach-on-fork|breakpoint|can-use-hw-watchpoints|language|verbose|trace-commands|max-value-size|auto-load|python|backtrace|sysroot|solib-search-path|substitute-path|debug-file-directory|startup-with-shell|args|env(ironment)?|cwd|complaints|remotetimeout|exec-direction)\b/

/** `with print pretty on -- COMMAND`. */
async function withSetting(state: State, args: string, execute: (command: string) => Promise<void>): Promise<void> {
  const [, setting, command] = /^(.*?) +-- +(.*)$/s.exec(args) ?? []
  if (setting === undefined) throw refusal('with: SETTING [VALUE] -- COMMAND is expected')
  const { how, listSize } = state
  try {
    await set(state, setting)
    await execute(command!)
  } finally {
    Object.assign(state, { how, listSize })
  }
}

const EXPRESSIONS = `Expressions are those of C, with what gdb adds: x@5, {type} 0x1000, file.c::name in quotes, $rax, $1, $name.
C++: a::b, this, casts, v[3], *pointer, it->first, size(), "text" compared with a string. Rust: paths, .0, as, enums, v[1], len().
A format goes before: print /x x. Functions are called in a clone. All of it: docs/expressions.md.
`

async function help(state: State, args: string): Promise<void> {
  if (args === 'expressions') return state.say(EXPRESSIONS)
  const rows = args === '' ? COMMANDS : [rowNamed(args, COMMANDS)]
  const width = Math.max(...rows.map(({ name, also = [] }) => [name, ...also].join(', ').length))
  for (const { name, also = [], help: text } of rows)
    state.say(`${[name, ...also].join(', ').padEnd(width)}  ${text}\n`)
  if (args === '') state.say(`${'quit, q'.padEnd(width)}  or the end of input\n`)
}

/** Words that can complete a line: commands, and what `info` takes. */
export function wordsFor(line: string): string[] | null {
  const [, before, last] = /^(.*?)(\S*)$/s.exec(line)!
  if (before === '') return [...COMMANDS.map(({ name }) => name), 'quit'].filter((name) => name.startsWith(last!))
  if (/^(i|info) +$/.test(before!)) return INFO.map(({ name }) => name).filter((name) => name.startsWith(last!))
  return null
}
