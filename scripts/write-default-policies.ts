/** Writes the constants that stand for policy/sekisho.cedarschema and policy/defaults.cedar. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCedar } from '../packages/sekisho/src/policy-text/load-cedar.ts'

const root = join(import.meta.dirname, '..')
const target = join(root, 'packages/sekisho/src/policy-text')

const schema = readFileSync(join(root, 'policy/sekisho.cedarschema'), 'utf8')
writeFileSync(
  join(target, 'schema-text.ts'),
  `/** \`policy/sekisho.cedarschema\`, which a test compares this with. */
export const SCHEMA_TEXT = \`${schema.replace(/[\\`$]/g, '\\$&')}\`
`,
)

// the schema that this module was loaded with may be the one before: run it again after a change
const text = readFileSync(join(root, 'policy/defaults.cedar'), 'utf8')
const { policies, places, problems } = await readCedar(new Map([['defaults.cedar', text]]))
for (const { line, column, message } of problems) {
  process.stderr.write(`defaults.cedar:${line}:${column}: ${message}\n`)
}
if (problems.length > 0) process.exit(1)
const rows = policies.map(({ id, policy }) => {
  const json = JSON.stringify(policy).replace(/[\\']/g, '\\$&')
  return `  {\n    id: '${id}',\n    line: ${places.get(id)?.line ?? 1},\n    policy:\n      '${json}',\n  },\n`
})
writeFileSync(
  join(target, 'compiled-defaults.ts'),
  `/** \`policy/defaults.cedar\` as Cedar's library gives it; \`scripts/write-default-policies.ts\` writes this. */
export const COMPILED_DEFAULTS: readonly { id: string; line: number; policy: string }[] = [
${rows.join('')}]

/** SHA-256 of that file */
export const DEFAULTS_DIGEST = '${createHash('sha256').update(text).digest('hex')}'
`,
)
