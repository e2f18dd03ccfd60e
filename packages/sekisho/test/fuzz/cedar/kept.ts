import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { CedarJsonRecord } from '../../../src/policy/cedar/value-json.ts'
import { CedarPolicies, EntityUid } from '../../../src/wire/cedar.ts'
import { decodeLongs } from './exact-json.ts'
import { Answer } from './oracle.ts'

const Values = z.custom<CedarJsonRecord>((value) => typeof value === 'object' && value !== null)

const KeptTriple = z.strictObject({
  /** what it is kept for */
  about: z.string(),
  policies: CedarPolicies,
  entities: z.array(
    z.strictObject({ uid: EntityUid, attrs: Values, tags: Values, parents: z.array(EntityUid) }),
  ),
  request: z.strictObject({
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    context: Values,
  }),
  /** Cedar's own, from when it was kept */
  answer: Answer,
})
export type KeptTriple = z.infer<typeof KeptTriple>

const CORPUS = join(import.meta.dirname, 'corpus')

/** Triples that are tried every time, file by file; a JSON object a line. */
export function keptTriples(): { file: string; triples: KeptTriple[] }[] {
  return globSync('*.jsonl', { cwd: CORPUS })
    .sort()
    .map((file) => {
      const lines = readFileSync(join(CORPUS, file), 'utf8').split('\n')
      const triples = lines
        .filter((line) => line !== '')
        .map((line) => KeptTriple.parse(JSON.parse(line, decodeLongs)))
      return { file, triples }
    })
}
