/** Exists to write a frame in the one line that people know from gdb. */

import type { InspectedFrame } from './frame.ts'
import type { NamedValue } from './variables.ts'

/**
 * `#1  0x… in add (a=1, b=0x…) at calc.c:12`. The address is left out where the frame stands at the start of a line. Without `list`
 * no arguments are written.
 */
export function frameText(frame: InspectedFrame, list: readonly NamedValue[] | undefined, withLevel: boolean): string {
  const level = withLevel ? `#${frame.level}`.padEnd(4) : ''
  if (frame.signalFrame) return `${level}<signal handler called>`
  const { pc, file, line, module } = frame
  const name = frame.name ?? '??'
  const address = !frame.isLineStart && !frame.holdsInlined ? `0x${pc.toString(16).padStart(16, '0')} in ` : ''
  const values = list === undefined ? '' : list.map((one) => `${one.name}=${argumentText(one)}`).join(', ')
  const place =
    file !== undefined
      ? ` at ${file}${line === undefined ? '' : `:${line}`}`
      : module === undefined
        ? ''
        : ` from ${module}`
  return `${level}${address}${name} (${values})${place}`
}

function argumentText({ text, name }: NamedValue): string {
  const prefix = `<error reading variable ${name} (`
  return text.startsWith(prefix) ? `<error reading variable: ${text.slice(prefix.length, -2)}>` : text
}
