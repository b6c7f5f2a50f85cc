/** Tells knip where the program starts, so that it finds what nothing uses. */
import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'src/cli/main.ts',
    'src/cli/define-config.ts',
    'src/**/worker.ts',
    'scripts/*.ts',
    'test/lockstep/main.ts',
    'test/concurrency/measure.ts',
    'test/typed/gate.ts',
    'test/**/*.test.ts',
  ],
  ignoreBinaries: [
    'addr2line',
    'ctest',
    /^g\+\+$/,
    'gcc',
    'gdb',
    'ldd',
    'make',
    'objdump',
    'readelf',
    'rustc',
    'sha256sum',
    'strace',
    'valgrind',
    'xz',
  ],
  // The guest's room ends where the attributes begin: two names for one address on purpose.
  exclude: ['duplicates'],
  ignoreExportsUsedInFile: { interface: true, type: true },
  project: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', '*.ts', '*.mjs'],
}

export default config
