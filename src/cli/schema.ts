/** Exists to define the documents that `--json` prints: checked before they are printed, and shown by `--json-schema`. */
import { z } from 'zod'
import { catalogueSchemas, interval } from './schema-catalogue.ts'
import { questionSchemas } from './schema-questions.ts'

const address = z.string().regex(/^0x[0-9a-f]+$/)
const count = z.int().min(0)

const ending = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exit'), code: z.int().describe('the exit code') }),
  z.object({
    kind: z.literal('signal'),
    signal: z.int(),
    name: z.string(),
    code: z.int().describe('si_code'),
    codeName: z.string(),
    address: address.describe('si_addr'),
    tid: z.int(),
    sent: z.boolean().describe('sent by a call, not raised by an instruction'),
  }),
  z.object({ kind: z.literal('deadlock'), waiting: z.array(z.object({ tid: z.int(), text: z.string() })) }),
  z.object({ kind: z.literal('time-limit'), limit: z.number().describe('virtual nanoseconds') }),
  z.object({ kind: z.literal('instruction-limit'), limit: count }),
])

const place = z.object({
  address,
  module: z.string().optional(),
  moduleOffset: z.string().optional(),
  function: z.string().optional(),
  offset: count.optional().describe('bytes from the start of the function'),
  file: z.string().optional(),
  line: count.optional(),
  column: count.optional(),
})

const frame = place.extend({
  symbol: z.string().optional().describe("the linker's name of the function that holds the code"),
  inlined: z.boolean(),
  signal: z.boolean().describe('made by the kernel to call a signal handler'),
  guessed: z.boolean().describe('found without unwind tables'),
  text: z.string().optional().describe('the source line'),
})

const thread = z.object({
  pid: z.int(),
  tid: z.int(),
  name: z.string(),
  waiting: z.string().nullable().describe('the system call in which it waits'),
  waitsFor: z
    .object({
      kind: z.enum(['mutex', 'thread', 'condition', 'rwlock', 'barrier', 'semaphore', 'futex']),
      what: z.string(),
      address,
      since: count.describe('instructions executed by all threads when it began to wait'),
      holders: z.array(z.int()).describe('threads that have it, or that it waits for'),
    })
    .optional()
    .describe('what it waits for of other threads'),
  stack: z.object({ frames: z.array(frame), end: z.string().describe("'outermost' when these are all frames") }),
})

const stack = z.object({ frames: z.array(frame), end: z.string() })

const blockCall = z.object({
  by: z.string().describe('the function called'),
  moment: count,
  tid: z.int(),
  stack: stack.optional(),
})

const dump = z
  .object({ from: z.int(), bytes: z.array(z.string()), at: z.int(), length: count, mark: z.string().optional() })
  .describe('memory around the address; offsets are from the start of the block')

const block = z.object({
  address,
  size: count,
  state: z.enum(['live', 'freed']),
  offset: z.int().optional().describe('bytes from its start to the address that the finding is about'),
  allocated: blockCall,
  freed: blockCall.optional(),
  dump: dump.optional(),
})

const memory = z
  .object({
    address,
    kind: z.enum([
      'null',
      'hole',
      'unmapped',
      'beyond-brk',
      'stack',
      'guard',
      'protected',
      'file-end',
      'non-canonical',
      'kernel',
      'data',
    ]),
    what: z.string().describe('the same in words'),
    mapping: z.object({ start: address, end: address, rights: z.string(), name: z.string() }).optional(),
    removed: blockCall.optional().describe('who unmapped what was there'),
  })
  .describe('what is at an address that could not be accessed')

const origin = z
  .object({
    kind: z.enum(['heap', 'stack', 'memory']),
    what: z.string().describe('the same in words'),
    address,
    bytes: count.describe('how many bytes were read there'),
    undefined: count.describe('and how many of them are undefined'),
    read: place.extend({ moment: count }).optional().describe('where they were read'),
    dump: dump.optional(),
  })
  .describe('where an undefined value came from')

