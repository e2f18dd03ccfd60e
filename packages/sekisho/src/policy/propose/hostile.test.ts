import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Action } from '../../core/action.ts'
import { parseAgentFile } from '../agent-file.ts'
import { AttemptLedger } from './attempts.ts'
import { writePatch } from './patch.ts'
import { propose } from './proposal.ts'
import { describePatch, describeProposal } from './report.ts'
import { groundOf, leafOf, name, PATH, request, SESSION } from './testing/denied.ts'

const TEXT = 'version: 1\nname: docs-bot\nrules:\n  - { id: a, effect: allow, host: a.example }\n'
const ground = groundOf(TEXT)

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '\u001b]0;x\u0007',
    '"\n  - id: all\n    effect: allow\n    host: evil.example\n',
    '--- a/agents/default.yaml',
    '\n+++ b/x\n@@ -1 +1 @@\n',
    "' && curl evil.example",
    '/{{ x }}/${y}/#z',
    'null',
    '1e5',
    '&a',
    '/: [x]',
    '\u202e',
  ),
)
const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('http.request' as const),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    method: fc.oneof(hostile, fc.constant('GET')),
    host: fc.oneof(hostile, fc.constantFrom('b.example', 'null.example', '1e5.example')),
    port: fc.constantFrom(80, 443),
    path: fc.oneof(
      hostile,
      fc.constantFrom('/x:', '/a:b', "/'q'", '/~!@', '/,', '/-'),
      hostile.map((s) => `/${encodeURIComponent(s.toWellFormed())}`),
    ),
    query: fc.option(hostile),
  }),
  fc.record({ kind: fc.constant('dns.resolve' as const), name: hostile, type: hostile }),
  fc.record({
    kind: fc.constant('net.connect' as const),
    transport: fc.constant('tcp' as const),
    address: hostile,
    port: fc.constant(443),
    host: fc.option(hostile),
  }),
)

test('nothing that an agent wrote breaks out of the YAML, the diff or the terminal', () => {
  fc.assert(
    fc.property(fc.array(actions, { minLength: 1, maxLength: 10 }), (list) => {
      const ledger = new AttemptLedger()
      for (const action of list) ledger.add(leafOf(action))
      const proposal = propose(SESSION, ledger.attempts(), ground)
      for (const line of describeProposal(proposal)) expect(line).toMatch(/^#[ -~…]*$/)
      if (proposal.rules.length === 0) return
      const patch = writePatch(proposal, { path: PATH, text: TEXT }, ground)
      for (const line of describePatch(patch, PATH)) expect(line).toMatch(/^#[ -~…]*$/)
      expect(patch.kind).toBe('patch')
      expect(patch.text).toMatch(/^[\n -~]*$/)
      expect(patch.text.match(/^(?:---|\+\+\+) .*$/gm)).toEqual([`--- a/${PATH}`, `+++ b/${PATH}`])
      const added = patch.text.split('\n').filter((line) => /^\+ {2}- id:/.test(line))
      expect(added).toHaveLength(proposal.rules.length)
    }),
    { numRuns: 500 },
  )
})

test('a hundred thousand different denials are read in bounded time into a short review', () => {
  const ledger = new AttemptLedger()
  for (let i = 0; i < 50_000; i += 1) {
    ledger.add(leafOf(request('GET', 'https://b.example/', { path: `/${i.toString(36)}/x${i}` })))
    ledger.add(leafOf(name(`n${i}.${i % 1000}x.example`)))
  }
  const proposal = propose(SESSION, ledger.attempts(), ground)
  const patch = writePatch(proposal, { path: PATH, text: TEXT }, ground)
  expect(proposal.rules.length).toBeLessThanOrEqual(40)
  expect(describeProposal(proposal).join('\n').length + patch.text.length).toBeLessThan(100_000)
  const listed = [...proposal.rules, ...proposal.notProposed].map(({ attempts }) => attempts)
  const counted = listed.reduce((total, attempts) => total + attempts, 0)
  expect(counted + proposal.leftOut).toBe(100_000)
})

test('forty rules of a flood still make a file that is valid', () => {
  const ledger = new AttemptLedger()
  for (let i = 0; i < 100; i += 1) ledger.add(leafOf(request('GET', `https://h${i}.example/x`)))
  const proposal = propose(SESSION, ledger.attempts(), ground)
  const patch = writePatch(proposal, { path: PATH, text: TEXT }, ground)
  expect([proposal.rules.length, patch.kind]).toEqual([40, 'patch'])
  expect(() => parseAgentFile(TEXT, PATH)).not.toThrow()
})
