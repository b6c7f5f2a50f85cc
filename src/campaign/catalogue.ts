/** Exists as the catalogue's file: one SQLite database that any number of hunts may write at the same time, with a schema that has a version and refuses what it does not know by name. */
import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import type * as Sqlite from 'node:sqlite'
import { LemmingError } from '../base/errors.ts'

/** `LEMM`, in SQLite's header: tells a catalogue from other databases. */
const APPLICATION = 0x4c454d4d

/** Milliseconds that a writer waits for another one. */
const PATIENCE = 30_000

/**
 * Each entry brings the schema from its index to the next version; what is here is never changed, only added to.
 *
 * A run is a row of about 30 bytes: what a hunt makes a hundred thousand of. `bucket` of a run or failure is the one of its signature; a bucket that
 * was merged into another one says so in `merged`, which is never itself a merged one.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE campaigns (
    id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created INTEGER NOT NULL,
    program TEXT NOT NULL, sha256 TEXT, command TEXT NOT NULL, strategy TEXT NOT NULL,
    runs INTEGER, plan TEXT NOT NULL, state TEXT NOT NULL, log TEXT
  ) STRICT;
  CREATE TABLE sittings (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaigns, host TEXT NOT NULL, boot TEXT NOT NULL,
    pid INTEGER NOT NULL, started TEXT NOT NULL, cpus INTEGER NOT NULL, processor TEXT NOT NULL, kernel TEXT NOT NULL,
    node TEXT NOT NULL, lemming TEXT NOT NULL, began INTEGER NOT NULL, seconds REAL NOT NULL, ended INTEGER
  ) STRICT;
  CREATE INDEX sittings_campaign ON sittings (campaign);
  CREATE TABLE cells (
    campaign INTEGER NOT NULL REFERENCES campaigns, cell INTEGER NOT NULL, label TEXT NOT NULL, variation TEXT NOT NULL,
    PRIMARY KEY (campaign, cell)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE buckets (
    id INTEGER PRIMARY KEY, signature TEXT NOT NULL UNIQUE, title TEXT NOT NULL, label TEXT, merged INTEGER REFERENCES buckets
  ) STRICT;
  CREATE TABLE runs (
    campaign INTEGER NOT NULL REFERENCES campaigns, position INTEGER NOT NULL, cell INTEGER NOT NULL, seed INTEGER NOT NULL,
    outcome TEXT NOT NULL, bucket INTEGER REFERENCES buckets, instructions INTEGER NOT NULL, micros INTEGER NOT NULL,
    at INTEGER NOT NULL, sitting INTEGER NOT NULL,
    PRIMARY KEY (campaign, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX runs_bucket ON runs (bucket) WHERE bucket IS NOT NULL;
  CREATE TABLE failures (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, campaign INTEGER NOT NULL REFERENCES campaigns,
    position INTEGER NOT NULL, cell INTEGER NOT NULL, seed INTEGER NOT NULL, bucket INTEGER NOT NULL REFERENCES buckets,
    kind TEXT NOT NULL, what TEXT NOT NULL, instructions INTEGER NOT NULL, created INTEGER NOT NULL, label TEXT,
    UNIQUE (campaign, position)
  ) STRICT;
  CREATE INDEX failures_bucket ON failures (bucket);
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY, subject TEXT NOT NULL, at INTEGER NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL
  ) STRICT;
  CREATE INDEX journal_subject ON journal (subject);
  `,
  // Sums and whatever is asked of failed runs, so that a list looks at no run that passed.
  `
  CREATE TABLE tallies (
    campaign INTEGER NOT NULL REFERENCES campaigns, cell INTEGER NOT NULL, outcome TEXT NOT NULL, runs INTEGER NOT NULL,
    PRIMARY KEY (campaign, cell, outcome)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO tallies SELECT campaign, cell, outcome, count(*) FROM runs GROUP BY 1, 2, 3;
  CREATE TRIGGER runs_made AFTER INSERT ON runs BEGIN
    INSERT INTO tallies VALUES (new.campaign, new.cell, new.outcome, 1) ON CONFLICT (campaign, cell, outcome) DO UPDATE SET runs = runs + 1;
  END;
  CREATE TRIGGER runs_gone AFTER DELETE ON runs BEGIN
    UPDATE tallies SET runs = runs - 1 WHERE campaign = old.campaign AND cell = old.cell AND outcome = old.outcome;
  END;
  DROP INDEX runs_bucket;
  CREATE INDEX runs_failed ON runs (bucket, campaign, cell, instructions, at) WHERE bucket IS NOT NULL;
  CREATE TABLE attributes (
    failure INTEGER NOT NULL REFERENCES failures, name TEXT NOT NULL, value TEXT NOT NULL, number REAL,
    PRIMARY KEY (failure, name)
  ) STRICT, WITHOUT ROWID;
  `,
  // What guided hunts have learned, for whoever resumes them.
  `
  CREATE TABLE guidance (campaign INTEGER PRIMARY KEY REFERENCES campaigns, learned BLOB NOT NULL) STRICT;
  `,
]

/** Version of the schema that this lemming writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** A row of an answer: columns by name. */
export type Row = Record<string, Sqlite.SQLInputValue>

