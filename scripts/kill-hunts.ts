/** Kills hunts at random moments, fifty times by default, and looks each time whether the catalogue has everything once: `node scripts/kill-hunts.ts [KILLS] [SEED]`. */
import { killedHunt } from '../test/e2e/kills.ts'
import { Place } from '../test/e2e/lemming.ts'

const kills = Number(process.argv[2] ?? 50)
const seed = Number(process.argv[3] ?? 1)
const place = new Place()
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
  const words = ['--keep-going', '--runs', String(kills * 40), '--jobs', '2', '--', './dice']
  const killed = await killedHunt(place, 'killed', words, kills, 1500, seed)
  const whole = place.json('hunt', ['--out', 'whole', ...words])
  const same = JSON.stringify(whole.failures.map((failure) => failure.seed)) === JSON.stringify(killed.failed)
  console.log(
    `${killed.kills} kills, ${killed.runs} runs, ${killed.failed.length} failures: ${same ? 'as without kills' : 'OTHERS than without kills'}`,
  )
  process.exitCode = same && killed.runs === kills * 40 ? 0 : 1
} finally {
  place.remove()
}
