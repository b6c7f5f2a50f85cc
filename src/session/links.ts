/** Exists because a run names files by paths with symbolic links, and a recording keeps what they were found to be. */
import { LemmingError } from '../base/errors.ts'
import type { ReportWorld } from '../replay/recording-world.ts'

/** The path without symbolic links, as far as the run has met them. */
export function throughLinks(world: ReportWorld, path: string): string {
  let done = ''
  let rest = path.split('/').filter((part) => part !== '')
  for (let links = 0; rest.length > 0 && links < 40;) {
    const [part, ...more] = rest
    rest = more
    if (part === '.') continue
    if (part === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')))
      continue
    }
    const target = linkAt(world, `${done}/${part}`)
    if (target === null) {
      done += `/${part}`
      continue
    }
    links++
    if (target.startsWith('/')) done = ''
    rest = [...target.split('/').filter((one) => one !== ''), ...rest]
  }
  return done
}

/** The target of a symbolic link; null for what is none, and for what the run did not ask about. */
function linkAt(world: ReportWorld, path: string): string | null {
  try {
    const stat = world.lstat(path)
    return typeof stat !== 'string' && stat.kind === 'symlink' ? world.readlink(path) : null
  } catch (error) {
    if (error instanceof LemmingError && error.code === 'replay-divergence') return null
    throw error
  }
}