/** An open catalogue. All calls are synchronous; a write is there for everybody, and survives a kill, once the call is back. */
export class Catalogue {
  readonly path: string
  private readonly db: Sqlite.DatabaseSync
  private readonly statements = new Map<string, Sqlite.StatementSync>()

  private constructor(path: string, db: Sqlite.DatabaseSync) {
    this.path = path
    this.db = db
  }

  /** Opens the catalogue at `path`, and makes it if there is none. */
  static open(path: string): Catalogue {
    const file = resolve(path)
    return guarded(file, () => {
      fs.mkdirSync(dirname(file), { recursive: true })
      const catalogue = new Catalogue(file, connect(file))
      try {
        catalogue.db.exec(
          'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000',
        )
        catalogue.migrate()
      } catch (error) {
        catalogue.db.close()
        throw error
      }
      return catalogue
    })
  }

  /** Opens the catalogue at `path` if there is one. */
  static existing(path: string): Catalogue | null {
    return fs.existsSync(path) ? Catalogue.open(path) : null
  }

  /** The rows that a query gives. */
  all<T = Row>(sql: string, ...values: Sqlite.SQLInputValue[]): T[] {
    return guarded(this.path, () => this.statement(sql).all(...values) as T[])
  }

  /** The first row, or undefined. */
  get<T = Row>(sql: string, ...values: Sqlite.SQLInputValue[]): T | undefined {
    return guarded(this.path, () => this.statement(sql).get(...values) as T | undefined)
  }

  /** Executes a statement; the number of the row that it inserted. */
  run(sql: string, ...values: Sqlite.SQLInputValue[]): number {
    return guarded(this.path, () => Number(this.statement(sql).run(...values).lastInsertRowid))
  }

  /** Everything that `act` writes, or nothing of it. Not nested. */
  transaction<T>(act: () => T): T {
    return guarded(this.path, () => {
      this.db.exec('BEGIN IMMEDIATE')
      try {
        const result = act()
        this.db.exec('COMMIT')
        return result
      } catch (error) {
        if (this.db.isTransaction) this.db.exec('ROLLBACK')
        throw error
      }
    })
  }

  /** Problems that SQLite itself finds in the file; none is `[]`. */
  problems(): string[] {
    const broken = this.all<{ integrity_check: string }>('PRAGMA integrity_check').map((row) => row.integrity_check)
    const dangling = this.all<{ table: string }>('PRAGMA foreign_key_check').map(
      ({ table }) => `a row of ${table} refers to nothing`,
    )
    return [...broken.filter((text) => text !== 'ok'), ...dangling]
  }

  close(): void {
    if (!this.db.isOpen) return
    this.statements.clear()
    this.db.close()
  }

  private statement(sql: string): Sqlite.StatementSync {
    let statement = this.statements.get(sql)
    if (statement === undefined) this.statements.set(sql, (statement = this.db.prepare(sql)))
    return statement
  }

