/** Exists to know which lemming this is. */
import { readFileSync } from 'node:fs'

/** The version of the package. */
export function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return own
}
