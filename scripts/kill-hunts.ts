/** Kills hunts at random moments, fifty times by default, and looks each time whether the catalogue has everything once: `node scripts/kill-hunts.ts [KILLS] [SEED]`. */
import { killedHunt } from '../test/e2e/kills.ts'
import { Place } from '../test/e2e/lemming.ts'

const kills = Number(process.argv[2] ?? 50)
const seed = Number(process.argv[3] ?? 1)
const place = new Place({ check: 'none' })
try {
  place.compile(
    'dice',
    `#include <stdlib.h>
#include <sys/random.h>
int main(void)
{
    unsigned char byte;
    if (getrandom(&byte, 1, 0) == 1 && byte % 3 == 0)
        abort();
    return 0;
}
`,
    ['-O1', '-static'],
  )
  const runs = kills * 20
  const words = ['--keep-going', '--runs', String(runs), '--jobs', '2', '--', './dice']
  const killed = await killedHunt(place, 'killed', words, kills, 1500, seed)
  const { stdout } = await place.start(['hunt', '--json', '--out', 'whole', ...words]).ended
  const whole = (JSON.parse(stdout) as { failures: { seed: number }[] }).failures.map((failure) => failure.seed)
  const isSame = JSON.stringify(whole) === JSON.stringify(killed.failed) && killed.runs === runs
  const fails = `${killed.failed.length} failures, ${isSame ? 'as without kills' : `and ${whole.length} without kills`}`
  console.log(`${killed.kills} kills, ${killed.runs} of ${runs} runs, ${fails}`)
  process.exitCode = isSame ? 0 : 1
} finally {
  place.remove()
}
