/** Exists to answer what location expressions ask of a frame: registers, memory, frame base, values at entry, thread-local storage. */

import { LemmingError } from '../../base/errors.ts'
import { DW_AT, DW_TAG } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { LocationContext } from '../locations/expression.ts'
import { compute, locate } from '../locations/expression.ts'
import { findInLocationList } from '../locations/list.ts'
import type { Location } from '../locations/location.ts'
import { optimizedOut } from '../locations/location.ts'
import { bitsOf } from '../locations/typed.ts'
import type { LoadedModule, Symbolizer } from '../symbolizer.ts'
import type { InspectedFrame } from './frame.ts'
import { definitionOf, findCallSite, isSameFunction, targetOf } from './calls.ts'
import { functionAt } from './function-at.ts'
import type { ThreadState } from './thread.ts'
import { otherRegisterName, readAll, registerBytes } from './thread.ts'
import { threadLocalAddress } from './thread-local.ts'

/** What is known of a register of a frame; undefined where it is lost. */
export function frameRegister(frame: InspectedFrame, number: number): Uint8Array | undefined {
  if (number > 16) {
    const name = otherRegisterName(number)
    return name === undefined ? undefined : frame.thread.otherRegister?.(name)
  }
  if ((frame.machine.unknown & (1 << number)) !== 0) return undefined
  return registerBytes(frame.machine.registers, number)
}

function lost(what: string): LemmingError {
  return new LemmingError('expression-optimized-out', `value has been optimized out: ${what}`)
}

interface Where {
  readonly symbolizer: Symbolizer
  /** The object that the expression comes from. */
  readonly module: LoadedModule
  readonly thread: ThreadState | undefined
  readonly frame: InspectedFrame | undefined
  /** The value of a variable of the frame, as an integer. */
  readonly variable: (entry: Entry) => bigint
  readonly object?: number
}

/** A context for expressions of `module`; without a frame, only those that need none can be evaluated. */
export function locationContext(where: Where): LocationContext {
  const { symbolizer, module, frame, object } = where
  const thread = where.thread ?? frame?.thread
  const needFrame = (): InspectedFrame => {
    if (frame === undefined) throw new LemmingError('expression-frame', 'No frame selected.')
    return frame
  }
  const context: LocationContext = {
    bias: module.bias,
    object,
    register(number) {
      const bytes = frameRegister(needFrame(), number)
      if (bytes === undefined) throw lost(`register ${number} of this frame is not known`)
      return bytes
    },
    memory(address, size) {
      if (thread === undefined) throw new LemmingError('expression-frame', 'No frame selected.')
      return readAll(thread, address, size)
    },
    frameBase: () => frameBase(needFrame(), context),
    callFrame() {
      const { cfa } = needFrame()
      if (cfa === undefined) throw lost('the frame has no canonical address')
      return cfa
    },
    threadLocal(offset) {
      if (thread === undefined) throw new LemmingError('expression-frame', 'No thread selected.')
      return threadLocalAddress(symbolizer, module, thread, offset)
    },
    atEntry: (parameter) => entryValue(where, needFrame(), parameter),
    variable: where.variable,
  }
  return context
}

/** `DW_AT_frame_base` of the frame's function, which holds the machine code. */
function frameBase(frame: InspectedFrame, context: LocationContext): number {
  const subprogram = frame.blocks.length === 0 ? undefined : outermost(frame)
  const expression = subprogram && expressionOf(subprogram, DW_AT.frame_base, frame.lookup - context.bias)
  if (subprogram === undefined || expression === undefined) throw lost('its function has no frame base')
  const location = locate(expression, subprogram.file, subprogram.unit, context)
  if (location.kind === 'memory') return location.address
  if (location.kind === 'register') return Number(bitsOf(context.register(location.register)))
  if (location.kind === 'value') return Number(bitsOf(location.bytes))
  throw lost('its function has no frame base')
}

function outermost(frame: InspectedFrame): Entry {
  let block = frame.blocks[0]
  while (block.parent !== undefined) block = block.parent
  return block.entry
}