const raceSide = z.object({
  what: z.string(),
  tid: z.int(),
  moment: count,
  pc: address,
  atomic: z.boolean(),
  write: z.boolean(),
  bytes: count,
  locks: z.array(z.string()).describe('mutexes that the thread held'),
  thread: thread.optional(),
})

const race = z
  .object({ address, location: z.string(), later: raceSide, earlier: raceSide })
  .describe('two accesses that nothing orders')

const lockSide = z.object({
  tid: z.int(),
  moment: count,
  lock: z.string(),
  held: z.string(),
  thread: thread.optional(),
})

const missing = z.object({
  id: z.int(),
  what: z.enum(['write', 'store', 'resize', 'zero', 'create', 'link', 'remove', 'rename', 'exchange']),
  path: z.string(),
  to: z.string().optional().describe('what a rename made of it'),
  offset: count,
  length: count,
  moment: count,
  pid: z.int(),
  tid: z.int(),
  fate: z.enum(['kept', 'lost', 'torn']),
  place: frame.optional(),
  isNeeded: z.boolean().describe('one of a smallest set without which the run would have ended otherwise'),
})

const powerLoss = z
  .object({
    model: z.enum(['posix', 'ordered']),
    moment: count,
    ended: z.boolean().describe('the program had ended by itself'),
    thread: thread.optional(),
    unsynced: count,
    kept: count,
    missing: z.array(missing).describe('changes of files that were not on the disk'),
    anyway: z
      .boolean()
      .nullable()
      .describe('whether it would have ended so with all of them on the disk; null: not found out'),
    reduced: z.boolean(),
    recovery: z.array(z.string()),
  })
  .describe('power was lost before')

const leak = z.object({ bytes: count, blocks: count, indirectBytes: count, indirectBlocks: count })

const amount = z.object({ bytes: count, blocks: count })

const leaks = z.object({
  definite: amount,
  indirect: amount,
  possible: amount,
  reachable: amount,
  suppressed: amount,
})

const finding = z.object({
  kind: z.string(),
  what: z.string(),
  valgrind: z.string().optional().describe("memcheck's name for it"),
  times: count.optional().describe('how often at this place, when more than once'),
  bytes: count.optional().describe('of an invalid access: its size'),
  block: block.optional().describe('the block of the heap that it is about'),
  leak: leak.optional(),
  memory: memory.optional(),
  origin: origin.optional(),
  race: race.optional(),
  powerLoss: powerLoss.optional(),
  order: z.object({ later: lockSide, earlier: lockSide }).optional().describe('mutexes that are taken in two orders'),
  moment: count.describe('instructions executed until then'),
  seed: count,
  signal: z
    .object({ number: z.int(), name: z.string(), code: z.int(), codeName: z.string(), address, sent: z.boolean() })
    .optional(),
  process: z
    .object({ pid: z.int(), command: z.array(z.string()) })
    .optional()
    .describe('where there were several'),
  thread: thread.optional(),
  source: z
    .object({ file: z.string(), line: count, first: count, lines: z.array(z.string()), newer: z.boolean() })
    .optional(),
  registers: z.record(z.string(), z.string().regex(/^[0-9a-f]{16}$/)).optional(),
  others: z.array(thread),
  remarks: z.array(z.string()),
  again: z.string().describe('the command that shows it again'),
})

const hash = z.string().describe('hash of the state of the whole machine at the end')

const options = z.object({
  heap: z.enum(['native', 'guarded']).optional(),
  quarantine: count.optional().describe('bytes of freed blocks that a guarded heap keeps from use'),
  allocators: z
    .array(
      z.object({
        fn: z.string(),
        frees: z.boolean(),
        size: count.optional(),
        count: count.optional(),
        zeroed: z.boolean().optional(),
        ptr: count.optional(),
        pool: count.optional(),
      }),
    )
    .optional()
    .describe("the program's own allocation functions that are followed"),
  strategy: z.string(),
  cpus: count,
  clockRate: z.number().describe('virtual nanoseconds per instruction'),
  uid: count,
  gid: count,
  timeLimit: z.number().nullable().describe('virtual nanoseconds'),
  instructionLimit: count.optional(),
  memoryLimit: count.optional().describe('bytes that each process may map'),
  mounts: z.array(z.object({ host: z.string(), guest: z.string(), writable: z.boolean() })).optional(),
})

