/** Exists for what a look into a failure leaves behind among the failures and in their catalogue: branches that are kept, questions with their answers. */
import { existsSync } from 'node:fs'
import { LemmingError } from '../base/errors.ts'
import { adoptFailure, readFailure } from '../campaign/adopt.ts'
import { addJournal, highestNumber, knownFailures } from '../campaign/catalogue-failures.ts'
import { FailureDirectory } from '../campaign/failures.ts'
import { cataloguePath, openCatalogue } from './hunter.ts'

/** Gives the bundle that `make` writes a name among the failures of `out`; `note` says where it comes from. */
export async function keepFailure(
  out: string,
  note: string,
  make: (bundle: string) => Promise<void>,
): Promise<{ name: string; path: string }> {
  const catalogue = openCatalogue(out)
  const directory = new FailureDirectory(out)
  try {
    const bundle = `${directory.scratch()}/branch`
    await make(bundle)
    const name = directory.keep(bundle, highestNumber(catalogue))
    adoptFailure(catalogue, name, readFailure(directory.pathOf(name))!)
    addJournal(catalogue, name, 'branch', note)
    return { name, path: directory.pathOf(name) }
  } finally {
    directory.close()
    catalogue.close()
  }
}

/** Lines of an answer that a journal keeps, and characters of each. */
const KEPT_LINES = 6
const KEPT_CHARACTERS = 160

/** Enters a question and the beginning of its answer in the journal of a failure; recordings that are no failures of this catalogue have none. */
export function noteQuestion(out: string, name: string, question: string, answer: string): void {
  if (!/^F[1-9]\d*$/.test(name) || !existsSync(cataloguePath(out))) return
  const lines = answer.trim().split('\n')
  const kept = lines
    .slice(0, KEPT_LINES)
    .map((line) => (line.length > KEPT_CHARACTERS ? `${line.slice(0, KEPT_CHARACTERS)}…` : line))
  if (lines.length > KEPT_LINES) kept.push('…')
  try {
    const catalogue = openCatalogue(out)
    try {
      if (knownFailures(catalogue).has(name)) addJournal(catalogue, name, question, kept.join('\n'))
    } finally {
      catalogue.close()
    }
  } catch (error) {
    // A journal that cannot be written takes no answer away.
    if (!(error instanceof LemmingError) || error.code === 'internal') throw error
  }
}