/** The expression of an attribute that is one, or a list of them, at `address` (without load bias). */
export function expressionOf(
  entry: Entry,
  attribute: number,
  address: number | undefined,
  isEntry = false,
): Uint8Array | undefined {
  const form = entry.form(attribute)
  if (form === undefined) return undefined
  const block = entry.block(attribute)
  if (block !== undefined) return block
  const value = entry.number(attribute)
  if (value === undefined || address === undefined) return undefined
  const { unit } = entry
  return findInLocationList(unit, form === 0x22 ? unit.indexedLocationList(value) : value, address, isEntry)
}

/** Where a variable is, in a frame or without one. */
export function locateEntry(entry: Entry, context: LocationContext, frame: InspectedFrame | undefined): Location {
  const located = entry.chain.find((one) => one.has(DW_AT.location))
  if (located === undefined) return optimizedOut
  const address = frame && frame.lookup - context.bias
  const isEntry = frame !== undefined && frame.blocks.length > 0 && outermost(frame).ranges?.[0] === address
  const expression = expressionOf(located, DW_AT.location, address, isEntry)
  return expression === undefined ? optimizedOut : locate(expression, located.file, located.unit, context)
}

/**
 * What a register or a parameter had when the frame's function was entered: computed in the caller, by what the call site says that it
 * passes (DWARF 5, 3.4). Throws `expression-optimized-out` where the caller does not say, or where the call was not of this function
 * (a tail call lies between).
 */
function entryValue(
  where: Where,
  frame: InspectedFrame,
  wanted: { register?: number; entry?: Entry; expression?: Uint8Array },
): bigint {
  const { symbolizer } = where
  const { tail } = frame
  if (tail !== undefined && frame.at !== undefined) {
    const value = passedBy(tail.site, wanted)
    if (value === undefined) throw lost('its caller does not say what it passed')
    return compute(
      value,
      tail.site.file,
      tail.site.unit,
      locationContext({ ...where, module: frame.at, frame: tail.frame }),
    )
  }
  const caller = frame.stack.frames[frame.physical + 1]
  if (caller === undefined || wanted.expression !== undefined || frame.machine.signalFrame || caller.signalFrame)
    throw lost('no caller says what it passed')
  const module = symbolizer.moduleAt(caller.lookup)
  const subprogram = module && functionAt(symbolizer.objectFile(module), caller.lookup - module.bias)
  if (module === undefined || subprogram === undefined) throw lost('no caller says what it passed')
  const site = findCallSite(subprogram, caller.pc - module.bias)
  if (site === undefined) throw lost('no caller says what it passed')
  const callee = outermost(frame)
  const target = targetOf(site)
  if (target !== undefined && !isSameFunction(definitionOf(symbolizer, module, target) ?? target, callee))
    throw lost('a tail call lies between it and its caller')
  const value = passedBy(site, wanted)
  if (value === undefined) throw lost('its caller does not say what it passed')
  const next = {
    ...frame,
    machine: caller,
    physical: frame.physical + 1,
    cfa: caller.cfa,
    lookup: caller.lookup,
    at: module,
    tail: undefined,
  }
  const blocks = [
    {
      entry: subprogram,
      ranges: [],
      isFunction: true,
      isInlined: false,
      parent: undefined,
      children: [],
      variables: [],
    },
  ]
  return compute(value, site.file, site.unit, locationContext({ ...where, module, frame: { ...next, blocks } }))
}

/** The expression of what a call site passes in a register, or for a parameter. */
function passedBy(site: Entry, wanted: { register?: number; entry?: Entry }): Uint8Array | undefined {
  for (const parameter of site.children) {
    if (parameter.tag !== DW_TAG.call_site_parameter && parameter.tag !== DW_TAG.GNU_call_site_parameter) continue
    const place = parameter.block(DW_AT.location)
    const byRegister = wanted.register !== undefined && place?.length === 1 && place[0] === 0x50 + wanted.register
    const named = parameter.reference(DW_AT.call_parameter) ?? parameter.reference(DW_AT.abstract_origin)
    const byName = wanted.entry !== undefined && named !== undefined && wanted.entry.chain.includes(named)
    if (byRegister || byName) return parameter.block(DW_AT.call_value) ?? parameter.block(DW_AT.GNU_call_site_value)
  }
  return undefined
}