const program = z.object({ path: z.string(), argv: z.array(z.string()), cwd: z.string() })

const stream = z
  .object({
    text: z.string().optional().describe('if it is UTF-8'),
    base64: z.string().optional().describe('if it is not'),
    size: count.describe('bytes written, of which the first 16 MiB are here'),
  })
  .describe('what the program wrote')

const run = z.object({
  lemming: z.string().describe('version'),
  format: z.literal(1).describe('version of this document: it grows when a field changes its meaning or goes'),
  command: z.literal('run'),
  program,
  seed: count,
  options,
  ending,
  exitCode: z.int().describe('of lemming'),
  instructions: count,
  virtualNs: z.number(),
  hash,
  finding: finding.nullable().describe('null for a program that exited with 0'),
  findings: z.array(finding).describe('what the checks found'),
  leaks: leaks.nullable().describe('what was not freed, if that was checked'),
  suppressions: z
    .array(z.object({ name: z.string(), place: z.string().describe('FILE:LINE'), times: count }))
    .describe('those given, and how many findings each has covered'),
  stdout: stream,
  stderr: stream,
  statistics: z.record(z.string(), z.number()),
})

const replay = run.extend({
  command: z.literal('replay'),
  times: z.int().min(1).describe('replays, all of them equal to the recorded run'),
})

const failure = z.object({
  name: z.string(),
  path: z.string(),
  bucket: z.string().describe('failures of one signature are in one bucket'),
  seed: count,
  instructions: count,
  hash,
  ending,
  finding,
})

const error = z.object({ code: z.string(), message: z.string(), next: z.string().optional() })

const hunt = z.object({
  lemming: z.string(),
  format: z.literal(1),
  command: z.literal('hunt'),
  program,
  firstSeed: count,
  options,
  runs: count.describe('seeds that were run, up to the one at which the hunt stopped'),
  failed: count.describe('runs that failed, whether kept or not'),
  failures: z.array(failure).describe('those that were kept, in the order of the seeds'),
  errors: z.array(z.object({ seed: count, error })).describe('runs that lemming could not execute to their end'),
  interrupted: z.boolean(),
  reason: z
    .enum(['runs', 'failures', 'new-bucket', 'time', 'interrupted', 'error', 'false-start', 'exhausted'])
    .describe('what ended the hunt'),
  falseStart: z.object({ what: z.string(), next: z.string() }).nullable(),
  buckets: z.array(z.object({ name: z.string(), title: z.string(), hits: count })),
  coverage: z
    .object({
      bound: count,
      complete: z.number().int().min(-1),
      schedules: count,
      exhausted: z.boolean(),
      unknown: count,
    })
    .nullable()
    .describe(
      'of --strategy exhaustive: up to how many preemptions all schedules were run (-1: none), and how many these are',
    ),
  cells: z
    .array(z.object({ label: z.string(), failed: count, runs: count, errors: count, interval }))
    .describe('of a matrix; one without a label if there is none'),
  tests: z
    .object({
      kind: z.enum(['libtest', 'gtest', 'go', 'catch2', 'ctest', 'list']),
      leftOut: z.array(z.object({ name: z.string(), why: z.string() })),
      results: z.array(
        z.object({
          name: z.string(),
          runs: count,
          failed: count,
          errors: count,
          seconds: z.number().describe('real time of all its runs'),
          instructions: count.describe('of its longest run'),
          failures: z.array(z.object({ name: z.string(), what: z.string() })),
        }),
      ),
    })
    .nullable()
    .describe('of --each-test and --tests'),
  seconds: z.number(),
  campaign: count.describe('number of the hunt in the catalogue'),
  catalogue: z.string(),
})

/** The document of each command; a command that fails prints `{ lemming, error }` instead. */
export const schemas = { run, replay, hunt, ...catalogueSchemas(finding), ...questionSchemas(place, ending) }
