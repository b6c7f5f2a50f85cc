/** Exists to find out how many scheduling points a program passes, which PCT wants to know: by executing it once before a hunt. */
import { startMachine } from '../replay/machine.ts'
import type { World } from '../host/host.ts'
import type { RunInputs } from '../session/session.ts'

/** A run that is longer, in instructions, is not executed to its end for that. */
const LONGEST = 50_000_000

/** The strategy of a run in which priorities never change: as it is without any bad luck. */
export const CALM = 'pct:1:1'

/** The strategies that may be told the number of steps, as they are named without it. */
const WANTS_STEPS = /^(mix|pct:\d+)$/

/** The same inputs with the number of steps in the name of the strategy. `world` is that of a run that leaves no traces. */
export function withSteps(inputs: RunInputs, world: World): RunInputs {
  const { strategy } = inputs.options
  if (!WANTS_STEPS.test(strategy)) return inputs
  let steps = 0
  try {
    const subject = startMachine({ ...inputs, options: { ...inputs.options, strategy: CALM } }, world)
    try {
      subject.advance(LONGEST)
      steps = subject.steps
    } finally {
      subject.release()
    }
  } catch {
    // The hunt itself will say what cannot be executed.
  }
  return steps === 0 ? inputs : { ...inputs, options: { ...inputs.options, strategy: `${strategy}:${steps}` } }
}
