import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CedarPolicyJson } from '../wire/cedar.ts'
import { CedarSchemaJson } from '../wire/cedar-schema.ts'
import { encodePolicy } from './encode-policy.ts'
import { sceneOf } from './frame.ts'
import { readSchema } from './schema.ts'
import { solve } from './solve.ts'
import { TEST_SCHEMA } from './testing/random-policies.ts'
import { World } from './world.ts'
import { Z3 } from './z3.ts'

const schema = cedar.schemaToJson(TEST_SCHEMA)
const types = readSchema(CedarSchemaJson.parse(schema.type === 'success' && schema.json))
const READ = { action: 'read', resource: 'T::Host', principals: ['T::User'] }

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

test.for([
  [
    'an order is one',
    'principal in T::Group::"a" && T::Group::"a" in T::Group::"b" && !(principal in T::Group::"b")',
    'impossible',
  ],
  [
    'through the principal’s boss too',
    'principal in principal.boss && principal.boss in T::Group::"b" && !(principal in T::Group::"b")',
    'impossible',
  ],
  [
    'two are not in each other',
    'T::Group::"a" in T::Group::"b" && T::Group::"b" in T::Group::"a"',
    'impossible',
  ],
  ['a user is in no host', 'principal in T::Host::"h"', 'impossible'],
  ['a group may be in a group', 'T::Group::"a" in T::Group::"b"', 'possible'],
  [
    'an empty set has nothing',
    'context.facts.approvals.isEmpty() && context.facts.approvals.contains("a")',
    'impossible',
  ],
  [
    'a set may have what nobody asks about',
    '!context.facts.approvals.isEmpty() && !context.facts.approvals.contains("a")',
    'possible',
  ],
  [
    'but not within a set that is named',
    '["a"].containsAll(context.facts.approvals) && !context.facts.approvals.isEmpty() && !context.facts.approvals.contains("a")',
    'impossible',
  ],
  [
    'equal texts are one member',
    'context.path == resource.name && context.facts.approvals.contains(context.path) && !context.facts.approvals.contains(resource.name)',
    'impossible',
  ],
  [
    'a subset has no more',
    'resource.tags.containsAll(context.facts.approvals) && context.facts.approvals.contains("a") && !resource.tags.contains("a")',
    'impossible',
  ],
  [
    'also of what nobody asks about',
    'resource.tags.containsAll(context.facts.approvals) && resource.tags.isEmpty() && !context.facts.approvals.isEmpty()',
    'impossible',
  ],
  [
    'sets that overlap share something',
    'resource.tags.containsAny(context.facts.approvals) && resource.tags.isEmpty()',
    'impossible',
  ],
  [
    'one entity has one value',
    'principal == principal.boss && principal.level != principal.boss.level',
    'impossible',
  ],
  [
    'also by its name',
    'principal == T::User::"u" && T::User::"u".enabled && !principal.enabled',
    'impossible',
  ],
  ['two may differ', 'principal.level != principal.boss.level', 'possible'],
  ['a Long has 64 bits', 'principal.level > 9007199254740991 * 1024 + 1023', 'impossible'],
  [
    'a sum that does not fit is no number',
    'principal.level > 0 && principal.level + 9007199254740991 * 1024 + 1023 != 0',
    'impossible',
  ],
  [
    'what is not there is not read',
    'context.facts.left > 0 && !(context.facts has left)',
    'impossible',
  ],
])('%s', async ([, body, want]) => {
  const parsed = cedar.policyToJson(`permit (principal, action, resource) when { ${body} };`)
  const policy = CedarPolicyJson.parse(parsed.type === 'success' && parsed.json)
  const world = new World([types])
  const scene = sceneOf(READ, 'T::User', { world, types })
  if (scene === undefined) throw new Error('no such request')
  const { holds } = encodePolicy({ id: 'p', policy }, scene)
  const now = (): number => performance.now()
  const answer = await solve([holds, ...world.facts()], { ask: z3.ask, timeoutMs: 60_000, now })
  expect(answer.kind).toBe(want)
})
