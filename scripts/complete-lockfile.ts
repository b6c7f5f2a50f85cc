/**
 * Adds to package-lock.json the builds for other platforms that a registry mirror did not list.
 *
 * `npm ci` refuses a lock file that lacks an optional dependency, whether or not this platform would install it, and
 * `npm install` leaves out those that the mirror it talks to does not carry. The version is the one that the parent
 * demands; the platform is in the name. Such an entry has no integrity hash until `npm install` fills it in from a full
 * registry. Run it after `npm install`; test/house/lockfile.test.ts tells when it was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  version: string
  resolved?: string
  dev?: boolean
  optional?: boolean
  cpu?: string[]
  os?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

/** A lock file as npm writes it (lockfileVersion 3), as far as it matters here. */
export interface Lockfile {
  packages: Record<string, Entry>
}

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** Optional dependencies without an entry: where the entry belongs, the parent, the name and the demanded version. */
export function missingEntries(lock: Lockfile): { path: string; parent: Entry; name: string; version: string }[] {
  return Object.entries(lock.packages).flatMap(([parentPath, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !(`node_modules/${name}` in lock.packages))
      .filter(([name]) => !(`${parentPath}/node_modules/${name}` in lock.packages))
      .map(([name, version]) => ({ path: `node_modules/${name}`, parent, name, version })),
  )
}

/** The entry of a build for another platform, from its name (`@swc/core-linux-arm-gnueabihf`) and exact version. */
function entryOf({ parent, name, version }: { parent: Entry; name: string; version: string }): Entry {
  const words = name.split(/[-/]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = processors.find((processor) => words.includes(processor))
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(
      `${name}@${version}: the name tells no platform, or the version is not exact; add its entry by hand`,
    )
  }
  const libc = words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc'
  return {
    version,
    cpu: [cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(os === 'linux' ? { libc: [libc] } : {}),
    optional: true,
    os: [os],
  }
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', 'package-lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8')) as Lockfile
  const missing = missingEntries(lock)
  for (const found of missing) lock.packages[found.path] = entryOf(found)
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${missing.length} entries added`)
}
