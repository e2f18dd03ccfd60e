import type { CedarPolicyJson, CedarValueJson } from '../../wire/cedar.ts'

export type Uid = { type: string; id: string }
export type Entity = {
  uid: Uid
  attrs: Record<string, CedarValueJson>
  parents: readonly Uid[]
}
/** A request of the action `read` of the schema of `random-policies.ts`, with all that is known. */
export type Request = {
  principal: Uid
  resource: Uid
  context: Record<string, CedarValueJson>
  entities: readonly Entity[]
}

const ALL = { op: 'All' } as const
export const PERMIT: CedarPolicyJson = {
  effect: 'permit',
  principal: ALL,
  action: ALL,
  resource: ALL,
  conditions: [],
}

const user = (id: string): Uid => ({ type: 'T::User', id })
const group = (id: string): Uid => ({ type: 'T::Group', id })
const zone = (id: string): Uid => ({ type: 'T::Zone', id })
const extension = (fn: string, arg: string): CedarValueJson => ({ __extn: { fn, arg } })
const OWN = {
  price: extension('decimal', '1.5'),
  from: extension('ip', '10.1.2.3'),
}
const GROUPS: readonly Entity[] = [
  { uid: group('g1'), attrs: {}, parents: [group('g2')] },
  { uid: group('g2'), attrs: {}, parents: [] },
]

/** Everything optional is there. */
const FULL: Request = {
  principal: user('u1'),
  resource: { type: 'T::Host', id: 'h1' },
  context: {
    facts: {
      granted: true,
      approvals: ['a', 'other'],
      now: extension('datetime', '2024-01-01'),
      left: 5,
      note: { text: 'a', deep: { flag: true } },
    },
    path: 'a',
    numbers: [1, 7],
    ...OWN,
  },
  entities: [
    {
      uid: user('u1'),
      attrs: { enabled: true, level: 1, boss: { __entity: user('u2') } },
      parents: [group('g1'), user('u2')],
    },
    {
      uid: user('u2'),
      attrs: { enabled: true, level: 1, boss: { __entity: user('u2') } },
      parents: [],
    },
    ...GROUPS,
    {
      uid: { type: 'T::Host', id: 'h1' },
      attrs: { name: 'aXb', tags: ['a', 'other', 'x'] },
      parents: [zone('z1')],
    },
    { uid: zone('z1'), attrs: {}, parents: [zone('z2')] },
  ],
}

/** Nothing optional is there. */
const BARE: Request = {
  ...FULL,
  context: {
    facts: {
      granted: false,
      approvals: [],
      now: extension('datetime', '1969-12-31T23:59:59.999Z'),
    },
    path: 'a*b',
    numbers: [-2],
    ...OWN,
  },
  entities: [
    {
      uid: user('u1'),
      attrs: { enabled: false, level: -2, boss: { __entity: user('u1') } },
      parents: [group('g1')],
    },
    ...GROUPS,
    {
      uid: { type: 'T::Host', id: 'h1' },
      attrs: { name: 'aXb', tags: [] },
      parents: [zone('z1')],
    },
  ],
}

export const REQUESTS: readonly Request[] = [FULL, BARE]
