import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import type { Label } from '../core/label.ts'
import type { LabelSource } from '../wire/labels.ts'
import { type Begun, GateLabels } from './session-labels.ts'

const STRANGE: Label = { integrity: 'untrusted', confidentiality: 'public' }
const OWN: Label = { integrity: 'trusted', confidentiality: 'internal' }
const TASK: LabelSource = {
  what: 'task',
  label: { integrity: 'user', confidentiality: 'public' },
}

function get(host: string): HttpRequestAction {
  return {
    kind: 'http.request',
    scheme: 'https',
    method: 'GET',
    host,
    port: 443,
    path: '/x',
    query: null,
  }
}

function labels(
  begins = [TASK],
  { isResumed = false, worst = 'internal' }: Partial<Begun> = {},
): { made: GateLabels; told: Label[] } {
  const told: Label[] = []
  const labelOf = (host: string): Label => (host === 'own.example' ? OWN : STRANGE)
  const made = new GateLabels(
    { begins, isResumed, worst },
    { labelOf, worse: (label) => told.push(label) },
  )
  return { made, told }
}

test('a session begins with what it begins with', () => {
  const { made } = labels([TASK, { what: 'workspace', label: OWN }])
  expect([made.label, made.sources.map(({ what }) => what)]).toEqual([OWN, ['task', 'workspace']])
})

test('it gets worse with what comes in, and never better', () => {
  const { made, told } = labels()
  made.enter(get('own.example'), [])
  made.enter(get('strange.example'), [])
  made.enter(get('own.example'), [])
  const worst = { integrity: 'untrusted', confidentiality: 'internal' }
  expect([made.label, told]).toEqual([worst, [OWN, worst]])
})

test('what is answered to a credential is not for everybody', () => {
  const { made } = labels()
  made.enter(get('strange.example'), ['token'])
  expect(made.label).toEqual({ integrity: 'untrusted', confidentiality: 'internal' })
})

test('after a gate has died its session is taken for the worst', () => {
  const known = (['internal', 'secret'] as const).map(
    (worst) => labels([TASK], { isResumed: true, worst }).made.label,
  )
  expect(known).toEqual([
    { integrity: 'untrusted', confidentiality: 'internal' },
    { integrity: 'untrusted', confidentiality: 'secret' },
  ])
})

test('many sources are bounded, and the one that changed the label is among them', () => {
  const { made } = labels()
  for (let i = 0; i < 1000; i++) made.enter(get(`h${i}.example`), [])
  made.enter(get('h1.example'), ['token'])
  const last = made.sources.at(-1)
  expect([made.sources.length, last]).toEqual([
    64,
    {
      what: 'GET https://h1.example',
      label: { integrity: 'untrusted', confidentiality: 'internal' },
    },
  ])
})

test('a label that has not changed is the same object', () => {
  const { made } = labels()
  made.enter(get('strange.example'), [])
  const before = made.label
  made.enter(get('other.example'), [])
  expect(made.label).toBe(before)
})
