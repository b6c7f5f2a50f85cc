/** Exists to write findings as memcheck does with --xml=yes (protocol 4), for the tools that read that. */
import type { BlockReport, Finding, Frame, LeakSummary, Stack } from '../tool/finding.ts'
import type { SuppressionUse } from '../tool/suppression.ts'

/** What surrounds the findings of a run. */
export interface XmlContext {
  /** Version of lemming. */
  version: string
  program: string
  args: readonly string[]
  options: readonly string[]
  pid: number
  /** Virtual nanoseconds. */
  elapsed: number
  leaks: LeakSummary | null
  suppressions: readonly SuppressionUse[]
}

/** The document: findings without a name of Valgrind's are left out, but for a fatal signal. */
export function reportXml(findings: readonly Finding[], crash: Finding | null, context: XmlContext): string {
  const told = findings.filter(({ valgrind }) => valgrind !== undefined)
  const { program, args, options, pid, version, elapsed } = context
  const lines = [
    '<?xml version="1.0"?>',
    '',
    '<valgrindoutput>',
    '',
    '<protocolversion>4</protocolversion>',
    '<protocoltool>memcheck</protocoltool>',
    '',
    '<preamble>',
    `  <line>lemming ${text(version)}</line>`,
    '</preamble>',
    '',
    `<pid>${pid}</pid>`,
    '<ppid>1</ppid>',
    '<tool>memcheck</tool>',
    '',
    '<args>',
    '  <vargv>',
    '    <exe>lemming</exe>',
    ...options.map((option) => `    <arg>${text(option)}</arg>`),
    '  </vargv>',
    '  <argv>',
    `    <exe>${text(program)}</exe>`,
    ...args.map((arg) => `    <arg>${text(arg)}</arg>`),
    '  </argv>',
    '</args>',
    '',
    ...status('RUNNING', 0),
    ...told.flatMap((finding, i) => (finding.leak === undefined ? errorLines(finding, i) : [])),
    ...(crash?.signal === undefined ? [] : fatalLines(crash)),
    ...status('FINISHED', elapsed),
    ...told.flatMap((finding, i) => (finding.leak === undefined ? [] : errorLines(finding, i))),
    '<errorcounts>',
    ...told.flatMap(countLines),
    '</errorcounts>',
    '',
    '<suppcounts>',
    ...context.suppressions.flatMap(suppressionLines),
    '</suppcounts>',
    '',
    '</valgrindoutput>',
    '',
  ]
  return lines.join('\n')
}

function suppressionLines({ name, times }: SuppressionUse): string[] {
  return times === 0 ? [] : ['  <pair>', `    <count>${times}</count>`, `    <name>${text(name)}</name>`, '  </pair>']
}

/** Valgrind counts no leaks here. */
function countLines({ times = 1, leak }: Finding, index: number): string[] {
  const pair = ['  <pair>', `    <count>${times}</count>`, `    <unique>${unique(index)}</unique>`, '  </pair>']
  return leak === undefined ? pair : []
}

function unique(index: number): string {
  return `0x${index.toString(16)}`
}

/** `00:00:00:00.051`, as Valgrind prints days, hours, minutes, seconds and milliseconds. */
function status(state: string, ns: number): string[] {
  const ms = Math.floor(ns / 1e6)
  const part = (unit: number, size: number, digits: number): string =>
    String(Math.floor(ms / unit) % size).padStart(digits, '0')
  const time = `${part(86_400_000, 100, 2)}:${part(3_600_000, 24, 2)}:${part(60_000, 60, 2)}:${part(1000, 60, 2)}.${part(1, 1000, 3)}`
  return ['<status>', `  <state>${state}</state>`, `  <time>${time}</time>`, '</status>', '']
}

function errorLines(finding: Finding, index: number): string[] {
  const { thread, valgrind, what, leak, block, origin, memory } = finding
  const lines = [
    '<error>',
    `  <unique>${unique(index)}</unique>`,
    `  <tid>${thread === undefined ? 1 : thread.tid - thread.pid + 1}</tid>`,
  ]
  if (thread !== undefined) lines.push(`  <threadname>${text(thread.name)}</threadname>`)
  lines.push(`  <kind>${valgrind}</kind>`)
  if (leak === undefined) lines.push(`  <what>${text(what)}</what>`)
  else
    lines.push(
      '  <xwhat>',
      `    <text>${text(what)}</text>`,
      `    <leakedbytes>${leak.bytes + leak.indirectBytes}</leakedbytes>`,
      `    <leakedblocks>${leak.blocks + leak.indirectBlocks}</leakedblocks>`,
      '  </xwhat>',
    )
  if (thread !== undefined) lines.push(...stackLines(thread.stack))
  if (origin !== undefined) lines.push(`  <auxwhat>undefined: ${text(origin.what)}</auxwhat>`)
  if (memory !== undefined) lines.push(`  <auxwhat>Address ${memory.address} is ${text(memory.what)}</auxwhat>`)
  if (block !== undefined && leak === undefined) lines.push(...blockLines(block))
  return [...lines, '</error>', '']
}

function blockLines({ address, size, allocated, freed }: BlockReport): string[] {
  const call = (what: string, stack: Stack | undefined): string[] => [
    `  <auxwhat>${text(what)}</auxwhat>`,
    ...(stack === undefined ? [] : stackLines(stack)),
  ]
  return [
    ...(freed === undefined ? [] : call(`Block ${address} of size ${size} was freed with ${freed.by}`, freed.stack)),
    ...call(`Block ${address} of size ${size} was alloc'd with ${allocated.by}`, allocated.stack),
  ]
}

function fatalLines({ signal, thread }: Finding): string[] {
  const { number, name, code, address } = signal!
  return [
    '<fatal_signal>',
    `  <tid>${thread === undefined ? 1 : thread.tid - thread.pid + 1}</tid>`,
    `  <signo>${number}</signo>`,
    `  <signame>${name}</signame>`,
    `  <sicode>${code}</sicode>`,
    `  <siaddr>${address}</siaddr>`,
    ...(thread === undefined ? [] : stackLines(thread.stack)),
    '</fatal_signal>',
    '',
  ]
}

function stackLines({ frames }: Stack): string[] {
  return ['  <stack>', ...frames.flatMap(frameLines), '  </stack>']
}

function frameLines({ address, module, function: name, file, line }: Frame): string[] {
  const slash = file?.lastIndexOf('/') ?? -1
  const fields: [string, string | undefined][] = [
    ['ip', address.replace(/^0x(.*)$/, (_, digits: string) => `0x${digits.toUpperCase()}`)],
    ['obj', module],
    ['fn', name],
    ['dir', slash > 0 ? file!.slice(0, slash) : undefined],
    ['file', file?.slice(slash + 1)],
    ['line', line === undefined ? undefined : String(line)],
  ]
  const known = fields.filter(([, value]) => value !== undefined)
  return ['    <frame>', ...known.map(([tag, value]) => `      <${tag}>${text(value!)}</${tag}>`), '    </frame>']
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Text without what XML does not allow. */
function text(value: string): string {
  return value.replace(/[&<>]/g, (sign) => ENTITIES[sign]!).replace(/\p{Cc}/gu, '?')
}
