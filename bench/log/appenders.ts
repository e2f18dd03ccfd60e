import { generateKeyPairSync } from 'node:crypto'
import { closeSync, constants, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { noteCosigner, noteSigner } from '../../packages/verify/src/index.ts'
import { openLog } from '../../packages/sekisho/src/keyholder/log/open-log.ts'
import { benchSessions, intentLeaf } from './leaves.ts'

/** Something that makes records durable, for as many callers as there are. */
export type Appender = {
  /** resolves once the record is durable */
  append(caller: number, turn: number): Promise<unknown>
  close(): Promise<void>
}

/** The log as the keyholder writes it, each leaf signed by the key of one of so many sessions. */
export async function sekishoLog(dir: string, sessionCount: number): Promise<Appender> {
  const name = 'sekisho/log/bench'
  const signer = noteSigner(name, generateKeyPairSync('ed25519').privateKey)
  const postQuantum = noteCosigner(name, generateKeyPairSync('ml-dsa-44').privateKey)
  const log = await openLog({ dir, signer, postQuantum, now: () => new Date() })
  const sessions = benchSessions(sessionCount)
  return {
    append: (caller, turn) => {
      const session = sessions[caller % sessions.length]
      if (session === undefined) throw new RangeError('want a session')
      return log.append(intentLeaf(session.id, `${caller}-${turn}`), session.signer)
    },
    close: () => log.close(),
  }
}

/** One insert per transaction, durable when it returns: a write-ahead log, flushed at each commit. */
export function sqlite(dir: string): Appender {
  const database = new DatabaseSync(join(dir, 'events.sqlite'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE event (id INTEGER PRIMARY KEY, at TEXT, leaf TEXT) STRICT')
  const insert = database.prepare('INSERT INTO event (at, leaf) VALUES (?, ?)')
  return oneByOne({
    write: (leaf) => void insert.run(new Date().toISOString(), JSON.stringify(leaf)),
    close: () => database.close(),
  })
}

/** A line of JSON and a flush per event. */
export function jsonLines(dir: string): Appender {
  const descriptor = openSync(join(dir, 'events.jsonl'), 'a')
  return oneByOne({
    write: (leaf) => {
      writeSync(descriptor, `${JSON.stringify({ ...leaf, at: new Date().toISOString() })}\n`)
      fdatasyncSync(descriptor)
    },
    close: () => closeSync(descriptor),
  })
}

/** Callers wait in a line: the first come is the first written. */
function oneByOne(file: { write(leaf: object): void; close(): void }): Appender {
  let line = Promise.resolve()
  return {
    append: (caller, turn) => {
      line = line.then(() => file.write(intentLeaf(`s-${caller}`, `${caller}-${turn}`)))
      return line
    },
    close: async () => file.close(),
  }
}

/** What the disk gives when nothing is computed: so many leaves to a write. */
export function rawBatches(
  dir: string,
  { batch, bytes }: { batch: number; bytes: number },
): { write(): number; close(): void } {
  const { O_CREAT, O_WRONLY, O_APPEND, O_DSYNC } = constants
  const descriptor = openSync(join(dir, 'raw'), O_CREAT | O_WRONLY | O_APPEND | O_DSYNC)
  const content = Buffer.alloc(batch * bytes, 'x')
  return {
    write: () => {
      writeSync(descriptor, content)
      return batch
    },
    close: () => closeSync(descriptor),
  }
}
