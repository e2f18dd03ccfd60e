import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { leafSchemaFiles } from '../packages/sekisho/test/leaf-schema-files.ts'

/** Writes docs/leaves/: one JSON Schema for each type of leaf, made of what the code checks by. */
const directory = join(import.meta.dirname, '../docs/leaves')
mkdirSync(directory, { recursive: true })
for (const name of readdirSync(directory)) {
  if (name.endsWith('.json')) rmSync(join(directory, name))
}
for (const [name, text] of leafSchemaFiles()) writeFileSync(join(directory, name), text)
