/** Exists to define the documents of the commands that ask about the past of a run. */
import { z } from 'zod'

const count = z.int().min(0)
const address = z.string().regex(/^0x[0-9a-f]+$/)
const moment = count.describe('instructions executed')
const bytes = z.string().nullable().describe('hexadecimal digits, in the order of memory; null where nothing is mapped')

/** Documents by command; `place` and `ending` are the shapes of a place in the program and of how a run ended. */
export function questionSchemas<P extends z.ZodType, E extends z.ZodType>(place: P, ending: E) {
  const head = { lemming: z.string().describe('version'), format: z.literal(1) }
  const spot = z
    .object({ file: z.string().optional(), line: count.optional(), column: count.optional() })
    .describe('without a file: in the file of the lines')
  const access = z.object({
    moment: moment.describe('of a write: shows it; the one before still has what was there'),
    tid: z.int(),
    store: z.boolean(),
    byKernel: z.boolean(),
    address,
    bytes: count,
    place,
    text: z.string().nullable().describe('the source line'),
    calls: z.array(z.string()).describe('functions, the innermost first'),
    before: bytes,
    after: bytes,
  })
  const site = z.object({
    place,
    text: z.string().nullable(),
    reads: count,
    writes: count,
    threads: z.array(z.object({ tid: z.int(), reads: count, writes: count })),
    first: moment,
    last: moment,
  })
  const lines = z.object({
    ...head,
    command: z.literal('lines'),
    file: z.string(),
    pid: z.int(),
    from: count,
    to: count,
    until: moment,
    lines: z
      .array(
        z.object({
          line: count,
          times: count,
          threads: z.array(z.object({ tid: z.int(), times: count })),
          branches: z.array(
            z.object({ address, mnemonic: z.string(), taken: count, passed: count, to: spot, next: spot }),
          ),
        }),
      )
      .describe('lines that have code'),
  })
  const history = z.object({
    ...head,
    command: z.literal('history'),
    expression: z.string(),
    type: z.string(),
    ranges: z.array(z.object({ address, size: count })),
    until: moment,
    reads: count,
    writes: count,
    owners: z.array(
      z.object({
        kind: z.enum(['mapped', 'unmapped', 'protected', 'allocated', 'freed']),
        moment,
        tid: z.int(),
        address,
        size: count,
        by: z.string(),
        calls: z.array(z.string()),
      }),
    ),
    sites: z.array(site).describe('all lines that accessed it, the most frequent first'),
    accesses: z.array(access).describe('the last ones'),
  })
  const threads = z.object({
    ...head,
    command: z.literal('threads'),
    expression: z.string().nullable().describe('null: turns of the threads'),
    threads: z.array(z.int()),
    rows: z.array(z.object({ moment, tid: z.int(), cell: z.string() })),
  })
  const sum = z.object({ bytes: count, blocks: count })
  const sums = {
    live: sum.describe('at the moment'),
    peak: sum.describe('when most bytes were live'),
    total: sum.describe('allocated in the whole run'),
    freed: sum.describe('given back in the whole run'),
  }
  const heap = z.object({
    ...head,
    command: z.literal('heap'),
    pid: z.int(),
    program: z.string(),
    until: moment.describe('the moment for which `live` is'),
    peakAt: moment.describe('the first at which most bytes were live'),
    by: z.enum(['live', 'peak', 'total', 'blocks']),
    sums: z.object(sums).describe('of all stacks'),
    left: count.describe('stacks that are not told'),
    stacks: z.array(
      z.object({
        by: z.string().describe('the allocation function'),
        frames: z
          .array(z.object({ place, text: z.string().nullable().describe('the source line'), inlined: z.boolean() }))
          .describe('its callers, the innermost first'),
        ...sums,
      }),
    ),
  })
  const why = z.object({
    ...head,
    command: z.literal('why'),
    expression: z.string().nullable(),
    steps: z
      .array(
        z.object({
          kind: z.enum(['fault', 'load', 'store', 'constant', 'computed', 'system-call', 'origin']),
          moment: moment.describe('before the instruction'),
          pid: z.int(),
          tid: z.int(),
          what: z.string(),
          value: address.nullable(),
          place,
          text: z.string().nullable(),
          instruction: z.string().nullable(),
        }),
      )
      .describe('from where the value was found back to where it came from'),
  })
  const branch = z.object({
    ...head,
    command: z.literal('branch'),
    failure: z.string(),
    moment,
    lemmings: z.array(
      z.object({
        seed: count.nullable().describe('null: scheduled as the run was'),
        moment,
        ending: ending.nullable(),
        error: z.string().nullable(),
        hash: z.string(),
        place: place.nullable(),
      }),
    ),
    kept: z.array(z.object({ seed: count, path: z.string() })),
  })
  return { lines, history, threads, heap, why, branch }
}
