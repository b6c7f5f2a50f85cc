/** Exists so that nothing is lost between a failure's directory and the catalogue: what is in the one and not in the other is taken over. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { RunEnding } from '../session/session.ts'
import type { Attribute } from '../session/attributes.ts'
import type { Finding } from '../tool/finding.ts'
import { addCampaign, planOf, type NewCampaign } from './catalogue-campaigns.ts'
import { bucketOf, knownFailures, recordFailure } from './catalogue-failures.ts'
import type { Catalogue } from './catalogue.ts'
import type { FailureDirectory } from './failures.ts'
import { signatureOf } from './signature.ts'

/** What `failure.json` says of a failure, as far as the catalogue needs it. Bundles of older versions have no campaign. */
export interface FailureDocument {
  created: string
  program: { path: string; sha256: string | null }
  argv: string[]
  seed: number
  options: { strategy: string }
  count: number
  ending: RunEnding
  finding: Finding
  /** All that the checks of the run told; absent in bundles of older versions. */
  findings?: Finding[]
  attributes?: Attribute[]
  /** The campaign that found it: its unique name, and the matrix cell. */
  campaign?: string
  cell?: number
}

/** Reads `failure.json` of a bundle; null if it is not there, or is no such document. */
export function readFailure(bundle: string): FailureDocument | null {
  try {
    const document = JSON.parse(fs.readFileSync(join(bundle, 'failure.json'), 'utf8')) as FailureDocument
    return typeof document.finding?.kind === 'string' && Array.isArray(document.argv) ? document : null
  } catch {
    return null
  }
}

/**
 * Takes over the failures of a directory that the catalogue does not know: of hunts that were killed after keeping one and before recording it, of
 * older versions, of a catalogue that was lost. Their names.
 */
export function adoptFailures(catalogue: Catalogue, directory: FailureDirectory): string[] {
  const known = knownFailures(catalogue)
  const strange = directory.names().filter((name) => !known.has(name))
  return strange.filter((name) => {
    const document = readFailure(directory.pathOf(name))
    if (document !== null) adoptFailure(catalogue, name, document)
    return document !== null
  })
}

/** Records one failure: as a run of its campaign if that is known here, else as one that was brought in. */
export function adoptFailure(catalogue: Catalogue, name: string, document: FailureDocument): void {
  const { argv, seed, cell = 0, count, finding, campaign: uuid, created, attributes } = document
  const own =
    uuid === undefined ? undefined : catalogue.get<{ id: number }>('SELECT id FROM campaigns WHERE uuid = ?', uuid)
  const id = own?.id ?? addCampaign(catalogue, importOf(document, argv)).id
  let position = 0
  if (own !== undefined) {
    const { plan, cells } = planOf(catalogue, id)
    position = (seed - (plan as { firstSeed: number }).firstSeed) * cells.length + cell
  }
  catalogue.transaction(() => {
    const bucket = bucketOf(catalogue, signatureOf(finding)).id
    catalogue.run(
      `INSERT INTO runs (campaign, position, cell, seed, outcome, bucket, instructions, micros, at, sitting) VALUES (?, ?, ?, ?, 'failed', ?, ?, 0, ?, 0)
       ON CONFLICT DO NOTHING`,
      id,
      position,
      cell,
      seed,
      bucket,
      count,
      Math.round(Date.parse(created) / 1000) || 0,
    )
    recordFailure(catalogue, {
      name,
      campaign: id,
      position,
      cell,
      seed,
      bucket,
      finding,
      instructions: count,
      attributes,
    })
  })
}

function importOf({ program, options }: FailureDocument, command: readonly string[]): NewCampaign {
  return {
    kind: 'import',
    program: program.path,
    sha256: program.sha256,
    command,
    strategy: options.strategy,
    runs: null,
    plan: {},
    cells: [{ label: '', env: [] }],
  }
}
