import * as z from 'zod'
import type { HostLabel } from '../wire/decision.ts'
import { Confidentiality, Integrity } from '../wire/labels.ts'
import { explainRepeated } from './explain-repeated.ts'
import { readHostPattern } from './host-pattern.ts'
import type { Problem } from './problem.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'
import { readGroup } from './users-file.ts'

const HostsSchema = z.strictObject({
  version: z.literal(1),
  hosts: z
    .array(
      z
        .strictObject({
          host: text(readHostPattern),
          integrity: Integrity.extract(['trusted', 'untrusted']),
          confidentiality: Confidentiality,
          external: z.boolean().default(true),
          groups: z.array(text(readGroup)).max(32).default([]),
          reason: z.string().max(1024).default(''),
        })
        .transform(({ reason: _forPeople, ...label }): HostLabel => label),
    )
    .max(2000),
})

/**
 * What the operator says of hosts: `hosts.yaml`.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseHosts(source: string, path: string): readonly HostLabel[] {
  return readStrictFile(source, path, { schema: HostsSchema, check: checkHosts }).hosts
}

function checkHosts({ hosts }: { hosts: readonly HostLabel[] }): readonly Problem[] {
  return explainRepeated(['hosts'], 'host', { items: hosts, keyOf: ({ host }) => host })
}
