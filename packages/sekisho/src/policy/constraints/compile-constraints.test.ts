import { expect, test } from 'vitest'
import type { Action } from '../../core/action.ts'
import type { Constraint } from '../../wire/constraints.ts'
import { type ActionFacts, type Json, NO_FACTS } from '../../core/facts.ts'
import { compileConstraints } from './compile-constraints.ts'

const count: Constraint = {
  id: 'some',
  of: {},
  measure: { kind: 'count' },
  per: 'session',
  windowMs: null,
  max: 10,
}
const sum = (argument: string): Constraint['measure'] => ({
  kind: 'sum',
  argument,
  min: 0,
  max: 1000,
})
const request: Action = {
  kind: 'http.request',
  scheme: 'https',
  method: 'POST',
  host: 'bank.example',
  port: 443,
  path: '/transfers',
  query: null,
}
const calling = (args: Json, rest: Partial<ActionFacts> = {}): ActionFacts => ({
  ...NO_FACTS,
  ...rest,
  operation: {
    id: 'bank.transfer',
    arguments: args,
    reversibility: 'irreversible',
    consequence: 'high',
  },
})
const amountOf = (
  constraint: Partial<Constraint>,
  facts: ActionFacts = NO_FACTS,
  action: Action = request,
): number | null | undefined =>
  compileConstraints([{ ...count, ...constraint }], 'coder').amountsFor(action, facts)?.['some']

test.for([
  ['any action', {}, 1],
  ['its agent', { agent: 'coder' }, 1],
  ['another agent', { agent: 'mailer' }, undefined],
  ['its operation', { operation: 'bank.transfer' }, 1],
  ['another operation', { operation: 'bank.read' }, undefined],
  ['its action', { action: 'http.request' }, 1],
  ['what it is too', { action: 'tool.call' }, 1],
  ['another action', { action: 'dns.resolve' }, undefined],
  ['an action that goes along', { action: 'secret.use' }, 1],
  ['its host', { host: 'bank.example' }, 1],
  ['a host below', { host: '*.example' }, 1],
  ['another host', { host: 'bank.example.org' }, undefined],
  ['its method', { method: 'POST' }, 1],
  ['another method', { method: 'GET' }, undefined],
  [
    'all of it',
    { agent: 'coder', operation: 'bank.transfer', host: 'bank.example', method: 'POST' },
    1,
  ],
  ['all but one of it', { agent: 'coder', operation: 'bank.transfer', method: 'PUT' }, undefined],
] as const)('a constraint of %s', ([, of, amount]) => {
  expect(amountOf({ of }, calling({}, { credentials: ['token'] }))).toBe(amount)
})

test('a name is a host, a connection has no method', () => {
  const name: Action = { kind: 'dns.resolve', name: 'bank.example', type: 'A' }
  expect(amountOf({ of: { host: 'bank.example' } }, NO_FACTS, name)).toBe(1)
  expect(amountOf({ of: { method: 'POST' } }, NO_FACTS, name)).toBeUndefined()
})

test.for([
  ['an argument', 'amount', { amount: 999 }, 999],
  ['a fraction, rounded up', 'amount', { amount: 9.01 }, 10],
  ['one below nought, towards it', 'amount', { amount: -9.99 }, -9],
  ['each entry of a list', 'items[].amount', { items: [{ amount: 1 }, { amount: 2.5 }] }, 4],
  ['one that is left out: unknown', 'amount', {}, null],
  ['one that is no number: unknown', 'amount', { amount: '5' }, null],
  ['a list of which one is no number: unknown', 'items[]', { items: [1, 'x'] }, null],
  ['more than is exact', 'items[]', { items: [2 ** 53 - 1, 2 ** 53 - 1] }, 2 ** 53 - 1],
] as const)('a sum counts %s', ([, argument, args, amount]) => {
  const read: Json = JSON.parse(JSON.stringify(args))
  expect(amountOf({ measure: sum(argument) }, calling(read))).toBe(amount)
})

test('a sum of a request that is no operation is unknown', () => {
  expect(amountOf({ measure: sum('amount') })).toBeNull()
})

test('bytes are those of the body', () => {
  expect(amountOf({ measure: { kind: 'bytes' } }, { ...NO_FACTS, bodyBytes: 7 })).toBe(7)
})

test('an action under no constraint needs no ledger', () => {
  expect(compileConstraints([], 'coder').amountsFor(request, NO_FACTS)).toBeNull()
})
