/** Exists to find out before a hunt what its program does without any bad luck: how many scheduling points it passes, which PCT wants to know, and how long it takes. */
import { startMachine } from '../replay/machine.ts'
import type { World } from '../host/host.ts'
import type { RunInputs } from '../session/session.ts'

/** A run that is longer, in instructions or in scheduling points, is not executed to its end for that. */
const LONGEST = 50_000_000
const MOST_STEPS = 1_000_000
const SLICE = 1_000_000

/** The strategy of a run in which priorities never change: as it is without any bad luck. */
export const CALM = 'pct:1:1'

/** The strategies that may be told the number of steps, as they are named without it. */
const WANTS_STEPS = /^(mix|pct:\d+)$/

/** Times the instructions of a calm run, and at least so many, after which a run is looked at whether it has an end. */
const PATIENCE = 50
const LEAST = 2_000_000

/** The same inputs with the number of steps in the name of the strategy, and after how many instructions a run may be one without end. `world` is that of a run that leaves no traces. */
export function tried(inputs: RunInputs, world: World): { inputs: RunInputs; patience: number } {
  const { strategy, powerLoss } = inputs.options
  let steps = 0
  let count = 0
  let changes = 0
  try {
    const calm = { ...inputs.options, strategy: CALM, ...(powerLoss && { powerLoss: { ...powerLoss, within: 0 } }) }
    const subject = startMachine({ ...inputs, options: calm }, world)
    try {
      while (
        subject.ending() === null &&
        subject.powerLoss() === null &&
        subject.count < LONGEST &&
        subject.steps < MOST_STEPS
      )
        subject.advance(subject.count + SLICE)
      steps = subject.steps
      changes = subject.fileChanges
      count = subject.count
    } finally {
      subject.release()
    }
  } catch {
    // The hunt itself will say what cannot be executed.
  }
  const patience = Math.max(LEAST, count * PATIENCE)
  const options = { ...inputs.options }
  // Where power may be lost is drawn from the changes that there are.
  if (powerLoss !== undefined && changes > 0) options.powerLoss = { ...powerLoss, within: changes }
  if (steps > 0 && WANTS_STEPS.test(strategy)) options.strategy = `${strategy}:${steps}`
  return { inputs: { ...inputs, options }, patience }
}
