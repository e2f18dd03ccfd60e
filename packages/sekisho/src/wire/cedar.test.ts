import { expect, test } from 'vitest'
import { CedarPolicies, Expr } from './cedar.ts'
import { nodeOf, operandsOf } from './cedar-node.ts'

const ALL = { op: 'All' }

function policyWith(body: unknown): unknown {
  const conditions = [{ kind: 'when', body }]
  const scopes = { principal: ALL, action: ALL, resource: ALL }
  return [{ id: 'p', policy: { effect: 'permit', ...scopes, conditions } }]
}

const TRUE = { Value: true }

test.for([
  ['an operator', { '==': { left: TRUE, right: TRUE } }],
  ['a call', { isInRange: [{ ip: [{ Value: '10.0.0.1' }] }, { ip: [{ Value: '::/0' }] }] }],
  ['an attribute called __proto__', JSON.parse('{"Record":{"__proto__":{"Value":1}}}')],
  ['a path', { has: { left: { Var: 'context' }, attr: ['facts', 'now'] } }],
  ['an entity', { Value: { __entity: { type: 'A::B', id: 'any "text"' } } }],
  ['a value of an extension', { Value: { __extn: { fn: 'decimal', arg: '1.0' } } }],
  ['the greatest safe integer', { Value: 9_007_199_254_740_991 }],
] as const)('takes %s as it is', ([, body]) => {
  const [taken] = CedarPolicies.parse(policyWith(body))
  expect(taken?.policy.conditions[0]?.body).toBe(body)
})

test.for([
  ['an operator that Cedar does not have', { xor: { left: TRUE, right: TRUE } }],
  ['a slot', { Slot: '?principal' }],
  ['an operator with a side missing', { '&&': { left: TRUE } }],
  ['an operator with a member too many', { '!': { arg: TRUE, other: TRUE } }],
  ['two operators in one', { '!': { arg: TRUE }, neg: { arg: TRUE } }],
  ['a number whose digits are lost', { Value: 2 ** 63 }],
  ['a fraction', { Value: 1.5 }],
  ['null', { Value: null }],
  ['half a surrogate pair', { Value: '\ud800' }],
  ['an empty path', { has: { left: TRUE, attr: [] } }],
  ['a pattern that is none', { like: { left: TRUE, pattern: ['*'] } }],
  ['an unknown variable', { Var: 'user' }],
  ['the escape that Cedar gave up', { Value: { __expr: '1' } }],
  ['an operator from Object’s prototype', JSON.parse('{"toString":{"arg":{"Value":1}}}')],
] as const)('refuses %s', ([, body]) => {
  expect(CedarPolicies.safeParse(policyWith(body)).success).toBe(false)
})

test('refuses an expression that nests too deep, without recursing', () => {
  let deep: unknown = TRUE
  for (let depth = 0; depth < 100_000; depth++) deep = { '!': { arg: deep } }
  const read = Expr.safeParse(deep)
  expect(read.error?.issues[0]?.message).toBe('an expression nests at most 256 deep')
})

test('refuses an expression of too many parts', () => {
  const read = Expr.safeParse({ Set: Array.from({ length: 20_001 }, () => TRUE) })
  expect(read.error?.issues[0]?.message).toBe('an expression has at most 20000 nodes')
})

test('two policies with one id are refused', () => {
  const [policy] = CedarPolicies.parse(policyWith(TRUE))
  expect(CedarPolicies.safeParse([policy, policy]).success).toBe(false)
})

test('every part of an expression is among its operands', () => {
  const [a, b, c] = [{ Value: 1 }, { Value: 2 }, { Value: 3 }]
  const parts = (expr: Expr) => operandsOf(nodeOf(expr))
  // oxlint-disable-next-line unicorn/no-thenable -- Cedar's own name, and nobody awaits it
  expect(parts({ 'if-then-else': { if: a, then: b, else: c } })).toEqual([a, b, c])
  expect(parts({ is: { left: a, entity_type: 'A', in: b } })).toEqual([a, b])
  expect(parts({ Record: { x: a, y: b } })).toEqual([a, b])
  expect(parts({ isInRange: [a, b] })).toEqual([a, b])
  expect(parts({ has: { left: a, attr: 'x' } })).toEqual([a])
  expect(parts({ Var: 'context' })).toEqual([])
})

test('nodeOf throws for what the schema refuses', () => {
  const unchecked: unknown = JSON.parse('{"Slot":"?principal"}')
  const isExpr = (value: unknown): value is Expr => typeof value === 'object'
  if (!isExpr(unchecked)) throw new TypeError('an object')
  expect(() => nodeOf(unchecked)).toThrow(TypeError)
})
