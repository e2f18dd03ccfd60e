import * as z from 'zod'
import { LEAF_VERSION, STORED_LEAVES } from '../src/wire/stored-leaf.ts'

/** docs/leaves/ as the code has it: file names with their text (JSON Schema 2020-12). */
export function leafSchemaFiles(): [name: string, text: string][] {
  return [...STORED_LEAVES].map(([type, schema]) => {
    const title = `Sekisho log leaf ${type}, version ${LEAF_VERSION}`
    const { $schema, ...rest } = z.toJSONSchema(schema, { reused: 'inline' })
    return [`${type}.json`, `${JSON.stringify({ $schema, title, ...rest }, null, 2)}\n`]
  })
}
