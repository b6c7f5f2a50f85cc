/** Exists to keep a branch of a run among the failures, and in their catalogue. */
import { adoptFailure, readFailure } from '../campaign/adopt.ts'
import { addJournal, highestNumber } from '../campaign/catalogue-failures.ts'
import { FailureDirectory } from '../campaign/failures.ts'
import { openCatalogue } from './hunter.ts'

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
