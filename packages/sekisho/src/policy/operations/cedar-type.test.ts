import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaToJson, validate } from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import type { Operation } from '../../wire/operations.ts'
import { compileOperations } from './operation-index.ts'

const SCHEMA = readFileSync(
  join(import.meta.dirname, '../../../../../policy/sekisho.cedarschema'),
  'utf8',
)
const operation: Operation = {
  id: 'bank.transfer',
  scheme: 'https',
  host: 'bank.example',
  port: 443,
  methods: ['POST'],
  paths: ['/transfers'],
  arguments: 'json',
  parameters: {
    type: 'object',
    required: ['to', 'amount', 'tags'],
    properties: {
      to: { type: 'string' },
      amount: { type: 'number', multipleOf: 0.01 },
      tags: {
        type: 'array',
        items: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
      },
      'is-fast': { type: 'boolean' },
    },
  },
  critical: {},
  reversibility: 'irreversible',
  consequence: 'high',
}
const compiled = compileOperations([operation]).get('bank.transfer')

const problemsOf = (condition: string): string[] => {
  const base = schemaToJson(SCHEMA)
  if (base.type !== 'success') throw new Error(base.errors[0]?.message)
  const space = base.json['Sekisho']
  if (space === undefined || compiled === undefined) throw new Error('no namespace')
  const actions = { ...space.actions, 'tool.call/bank.transfer': compiled.cedarAction }
  const answer = validate({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by the library, which is the test
    schema: { ...base.json, Sekisho: { ...space, actions } } as never,
    policies: {
      staticPolicies: `permit (principal, action == Sekisho::Action::"tool.call/bank.transfer", resource) when { ${condition} };`,
    },
  })
  if (answer.type !== 'success') return answer.errors.map(({ message }) => message)
  return answer.validationErrors.map(({ error }) => error.message)
}

test.for([
  'context.args.to == "a"',
  'context.args.amount.lessThan(decimal("10.0"))',
  'context.args.tags.contains({n: 1})',
  'context.args has "is-fast" && context.args["is-fast"]',
  'context.facts.granted && context.call.operation == "bank.transfer"',
] as const)('Cedar takes %s', (condition) => {
  expect(problemsOf(condition)).toEqual([])
})

test.for([
  ['an argument that may be missing', 'context.args["is-fast"]'],
  ['an argument that nobody declared', 'context.args.cc == "a"'],
  ['a comparison of other types', 'context.args.to == 1'],
] as const)('Cedar refuses %s', ([, condition]) => {
  expect(problemsOf(condition)).toHaveLength(1)
})

test('what is said of every tool call is said of this one', () => {
  expect(compiled?.cedarAction.memberOf).toEqual([{ id: 'tool.call' }])
})

test('arguments become values of those types', () => {
  const args = { to: 'a', amount: 999.5, tags: [{ n: 1 }], 'is-fast': true }
  expect(compiled?.toCedarRecord(args)).toEqual({
    to: 'a',
    amount: { __extn: { fn: 'decimal', arg: '999.5000' } },
    tags: [{ n: 1 }],
    'is-fast': true,
  })
})
