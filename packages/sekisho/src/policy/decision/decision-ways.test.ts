import { expect, test } from 'vitest'
import { entityStore } from '../cedar/entities.ts'
import type { Described } from './cedar-context.ts'
import { describeCall, uidOf } from './cedar-context.ts'
import { compileBundle } from './compiled-bundle.ts'
import { DecisionWays } from './decision-ways.ts'
import { bundleOf } from './testing/bundle.ts'

const POLICIES = `
  @id("any") permit (principal, action, resource);
  @id("closed") forbid (principal, action, resource) when { resource.confidentiality == "secret" };
  @id("one-provider") forbid (principal, action, resource in Sekisho::ModelProvider::"b");`

const SESSION = uidOf('Session', 's')
const REQUEST = uidOf('Action', 'http.request')
const GENERATE = uidOf('Action', 'llm.generate')

function waysOf(secret: readonly string[]): (described: Described) => string {
  const label = {
    integrity: 'user',
    confidentiality: 'secret',
    external: true,
    groups: [],
  } as const
  const bundle = compileBundle(
    bundleOf(POLICIES, { hosts: secret.map((host) => ({ host, ...label, groups: [] })) }),
  )
  const ways = new DecisionWays(bundle, [{ uid: SESSION, who: 'agent' }], entityStore([]))
  return (described) =>
    ways
      .to(described)
      .map(({ who, decide }) => `${who}: ${decide(new Map()).determining.join(' ')}`)
      .join()
}

test('each of many hosts is decided by its own label, the first time and again', () => {
  const secret = ['h7.example', 'h150.example']
  const decide = waysOf(secret)
  const hosts = Array.from({ length: 200 }, (_, at) => `h${at}.example`)
  const answers = [...hosts, ...hosts].map((host) =>
    decide({ action: REQUEST, resource: uidOf('Host', host), own: [] }),
  )
  expect(answers).toEqual(
    [...hosts, ...hosts].map((host) => (secret.includes(host) ? 'agent: closed' : 'agent: any')),
  )
})

test('a model that is named like another of another provider is not taken for that', () => {
  const decide = waysOf([])
  const model = (provider: string, id: string): Described => ({
    action: GENERATE,
    resource: uidOf('Model', id),
    parents: [uidOf('ModelProvider', provider)],
    own: [],
  })
  const asked = [model('a', 'x'), model('b', 'x'), model('a', 'b\nx'), model('a', 'x')]
  expect(asked.map(decide)).toEqual([
    'agent: any',
    'agent: one-provider',
    'agent: any',
    'agent: any',
  ])
})

test('what an operation is called with is no part of its way', () => {
  const decide = waysOf([])
  const calls = [1n, 2n].map(() => describeCall('mail.send', new Map()))
  expect(calls.map(decide)).toEqual(['agent: any', 'agent: any'])
})
