/** Exists to check what a configuration says, apart from what finds it: zod is loaded only when there is one. */
import { z } from 'zod'
import { FAULTS } from './options.ts'

const argument = z.int().min(0).max(5)
const fn = z.string().min(1)

/** What `lemming.config.ts` may export; see define-config.ts. */
export const configSchema = z.strictObject({
  check: z.union([z.array(z.string()), z.literal('none')]).optional(),
  heap: z.enum(['native', 'guarded']).optional(),
  quarantine: z.int().min(0).optional(),
  undefValueErrors: z.boolean().optional(),
  alloc: z
    .array(
      z.strictObject({
        fn,
        size: argument,
        count: argument.optional(),
        ptr: argument.optional(),
        pool: argument.optional(),
        zeroed: z.boolean().optional(),
      }),
    )
    .optional(),
  free: z
    .array(
      z
        .strictObject({ fn, ptr: argument.optional(), pool: argument.optional() })
        .refine(({ ptr, pool }) => ptr !== undefined || pool !== undefined, 'neither ptr nor pool is given'),
    )
    .optional(),
  suppressions: z.array(z.string()).optional(),
  showLeakKinds: z.array(z.enum(['definite', 'possible', 'indirect', 'reachable'])).optional(),
  fault: z
    .array(z.string().refine((name) => name in FAULTS, `there are ${Object.keys(FAULTS).join(', ')}`))
    .max(1, 'power is lost once: name crash once')
    .optional(),
  recover: z.string().optional(),
  strategy: z.string().optional(),
  cpus: z.int().min(1).max(64).optional(),
  clockRate: z.int().min(1).optional(),
  timeLimit: z.number().positive().optional(),
  env: z.record(z.string(), z.string()).optional(),
})
