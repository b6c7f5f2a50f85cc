/** Exists to define the documents of the commands that look into the catalogue. */
import { z } from 'zod'

const count = z.int().min(0)
const time = z.string().describe('ISO 8601, UTC')

/** A range of rates. */
export const interval = z.object({ low: z.number(), high: z.number() }).describe("Wilson's 95 % interval of the rate")

/** Documents by command; `finding` is the shape of a finding. */
export function catalogueSchemas<F extends z.ZodType>(finding: F) {
  const head = { lemming: z.string().describe('version'), format: z.literal(1) }
  const bucket = z.object({
    name: z.string(),
    title: z.string(),
    label: z.string().nullable(),
    seen: count.describe('runs that ended in it'),
    runs: count.describe('runs of the hunts in which it was seen; 0 if its failures were brought in from elsewhere'),
    rate: z.number().nullable(),
    interval: interval.nullable(),
    first: time,
    last: time,
    instructions: count.describe('until the failure: the median'),
    failures: z.array(z.string()).describe('those that are kept'),
    program: z.string(),
  })
  const failure = z.object({
    name: z.string(),
    bucket: z.string(),
    hunt: count,
    cell: z.string().describe('of a matrix'),
    seed: count,
    kind: z.string(),
    what: z.string(),
    instructions: count,
    created: time,
    label: z.string().nullable(),
    program: z.string(),
    strategy: z.string(),
    attributes: z
      .record(z.string(), z.string().nullable())
      .describe('what hunt --attribute has taken, as print writes it'),
    path: z.string().optional().describe('its directory; with the two below when one failure was asked for'),
    finding: finding.nullable().optional(),
    journal: z.array(z.object({ at: time, question: z.string(), answer: z.string() })).optional(),
  })
  const hunt = z.object({
    hunt: count,
    kind: z.enum(['hunt', 'native', 'verify', 'import']),
    created: time,
    program: z.string(),
    sha256: z.string().nullable(),
    argv: z.array(z.string()),
    strategy: z.string(),
    of: count.nullable().describe('runs at most'),
    state: z.enum(['running', 'ended', 'stopped', 'killed']),
    reason: z.string().nullable(),
    runs: count,
    failed: count,
    errors: count,
    buckets: count,
    seconds: z.number(),
    pid: count.nullable(),
    host: z.string().nullable(),
    log: z.string().nullable(),
  })
  const rate = z.object({ failed: count, runs: count, interval })
  return {
    failures: z.object({
      ...head,
      command: z.literal('failures'),
      buckets: z.array(bucket),
      failures: z.array(failure),
    }),
    verify: z.object({
      ...head,
      command: z.literal('verify'),
      failure: z.string(),
      bucket: z.string(),
      title: z.string(),
      argv: z.array(z.string()),
      before: rate.nullable().describe('null if nothing is known of the old program'),
      after: rate.describe('runs of the changed program that ended in the same bucket'),
      bound: z.object({
        exact: z.number().nullable().describe('95 % bound after no failure'),
        ruleOfThree: z.number().nullable(),
        posterior: z.number().describe('95 % of the Beta posterior, from a uniform prior'),
      }),
      claim: z.number().nullable().describe('the rate to get below'),
      needed: count.nullable().describe('runs without the failure that the claim needs'),
      missing: count.nullable(),
      others: z.array(z.object({ name: z.string(), title: z.string(), hits: count, isNew: z.boolean() })),
      reason: z.string().describe('what ended the runs'),
      seconds: z.number(),
      hunt: count,
      errors: count,
    }),
    minimise: z.object({
      ...head,
      command: z.literal('minimise'),
      failure: z.string(),
      name: z.string().describe('the failure that is left'),
      switches: z.object({ before: count, after: count }),
      arguments: z.object({ before: count, after: count }).nullable(),
      input: z.object({ before: count, after: count }).nullable().describe('bytes'),
      trials: count.describe('runs that were made'),
      exhausted: z.boolean().describe('there were not enough to know that nothing more can be left out'),
      strategy: z.string().describe('the schedule'),
      argv: z.array(z.string()),
      rows: z.array(
        z.object({
          moment: count,
          tid: count,
          count: count.describe('instructions that this thread had executed'),
          to: count,
          chosen: z.boolean().describe('a switch of the schedule; the others happen because a thread waits or ends'),
          from: z.string(),
          into: z.string(),
        }),
      ),
      finding,
    }),
    status: z.object({ ...head, command: z.literal('status'), hunts: z.array(hunt) }),
  }
}
