/** Exists to read descriptions of a program's own allocation functions: `--alloc` and `--free`. */
import { InvalidArgumentError } from 'commander'
import type { CustomFunction } from '../tool/allocator-spec.ts'

const FIELDS = ['size', 'count', 'ptr', 'pool'] as const

/** The most arguments that are passed in registers. */
const MOST = 6

/** A parser of `NAME:size=0,count=1` for functions that return blocks, or of `NAME:ptr=0` for those that take them back. */
export function allocatorParser(frees: boolean): (text: string, before: CustomFunction[]) => CustomFunction[] {
  return (text, before) => [...before, parse(text, frees)]
}

function parse(text: string, frees: boolean): CustomFunction {
  const colon = text.lastIndexOf(':')
  const forms = frees ? 'NAME:ptr=N or NAME:pool=N' : 'NAME:size=N, with count=N, zeroed, ptr=N, pool=N behind commas'
  const wrong = (what: string): Error => new InvalidArgumentError(`${what} It takes ${forms}; arguments count from 0.`)
  if (colon < 1) throw wrong('There are no arguments.')
  const described: CustomFunction = { fn: text.slice(0, colon), frees }
  for (const part of text.slice(colon + 1).split(',')) {
    if (part === 'zeroed' && !frees) {
      described.zeroed = true
      continue
    }
    const [, name, number] = /^(\w+)=(\d+)$/.exec(part) ?? []
    const field = FIELDS.find((one) => one === name)
    if (field === undefined || Number(number) >= MOST) throw wrong(`'${part}' is none.`)
    described[field] = Number(number)
  }
  const lacks = frees ? described.ptr === undefined && described.pool === undefined : described.size === undefined
  if (lacks) throw wrong(`${described.fn}: ${frees ? 'neither ptr nor pool' : 'no size'} is given.`)
  return described
}

/** The words that say the same. */
export function allocatorWords(functions: readonly CustomFunction[]): string[] {
  return functions.flatMap((one) => {
    const fields = FIELDS.filter((field) => one[field] !== undefined).map((field) => `${field}=${one[field]}`)
    if (one.zeroed === true) fields.push('zeroed')
    return [one.frees ? '--free' : '--alloc', `${one.fn}:${fields.join()}`]
  })
}
