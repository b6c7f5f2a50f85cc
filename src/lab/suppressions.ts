/** Exists to read suppression files of this computer. */
import * as fs from 'node:fs'
import { LemmingError } from '../base/errors.ts'
import { parseSuppressions } from '../report/suppressions.ts'
import type { Suppression } from '../tool/suppression.ts'

/** What a file suppresses. Throws a LemmingError that names the file, and the line that is wrong. */
export function readSuppressions(path: string): Suppression[] {
  let text: string
  try {
    text = fs.readFileSync(path, 'utf8')
  } catch (error) {
    throw new LemmingError(
      'suppressions-missing',
      `${path}: ${(error as NodeJS.ErrnoException).code}`,
      'give a file in the format of Valgrind suppressions',
    )
  }
  return parseSuppressions(text, path)
}
