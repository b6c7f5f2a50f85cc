/** Tells knip where the program starts, so that it finds what nothing uses. */
import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: ['src/cli/main.ts', 'src/**/worker.ts', 'bench/main.ts', 'scripts/*.ts', 'test/**/*.test.ts'],
  project: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', '*.ts', '*.mjs'],
}

export default config
