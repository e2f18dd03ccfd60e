/**
 * Trains the injection score and writes its weights:
 * `.runtime/node scripts/train-injection.ts --data FILE` with FILE in JSON Lines of `text`, `label`
 * (1 for an attack) and `source`. The same file gives the same weights.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readDocuments } from './injection/documents.ts'
import { fit, pack } from './injection/fit.ts'
import { ownDocuments } from './injection/own-documents.ts'
import { samplesOf } from './injection/samples.ts'

const WEIGHTS = resolve(
  import.meta.dirname,
  '../packages/sekisho/src/detect/content/injection/weights.ts',
)

function main(): void {
  const { values } = parseArgs({ options: { data: { type: 'string' }, day: { type: 'string' } } })
  if (values.data === undefined)
    throw new TypeError('usage: train-injection.ts --data FILE [--day 2026-11-22]')
  const documents = [...readDocuments(values.data), ...ownDocuments()]
  const { model } = fit(samplesOf(documents))
  const made = values.day ?? new Date().toISOString().slice(0, 10)
  const { packed, ...rest } = pack(model, made)
  const fields = Object.entries(rest).map(([name, value]) => `  ${name}: ${literal(value)},\n`)
  writeFileSync(
    WEIGHTS,
    `import type { PackedModel } from './model.ts'\n\n/** Made by scripts/train-injection.ts; docs/guides/filters.md says of what. */\nexport const PACKED: PackedModel = {\n${fields.join('')}  packed:\n    '${packed}',\n}\n`,
  )
  process.stdout.write(`${documents.length} documents, ${packed.length} bytes of weights\n`)
}

function literal(value: string | number): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

main()
