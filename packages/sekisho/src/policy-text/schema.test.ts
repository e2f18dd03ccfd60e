import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import type { Action } from '../core/action.ts'
import { type ActionFacts, NO_FACTS } from '../core/facts.ts'
import { Datetime } from '../policy/cedar/datetime.ts'
import { Decimal } from '../policy/cedar/decimal.ts'
import { CedarSet } from '../policy/cedar/set.ts'
import { type CedarValue, EntityRef, Fault, isRecord } from '../policy/cedar/value.ts'
import { valueOfJson } from '../policy/cedar/value-json.ts'
import {
  describeAction,
  describeCall,
  type Described,
  describeSecret,
  factsRecord,
  uidOf,
} from '../policy/decision/cedar-context.ts'
import { compileOperations } from '../policy/operations/operation-index.ts'
import type { Operation } from '../wire/operations.ts'
import { actionsOf } from './bundle-cedar.ts'
import { schemaWith } from './schema.ts'

const MAIL: Operation = {
  id: 'mail.send',
  scheme: 'https',
  host: 'mail.example.com',
  port: 443,
  methods: ['POST'],
  paths: ['/send'],
  arguments: 'json',
  parameters: {
    type: 'object',
    properties: {
      to: { type: 'array', items: { type: 'string' } },
      fee: { type: 'number', multipleOf: 0.01 },
      urgent: { type: 'boolean' },
    },
    required: ['to'],
  },
  critical: { recipient: ['to[]'] },
  reversibility: 'irreversible',
  consequence: 'low',
}
const schema = schemaWith(cedar, actionsOf([MAIL]))

/** The request as Cedar's library takes it, checked against the schema before it is decided. */
function complaints({ action, resource, own }: Described, facts: ActionFacts): readonly string[] {
  const classified = { effect: 'read', reversibility: 'read_only', consequence: 'low' } as const
  const record = factsRecord({ facts, classified, grants: ['read'], nowMs: 1_800_000_000_123 })
  return ['Session', 'User'].flatMap((type) => {
    const answer = cedar.isAuthorized({
      principal: { type: `Sekisho::${type}`, id: 'x' },
      action: { type: action.type, id: action.id },
      resource: { type: resource.type, id: resource.id },
      context: { facts: json(record), ...Object.fromEntries(own.map(([k, v]) => [k, json(v)])) },
      schema,
      validateRequest: true,
      policies: { staticPolicies: 'permit(principal, action, resource);' },
      entities: [],
    })
    return answer.type === 'failure' ? answer.errors.map(({ message }) => message) : []
  })
}

function json(value: CedarValue): cedar.CedarValueJson {
  if (value instanceof CedarSet) return [...value].map(json)
  if (value instanceof EntityRef) return { __entity: { type: value.type, id: value.id } }
  if (value instanceof Datetime) {
    const arg = new Date(Number(value.epochMs)).toISOString()
    return { __extn: { fn: 'datetime', arg } }
  }
  if (value instanceof Decimal) return { __extn: { fn: 'decimal', arg: '1.50' } }
  if (isRecord(value)) return Object.fromEntries([...value].map(([k, v]) => [k, json(v)]))
  if (typeof value === 'object' || typeof value === 'bigint') throw new TypeError('not used here')
  return value
}

const http: Action = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'a.example',
  port: 443,
  path: '/',
  query: null,
}
const FULL: ActionFacts = {
  ...NO_FACTS,
  findings: ['pii.card'],
  approvals: ['approver'],
  credentials: ['key'],
  unconfirmed: [{ kind: 'url', argument: 'u', value: '', origin: 'unknown' }],
}
const about = (action: Action): Described =>
  describeAction(action, { facts: FULL, scheme: 'https' })

test.for<[string, Described]>([
  ['a request', about(http)],
  [
    'a connection',
    about({ kind: 'net.connect', transport: 'tcp', address: '198.18.0.1', port: 443, host: null }),
  ],
  ['a name', about({ kind: 'dns.resolve', name: 'a.example', type: 'A' })],
  [
    'an install',
    about({
      kind: 'package.install',
      ecosystem: 'npm',
      name: 'a',
      version: '1.0.0',
      scheme: 'https',
      host: 'npm.example',
      port: 443,
      file: '/a.tgz',
    }),
  ],
  ['a credential that goes along', describeSecret('key')],
  [
    'the start of a session',
    { action: uidOf('Action', 'session.start'), resource: uidOf('Agent', 'a'), own: [] },
  ],
  ['an operation', describeCall('mail.send', argumentsOf({ to: ['a@b'], fee: 1.5, urgent: true }))],
  ['an operation with what it must have', describeCall('mail.send', argumentsOf({ to: [] }))],
])('what is asked about %s is as the schema has it', ([, described]) => {
  expect(complaints(described, FULL)).toEqual([])
  expect(complaints(described, NO_FACTS)).toEqual([])
})

test('what the schema does not have is found', () => {
  const wrong = { ...about(http), own: [] }
  expect(complaints(wrong, NO_FACTS)).toHaveLength(2)
})

function argumentsOf(args: { to: string[]; fee?: number; urgent?: boolean }): CedarValue {
  const record = compileOperations([MAIL]).get('mail.send')?.toCedarRecord(args)
  const value = valueOfJson(record ?? {})
  if (value instanceof Fault) throw new TypeError('no arguments')
  return value
}
