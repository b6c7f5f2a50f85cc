/** Exists to name the version that made a recording when the run turns out another one than recorded. */
import { LemmingError } from '../base/errors.ts'
import { version } from './version.ts'

/** Does something with a recording that `made` has made; if the run differs, the error says so when that is another version than this one. */
export async function replaying<T>(made: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof LemmingError) || error.code !== 'replay-divergence' || made === version()) throw error
    const next = `it was recorded by lemming ${made}, and this is ${version()}: replay it with that one`
    throw new LemmingError(error.code, error.message, next)
  }
}
