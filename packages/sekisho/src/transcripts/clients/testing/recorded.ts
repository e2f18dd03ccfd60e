import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { DatabaseSync } from 'node:sqlite'
import type { Transcript } from '../../claim.ts'

/** A file that a published client has written, of the scripted model's calls. */
export function recorded(name: string): Buffer {
  return brotliDecompressSync(readFileSync(join(import.meta.dirname, `${name}.br`)))
}

/** A database made by `sql`, as the bytes of its file. */
export function made(sql: string): Transcript {
  const db = new DatabaseSync(':memory:')
  try {
    db.exec(sql)
    return { content: db.serialize(), journal: null }
  } finally {
    db.close()
  }
}

/** A text as SQL has it. */
export function quoted(value: unknown): string {
  return `'${JSON.stringify(value).replaceAll("'", "''")}'`
}