  private migrate(): void {
    if (this.version() === SCHEMA_VERSION) return
    this.db.exec('BEGIN IMMEDIATE')
    // Another process may have been faster.
    for (let version = this.version(); version < SCHEMA_VERSION; version++) {
      this.db.exec(MIGRATIONS[version]!)
      this.db.exec(`PRAGMA user_version = ${version + 1}; PRAGMA application_id = ${APPLICATION}`)
    }
    this.db.exec('COMMIT')
  }

  /** The version of the file's schema, 0 for a new one; refuses what is no catalogue, and those of a newer lemming. */
  private version(): number {
    const pragma = (name: string): number => Number(Object.values(this.db.prepare(`PRAGMA ${name}`).get()!)[0])
    const version = pragma('user_version')
    const tables = this.db.prepare('SELECT count(*) AS n FROM sqlite_schema').get() as { n: number }
    if (pragma('application_id') !== APPLICATION && tables.n > 0)
      throw new LemmingError(
        'catalogue-foreign',
        `${this.path}: a database, but not a catalogue of lemming's`,
        'choose another place with --out',
      )
    if (version > SCHEMA_VERSION)
      throw new LemmingError(
        'catalogue-newer',
        `${this.path}: a catalogue of version ${version}, and this lemming knows versions up to ${SCHEMA_VERSION}`,
        'use the newer lemming that wrote it, or choose another place with --out',
      )
    return version
  }
}

/** The rows that one SELECT gives, from a connection that can write nothing. */
export function query(path: string, sql: string): Row[] {
  const file = resolve(path)
  Catalogue.open(file).close()
  const db = guarded(file, () => connect(file, true))
  try {
    if (!/^\s*(select|with|values|explain|pragma)\b/i.test(sql)) throw new Error('only a SELECT is allowed')
    return db.prepare(sql).all() as Row[]
  } catch (error) {
    throw new LemmingError(
      'usage',
      `--sql: ${(error as Error).message}`,
      'the tables are campaigns, sittings, cells, runs, failures, buckets, journal, tallies, attributes; only reading is allowed',
    )
  } finally {
    db.close()
  }
}

function connect(file: string, readOnly = false): Sqlite.DatabaseSync {
  return new (sqlite().DatabaseSync)(file, { timeout: PATIENCE, readOnly })
}

let loaded: typeof Sqlite | undefined

/** Node's SQLite, loaded when a catalogue is first opened: older versions of Node print a warning that it is new, which no user of lemming asked for. */
function sqlite(): typeof Sqlite {
  if (loaded !== undefined) return loaded
  const own = Object.getOwnPropertyDescriptor(process, 'emitWarning')!
  process.emitWarning = () => {}
  try {
    return (loaded = process.getBuiltinModule('node:sqlite'))
  } finally {
    Object.defineProperty(process, 'emitWarning', own)
  }
}

/** SQLite's errors as ours: by the file, with a next step. */
function guarded<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof LemmingError) throw error
    const { errcode, code, message } = error as Error & { errcode?: number; code?: string }
    if (errcode === undefined && code === undefined) throw error
    // Primary result codes: SQLITE_BUSY 5, SQLITE_CORRUPT 11, SQLITE_FULL 13, SQLITE_NOTADB 26.
    const primary = errcode === undefined ? undefined : errcode & 0xff
    if (primary === 11 || primary === 26)
      throw new LemmingError(
        'catalogue-damaged',
        `${path}: ${message}`,
        'move it away: the next hunt makes a new one, and takes over the failures that are in the directory beside it',
      )
    if (primary === 5)
      throw new LemmingError(
        'catalogue-busy',
        `${path}: another process has held it for ${PATIENCE / 1000} s`,
        'see who it is: lemming status',
      )
    if (primary === 13)
      throw new LemmingError(
        'catalogue-unwritable',
        `${path}: ${message}`,
        'make room; nothing that was recorded is lost, and a hunt goes on with lemming hunt --resume',
      )
    if (primary === 1) throw error
    throw new LemmingError(
      'catalogue-unwritable',
      `${path}: ${errcode === undefined ? code : message}`,
      'choose a place that can be written with --out',
    )
  }
}
