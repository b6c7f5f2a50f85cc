/** Exists as the entry of the `lemming` command: starts the thread that will run the program before anything else is loaded. */
import * as nodeModule from 'node:module'

if (Number.parseInt(process.versions.node, 10) < 24) {
  const { handOver } = await import('./old-node.ts')
  process.exit(handOver())
}
nodeModule.enableCompileCache()
const thread = /^(run|hunt|verify|minimise|replay|core|branch|why|history|threads|lines|heap)$/.test(
  process.argv[2] ?? '',
)
  ? import('../lab/thread.ts').then(({ Thread }) => new Thread())
  : undefined
const { main } = await import('./program.ts')
process.exit(await main(process.argv.slice(2), thread))
