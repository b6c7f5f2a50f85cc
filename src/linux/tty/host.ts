/** Exists to take what happens at the terminal that lemming was started on into the machine: at moments that the machine's state decides. */
import type { Kernel } from '../kernel.ts'
import { INPUT_LIMIT, typeBytes } from './discipline.ts'
import type { Tty } from './state.ts'
import { hangUp, resize } from './tell.ts'

/** Instructions between two looks at the terminal while tasks run. */
const POLL_EVERY = 1_000_000
/** Longest real wait in one question, in milliseconds: the longest that a timer takes. */
const LONGEST = 1_000_000_000

function hostTty(k: Kernel): Tty | undefined {
  return [...k.state.fs.tty.ttys.values()].find((tty) => tty.host)
}

/** Asks for news and lets them happen; true if there were any. Waits up to `milliseconds` of real time for them. */
export function pollTerminal(k: Kernel, milliseconds: number): boolean {
  const state = k.state.fs.tty
  const tty = hostTty(k)
  if (tty === undefined || tty.hungUp || k.world.pollTerminal === undefined) {
    state.nextPoll = Infinity
    return false
  }
  state.nextPoll = k.state.count + POLL_EVERY
  // What nobody reads stays outside, where it is not lost.
  if (tty.ready.length >= INPUT_LIMIT) return false
  const news = k.world.pollTerminal(state.polls++, milliseconds)
  if (news === null) return false
  if (news.size !== null) resize(k, tty, [news.size[0], news.size[1], 0, 0])
  typeBytes(k, tty, news.typed)
  if (news.gone) {
    state.nextPoll = Infinity
    hangUp(k, tty)
  }
  return true
}

/**
 * Nobody can run, and `until` virtual ns pass before somebody can (null: never). Looks at the terminal: as long as somebody waits for it, the
 * virtual time that goes by is real. True when something has happened there.
 */
export function idleAtTerminal(k: Kernel, until: number | null): boolean {
  if (k.state.fs.tty.nextPoll === Infinity) return false
  if (!isAwaited(k)) return pollTerminal(k, 0)
  return pollTerminal(k, until === null ? Infinity : Math.min(LONGEST, until / 1e6))
}

/** Whether a task waits for something to be typed. */
function isAwaited(k: Kernel): boolean {
  const tty = hostTty(k)
  if (tty === undefined) return false
  const { descriptions } = k.state.fs
  const leads = (id: number, depth: number): boolean => {
    const d = descriptions.get(id)
    if (d?.type === 'tty') return d.tty === tty.id
    return depth < 5 && [...(d?.items?.values() ?? [])].some((item) => leads(item.id, depth + 1))
  }
  return [...k.state.tasks.values()].some((t) => t.wait?.fds?.some(({ id }) => leads(id, 0)) === true)
}
