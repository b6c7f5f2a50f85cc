/** Exists to read the questions that people ask of a catalogue, `kind=crash program=larson since=2d`, as conditions for SQL. */
import { LemmingError } from '../base/errors.ts'
import type { Condition } from './catalogue-failures.ts'

/** A field that can be asked for: its SQL, and what its values are. Names are those of the tables in catalogue-failures.ts. */
const FIELDS: Record<string, { sql: string; type: 'text' | 'number' | 'place' }> = {
  kind: { sql: 'f.kind', type: 'text' },
  what: { sql: 'f.what', type: 'text' },
  program: { sql: 'c.program', type: 'place' },
  bucket: { sql: "'B' || b.id", type: 'text' },
  title: { sql: 'b.title', type: 'text' },
  label: { sql: "coalesce(f.label, b.label, '')", type: 'text' },
  strategy: { sql: 'c.strategy', type: 'text' },
  cell: { sql: "ifnull(x.label, '')", type: 'text' },
  hunt: { sql: 'c.id', type: 'number' },
  seed: { sql: 'f.seed', type: 'number' },
  instructions: { sql: 'f.instructions', type: 'number' },
}

/** A part of a second, as `since=` understands it, in milliseconds. */
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads conditions. `=` and `!=` compare, `~` looks for a part of the text, `<` and `>` compare numbers; a program is meant by its path or by its
 * last part. `since=` and `before=` take a date (`2026-03-01`) or how long ago (`2d`).
 */
export function conditionsOf(
  words: readonly string[],
  now: number,
  attributes: ReadonlySet<string> = new Set(),
): Condition[] {
  const names = (): string => [...Object.keys(FIELDS), 'since', 'before', ...attributes].join(', ')
  return words.map((word) => {
    const [, field, operator, value] = /^(\w+)(!=|=|~|<|>)(.*)$/s.exec(word) ?? []
    if (field === undefined || value === undefined)
      throw wrong(word, `conditions look like kind=crash; fields are ${names()}`)
    if (field === 'since' || field === 'before') {
      if (operator !== '=') throw wrong(word, `say ${field}=2d or ${field}=2026-03-01`)
      return { sql: `f.created ${field === 'since' ? '>=' : '<'} ?`, values: [timeOf(word, value, now)] }
    }
    const known = FIELDS[field]
    if (known === undefined && attributes.has(field)) return attributeCondition(word, field, operator!, value)
    if (known === undefined) throw wrong(word, `fields are ${names()}`)
    if (known.type === 'number') {
      if (!/^\d+$/.test(value) || operator === '~')
        throw wrong(word, `${field} is a number: say ${field}=17 or ${field}>17`)
      return { sql: `${known.sql} ${operator} ?`, values: [Number(value)] }
    }
    if (operator === '<' || operator === '>')
      throw wrong(word, `${field} is no number: say ${field}=TEXT or ${field}~TEXT`)
    if (operator === '~') return { sql: `instr(lower(${known.sql}), lower(?)) > 0`, values: [value] }
    if (known.type === 'place' && !value.includes('/')) {
      // Another name may end in the same letters, but not behind a slash.
      return {
        sql: `${operator === '!=' ? 'NOT ' : ''}(${known.sql} = ? OR ${known.sql} LIKE '%/' || ?)`,
        values: [value, value],
      }
    }
    return { sql: `${known.sql} ${operator} ?`, values: [value] }
  })
}

/** Attributes are compared as numbers where that is what is asked for, and else as `print` writes them. */
function attributeCondition(word: string, name: string, operator: string, value: string): Condition {
  const having = (test: string, ...values: (string | number)[]): Condition => ({
    sql: `f.id IN (SELECT failure FROM attributes WHERE name = ? AND (${test}))`,
    values: [name, ...values],
  })
  if (operator === '~') return having('instr(lower(value), lower(?)) > 0', value)
  const number = value.trim() === '' ? NaN : Number(value)
  if (Number.isFinite(number)) return having(`number ${operator} ?`, number)
  if (operator === '<' || operator === '>') throw wrong(word, `say a number: ${name}>17`)
  return having(`value ${operator} ?`, value)
}

/** Whether conditions have a field of that name already. */
export function isField(name: string): boolean {
  return name in FIELDS || name === 'since' || name === 'before'
}

function timeOf(word: string, value: string, now: number): number {
  const [, digits, unit] = /^(\d+)([smhd])$/.exec(value) ?? []
  if (digits !== undefined) return now - Number(digits) * UNITS[unit!]!
  const at = Date.parse(value)
  if (Number.isNaN(at)) throw wrong(word, 'it takes a date such as 2026-03-01, or how long ago, such as 2d')
  return at
}

function wrong(word: string, next: string): LemmingError {
  return new LemmingError('usage', `${word}: no condition that lemming understands`, next)
}
