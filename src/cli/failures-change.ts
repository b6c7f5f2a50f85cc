/** Exists for what `lemming failures` changes: merging, splitting, labels, notes, and failures that travel as one file. */
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { adoptFailure, readFailure } from '../campaign/adopt.ts'
import {
  addJournal,
  bucketNumber,
  failures,
  highestNumber,
  journal,
  merge,
  requireFailure,
  setLabel,
  split,
  unmerge,
} from '../campaign/catalogue-failures.ts'
import type { Catalogue } from '../campaign/catalogue.ts'
import { FailureDirectory, RECORDING_NAME, writeBundle } from '../campaign/failures.ts'
import { openCatalogue } from '../lab/hunter.ts'
import { findRecording } from '../lab/places.ts'
import { readRecording, recordingBytes, userObjects, writeExport } from '../lab/storage.ts'
import { version } from '../lab/version.ts'
import type { FailuresOptions } from './failures.ts'
import { write } from './output.ts'

/** What a bundle has beside its recording. */
const BESIDE = ['failure.json', 'stdout', 'stderr']

/** A failure's journal, in an exported file. */
const JOURNAL = 'journal.json'

/** Does what the words say; the exit code. */
export function change([verb, ...words]: string[], options: FailuresOptions): number {
  const out = resolve(options.out)
  const catalogue = openCatalogue(out)
  const done = (result: Record<string, unknown>, text: string): number => {
    const document = { lemming: version(), format: 1, command: 'failures', ...result }
    write(1, options.json === true ? `${JSON.stringify(document)}\n` : `${text}\n`)
    return 0
  }
  try {
    const [first, ...rest] = words
    if (first === undefined)
      throw new LemmingError('usage', `failures ${verb}: of what?`, 'see: lemming failures --help')
    switch (verb) {
      case 'merge': {
        if (rest.length === 0)
          throw new LemmingError('usage', 'failures merge: one bucket alone', 'say which are the same: merge B1 B2')
        const into = bucketNumber(catalogue, first)
        merge(
          catalogue,
          into,
          rest.map((name) => bucketNumber(catalogue, name)),
        )
        addJournal(catalogue, `B${into}`, `merged with ${rest.join(', ')}`, '')
        return done({ merged: `B${into}` }, `B${into} has now the failures of ${rest.join(', ')}`)
      }
      case 'split':
        return splitWords(catalogue, words, done)
      case 'label': {
        checkSubject(catalogue, first)
        setLabel(catalogue, first, rest.join(' '))
        return done(
          { label: rest.join(' ') },
          rest.length === 0 ? `${first} has no label` : `${first} is ${rest.join(' ')}`,
        )
      }
      case 'note': {
        checkSubject(catalogue, first)
        if (rest.length === 0)
          throw new LemmingError('usage', 'failures note: no text', `say what to note: note ${first} TEXT`)
        const subject = first.startsWith('B') ? `B${bucketNumber(catalogue, first)}` : first
        addJournal(catalogue, subject, 'note', rest.join(' '))
        return done({ noted: first }, `noted for ${first}`)
      }
      case 'export':
        return exportOne(catalogue, out, words, options, done)
      default: {
        const names = words.map((file) => importOne(catalogue, out, file))
        return done({ names }, `${names.map((name, i) => `${words[i]} is ${name}`).join('\n')}`)
      }
    }
  } finally {
    catalogue.close()
  }
}

function splitWords(
  catalogue: Catalogue,
  words: readonly string[],
  done: (result: Record<string, unknown>, text: string) => number,
): number {
  const [first] = words
  if (words.length === 1 && first!.startsWith('B')) {
    const many = unmerge(catalogue, bucketNumber(catalogue, first!))
    return done(
      { buckets: many + 1 },
      many === 0 ? `nothing was merged into ${first}` : `${first} is ${many + 1} buckets again`,
    )
  }
  const rows = words.map((name) => requireFailure(catalogue, name))
  const { title } = catalogue.get<{ title: string }>('SELECT title FROM buckets WHERE id = ?', rows[0]!.bucket)!
  const id = split(catalogue, words, title)
  addJournal(catalogue, `B${id}`, `split off: ${words.join(', ')}`, '')
  return done({ bucket: `B${id}` }, `${words.join(', ')} ${words.length === 1 ? 'is' : 'are'} now B${id}`)
}

function checkSubject(catalogue: Catalogue, name: string): void {
  if (name.startsWith('B')) bucketNumber(catalogue, name)
  else requireFailure(catalogue, name)
}

function exportOne(
  catalogue: Catalogue,
  out: string,
  words: readonly string[],
  options: FailuresOptions,
  done: (result: Record<string, unknown>, text: string) => number,
): number {
  const [name] = words
  if (words.length > 1)
    throw new LemmingError(
      'usage',
      `failures export: ${words.length} failures`,
      'export them one by one, each to a file of its own',
    )
  requireFailure(catalogue, name!)
  const file = options.output ?? `${name}.lemming`
  const opened = readRecording(findRecording(name!, out))
  const bundle = join(out, name!)
  const attached = new Map(BESIDE.map((part) => [part, new Uint8Array(fs.readFileSync(join(bundle, part)))]))
  attached.set(JOURNAL, Buffer.from(JSON.stringify(journal(catalogue, name!))))
  writeExport(file, { ...opened, attached })
  return done(
    { file, bytes: fs.statSync(file).size },
    `${name} is in ${file}: lemming failures import ${file}, or lemming replay ${file}`,
  )
}

/** Takes an exported failure in: bundle, objects, journal. Its name here. */
function importOne(catalogue: Catalogue, out: string, file: string): string {
  const { recording, objects, attached } = readRecording(file)
  if (attached === undefined || !BESIDE.every((part) => attached.has(part))) {
    throw new LemmingError(
      'recording-unknown',
      `${file}: a recording, but no exported failure`,
      'lemming replay opens it as it is; failures are exported with lemming failures export',
    )
  }
  const store = userObjects()
  for (const answer of recording.answers.content.values()) {
    if (typeof answer === 'string') continue
    const bytes = objects.get(answer.hash)
    if (bytes !== null) store.put(answer.hash, bytes)
  }
  const directory = new FailureDirectory(out)
  const scratch = join(directory.scratch(), 'import')
  const beside = Object.fromEntries(BESIDE.map((part) => [part, attached.get(part)!]))
  writeBundle(scratch, { ...beside, [RECORDING_NAME]: recordingBytes(recording) })
  const document = readFailure(scratch)
  if (document === null)
    throw new LemmingError('recording-unknown', `${file}: its failure.json cannot be read`, 'export the failure again')
  const same = failures(catalogue, [
    {
      sql: 'c.uuid = ? AND f.seed = ? AND f.cell = ?',
      values: [document.campaign ?? '', document.seed, document.cell ?? 0],
    },
  ])[0]
  if (same !== undefined) {
    directory.close()
    throw new LemmingError(
      'usage',
      `${file}: this failure is here already, as ${same.name}`,
      `see: lemming failures ${same.name}`,
    )
  }
  const name = directory.keep(scratch, highestNumber(catalogue))
  directory.close()
  adoptFailure(catalogue, name, document)
  for (const { question, answer } of JSON.parse(Buffer.from(attached.get(JOURNAL) ?? Buffer.from('[]')).toString()) as {
    question: string
    answer: string
  }[])
    addJournal(catalogue, name, question, answer)
  addJournal(catalogue, name, 'imported', `from ${resolve(file)}`)
  return name
}
