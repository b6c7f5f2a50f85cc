/** Exists to put answers about the past of a run into words: the same in the conversation of `lemming replay` and on the command line. */
import type {
  AccessesInfo,
  AccessInfo,
  LinesInfo,
  OwnerInfo,
  SiteInfo,
  SourceSpot,
  TurnInfo,
  WhyStep,
} from '../session/protocol.ts'
import type { Place } from '../tool/finding.ts'

/** `damage () at corrupt.c:26`. */
export function placeText({ address, function: name, file, line, module }: Place): string {
  const what = name === undefined ? address : `${name} ()`
  if (file !== undefined) return `${what} at ${baseName(file)}:${line ?? '?'}`
  return module === undefined ? what : `${what} from ${baseName(module)}`
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Bytes as a value of a type, as far as that can be said in a word. */
function bytesText(bytes: Uint8Array | null, type: string): string {
  if (bytes === null) return '<not mapped>'
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'))
  if (bytes.length === 0 || bytes.length > 8) return hex.length > 24 ? `${hex.slice(0, 24).join(' ')} …` : hex.join(' ')
  const value = BigInt(`0x${hex.toReversed().join('')}`)
  const plain = type.replaceAll(/\b(const|volatile|_Atomic)\b/g, '').trim()
  if (/\*$|^$/.test(plain)) return `0x${value.toString(16)}`
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (plain === 'double') return String(view.getFloat64(0, true))
  if (plain === 'float') return String(view.getFloat32(0, true))
  return /unsigned|^size_t$|^uint\d+_t$|^uintptr_t$|^_Bool$|^bool$/.test(plain)
    ? String(value)
    : String(BigInt.asIntN(8 * bytes.length, value))
}

/** `3 times`. */
function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

/** Lines of a file with their counts, and the outcomes of branches below them. `source` are the lines of the file, if it is there. */
export function linesText({ file, from, to, until, lines }: LinesInfo, source: readonly string[] | null): string {
  const out = [`${file}, lines ${from} to ${to}, up to @${until}`, `${'times'.padStart(10)}  ${'line'.padStart(5)}`]
  const known = new Map(lines.map((one) => [one.line, one]))
  const last = source === null ? to : Math.min(to, source.length)
  for (let line = from; line <= last; line++) {
    const one = known.get(line)
    if (one === undefined && source === null) continue
    const count = one === undefined ? '' : one.times === 0 ? 'never' : String(one.times)
    out.push(`${count.padStart(10)}  ${String(line).padStart(5)}  ${source?.[line - 1] ?? ''}`.trimEnd())
    for (const { taken, passed, to: where, next } of one?.branches ?? []) {
      const ways = [
        { ...where, count: taken },
        { ...next, count: passed },
      ].map((way) => `${way.count === 0 ? 'never' : times(way.count)} to ${lineName(way, line)}`)
      out.push(`${''.padStart(19)}└ ${ways.join(', ')}`)
    }
  }
  return `${out.join('\n')}\n`
}

/** A place as seen from a line: within the line by its column. */
function lineName({ file, line, column }: SourceSpot, here: number): string {
  if (line === undefined) return 'code without lines'
  if (file !== undefined) return `${baseName(file)}:${line}`
  return line === here && column !== undefined ? `column ${column}` : `line ${line}`
}

/** Places that touched some memory, with counts. */
function sitesText(sites: readonly SiteInfo[], withReads: boolean): string {
  if (sites.length === 0) return ''
  const head = `${withReads ? `${'reads'.padStart(10)} ` : ''}${'writes'.padStart(10)}  by\n`
  const rows = sites.map(({ place, text, reads, writes, threads }) => {
    const tids = threads.map(({ tid }) => tid)
    const who =
      tids.length === 1 ? `thread ${tids[0]}` : `threads ${tids.slice(0, 6).join(', ')}${tids.length > 6 ? ', …' : ''}`
    const counts = `${withReads ? `${String(reads).padStart(10)} ` : ''}${String(writes).padStart(10)}`
    return `${counts}  ${placeText(place)}, ${who}${text === null ? '' : `   ${text}`}\n`
  })
  return head + rows.join('')
}

/** The history of some memory: whose it was, who wrote it, and from where. */
export function historyText(
  text: string,
  info: AccessesInfo,
  owners: readonly OwnerInfo[],
  withReads: boolean,
): string {
  const { ranges, type, writes, reads, until, shown, sites } = info
  const [first] = ranges
  const where = ranges.length === 1 ? `at 0x${first!.address.toString(16)}` : `in ${ranges.length} places`
  const size = `${first!.size} byte${first!.size === 1 ? '' : 's'} ${where}`
  const counts = withReads ? `${reads} reads and ${writes} writes` : writes === 1 ? '1 write' : `${writes} writes`
  let out = `${text} (${type === '' ? '' : `${type}, `}${size}): ${counts} up to @${until}\n`
  if (owners.length > 0) out += `whose it was:\n${owners.map(ownerText).join('')}`
  const those = shown.filter(({ store }) => store || withReads)
  if (those.length > 0) {
    const all = those.length === (withReads ? reads + writes : writes)
    out += `${all ? 'who wrote it' : `the last ${those.length}`}:\n${those.map((one) => accessText(one, type)).join('')}`
  }
  if (sites.length > 0) out += `from where:\n${sitesText(sites, withReads)}`
  return out
}

function ownerText({ kind, moment, tid, address, size, by, calls }: OwnerInfo): string {
  const range = `0x${address.toString(16)}, ${size} bytes`
  const from = calls.length === 0 ? '' : ` called by ${calls.join(' < ')}`
  const what = kind === 'allocated' || kind === 'freed' ? `${kind} by ${by}${from}` : `${kind} ${by}`
  return `${`@${moment}`.padStart(14)}  thread ${tid}  ${what} (${range})\n`
}

function accessText({ moment, tid, store, byKernel, before, after, calls, text }: AccessInfo, type: string): string {
  const value = store ? `${bytesText(before, type)} → ${bytesText(after, type)}` : `reads ${bytesText(before, type)}`
  const source = text === null ? '' : `\n${''.padStart(16)}${text}`
  const who = byKernel ? ' (by a system call)' : ''
  return `${`@${moment}`.padStart(14)}  thread ${tid}${who}  ${value}  ${calls.join(' < ')}${source}\n`
}

/** A table of what threads did: one column a thread, one row a step. */
export interface Interleaving {
  tids: number[]
  rows: { moment: number; tid: number; cell: string }[]
}

/** Accesses to some memory as such a table. */
export function interleavingOf({ shown, type }: AccessesInfo): Interleaving {
  const rows = shown.map(({ moment, tid, store, place, before, after }) => ({
    moment,
    tid,
    cell: `${store ? `${bytesText(before, type)} → ${bytesText(after, type)}` : `reads ${bytesText(before, type)}`}  ${placeText(place)}`,
  }))
  return { tids: tidsOf(rows), rows }
}

/** Turns of threads as such a table. */
export function turnsTable(turns: readonly TurnInfo[]): Interleaving {
  const rows = turns.map(({ from, to, tid, place }) => ({
    moment: from,
    tid,
    cell: `${to - from} instruction${to - from === 1 ? '' : 's'} from ${placeText(place)}`,
  }))
  return { tids: tidsOf(rows), rows }
}

function tidsOf(rows: readonly { tid: number }[]): number[] {
  return [...new Set(rows.map(({ tid }) => tid))].toSorted((a, b) => a - b)
}

/** The table for a terminal, or in Markdown. */
export function interleavingText({ tids, rows }: Interleaving, markdown: boolean): string {
  if (markdown) {
    const line = (cells: readonly string[]): string =>
      `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
    const cells = rows.map(({ moment, tid, cell }) =>
      line([`@${moment}`, ...tids.map((one) => (one === tid ? cell : ''))]),
    )
    return (
      line(['moment', ...tids.map((tid) => `thread ${tid}`)]) +
      line(['---:', ...tids.map(() => '---')]) +
      cells.join('')
    )
  }
  const widths = tids.map((tid) =>
    Math.max(`thread ${tid}`.length, ...rows.filter((row) => row.tid === tid).map(({ cell }) => cell.length)),
  )
  const line = (moment: string, cells: readonly string[]): string =>
    `${moment.padStart(14)}  ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd()
  return [
    line(
      'moment',
      tids.map((tid) => `thread ${tid}`),
    ),
    ...rows.map(({ moment, tid, cell }) =>
      line(
        `@${moment}`,
        tids.map((one) => (one === tid ? cell : '·')),
      ),
    ),
    '',
  ].join('\n')
}

/** The way of a value, from its end back to its beginning. */
export function whyText(steps: readonly WhyStep[]): string {
  return steps
    .map(({ moment, tid, what, value, place, text, instruction }, i) => {
      const shown = value === null || what.includes(value) ? '' : `: ${value}`
      const line = text ?? instruction ?? ''
      return `#${String(i).padEnd(3)} @${moment} thread ${tid}  ${what}${shown}\n     ${placeText(place)}${line === '' ? '' : `   ${line}`}\n`
    })
    .join('')
}
