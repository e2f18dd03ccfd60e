import { expect, test } from 'vitest'
import { isObject } from '../canonical.ts'
import {
  AuditedLog,
  auditedSample,
  CONFIGURATION,
  DOMAIN,
  signatureOf,
} from '../testing/audited-log.ts'
import type { Leaf } from '../testing/build-log.ts'
import { newKey } from '../testing/certificates.ts'
import { judge, leavesOf, rewritten } from '../testing/tamper.ts'

/**
 * Attacks of the platform's own operator: root on the files, and where it says so the log's key
 * too. Sessions' and gates' keys were in memory alone, and the root's is elsewhere.
 */

const A = 's-00000000000000000000'
const C = 's-22222222222222222222'

function spoiled(leaves: readonly Leaf[], index: number, by: Leaf): Leaf[] {
  return leaves.map((leaf, at) => (at === index ? { ...leaf, ...by } : leaf))
}

function without(leaves: readonly Leaf[], ...indexes: readonly number[]): Leaf[] {
  return leaves.filter((_, at) => !indexes.includes(at))
}

test('what the sample holds, by index', () => {
  expect(leavesOf(auditedSample()).map(({ type }) => type)).toEqual([
    'identity.authority',
    'identity.issued',
    'platform.start',
    'session.start',
    'action.intent',
    'action.outcome',
    'process.exec',
    'session.start',
    'action.intent',
    'action.outcome',
    'session.state',
    'session.state',
    'identity.issued',
    'process.exec',
    'action.intent',
    'session.end',
    'session.end',
  ])
})

const withKey: {
  name: string
  change: (leaves: Leaf[], made: AuditedLog) => Leaf[]
  found: [number, string][]
}[] = [
  {
    name: 'edits what an action did',
    change: (leaves) => spoiled(leaves, 4, { action: { kind: 'http.request', host: 'b.example' } }),
    found: [[4, 'signature']],
  },
  {
    name: 'edits an outcome, which the session signed and the gate claimed',
    change: (leaves) =>
      spoiled(leaves, 9, { outcome: { kind: 'failed', code: 'X', message: 'x' } }),
    found: [
      [9, 'claim'],
      [9, 'signature'],
      [16, 'completeness'],
      [16, 'completeness'],
    ],
  },
  {
    name: 'leaves out the record of a program',
    change: (leaves) => without(leaves, 6),
    found: [
      [14, 'completeness'],
      [14, 'completeness'],
    ],
  },
  {
    name: 'leaves out an action with its outcome',
    change: (leaves) => without(leaves, 8, 9),
    found: [
      [14, 'completeness'],
      [14, 'completeness'],
      [14, 'completeness'],
      [14, 'completeness'],
      [14, 'completeness'],
    ],
  },
  {
    name: 'leaves out what was refused',
    change: (leaves) => without(leaves, 14),
    found: [[15, 'completeness']],
  },
  {
    name: 'writes a leaf twice',
    change: (leaves) => [...leaves.slice(0, 7), leaves[6] ?? {}, ...leaves.slice(7)],
    found: [[16, 'completeness']],
  },
  {
    name: 'leaves out a change of state',
    change: (leaves) => without(leaves, 10, 11),
    found: [
      [10, 'state'],
      [13, 'completeness'],
    ],
  },
  {
    name: 'takes a signature away',
    change: (leaves) => leaves.map((leaf, at) => (at === 6 ? withoutSignature(leaf) : leaf)),
    found: [[6, 'signature']],
  },
  {
    name: 'takes a claim away',
    change: (leaves) => leaves.map((leaf, at) => (at === 5 ? withoutField(leaf, 'claim') : leaf)),
    found: [
      [5, 'claim'],
      [5, 'signature'],
    ],
  },
  {
    name: 'signs with a key of its own',
    change: (leaves) => {
      const key = newKey()
      const bare = withoutSignature(leaves[6] ?? {})
      const value = signatureOf('sekisho/leaf/v2\n', bare, key)
      return spoiled(leaves, 6, { sig: { by: key.id, value } })
    },
    found: [[6, 'signature']],
  },
  {
    name: 'puts another session’s signature on a leaf',
    change: (leaves) => spoiled(leaves, 6, { sig: leaves[8]?.['sig'] }),
    found: [[6, 'signature']],
  },
  {
    name: 'gives a session a key that nobody certified',
    change: (leaves, made) => {
      const key = newKey()
      const other = new AuditedLog({ rootKey: made.rootKey }).authority()
      const { certificate } = other.issue(uriOf(A), { key, protection: protectionOf() })
      const identity = leaves[3]?.['identity']
      if (!isObject(identity)) throw new Error('no identity')
      return spoiled(leaves, 3, { identity: { ...identity, key: key.id, certificate } })
    },
    found: [
      [3, 'certificate'],
      [3, 'state'],
    ],
  },
  {
    name: 'edits what a session was configured to be',
    change: (leaves) => spoiled(leaves, 3, { configuration: `sha256:${'d'.repeat(64)}` }),
    found: [
      [3, 'certificate'],
      [3, 'state'],
    ],
  },
  {
    name: 'makes up a session',
    change: (leaves) => [...leaves, { ...leaves[3], session: C, at: leaves[16]?.['at'] }],
    found: [
      [17, 'certificate'],
      [17, 'state'],
    ],
  },
  {
    name: 'lets a session begin again',
    change: (leaves) => [...leaves, { ...leaves[3], at: leaves[16]?.['at'] }],
    found: [
      [17, 'identity'],
      [17, 'identity'],
    ],
  },
  {
    name: 'forges a state',
    change: (leaves) => spoiled(leaves, 10, { trigger: 'stop' }),
    found: [
      [10, 'signature'],
      [10, 'state'],
      [11, 'state'],
    ],
  },
  {
    name: 'edits the counters to fit',
    change: (leaves) => {
      const counters = leaves[15]?.['counters']
      if (!isObject(counters)) throw new Error('no counters')
      return spoiled(leaves, 15, { counters: { ...counters, 'exec.total': 1 } })
    },
    found: [[15, 'signature']],
  },
  {
    name: 'takes a key back before it signed',
    change: (leaves) => [...leaves.slice(0, 13), revocation(leaves, 12), ...leaves.slice(13)],
    found: [
      [14, 'signature'],
      [16, 'completeness'],
      [16, 'signature'],
    ],
  },
  {
    name: 'makes up that a key was taken back, to leave its signatures out',
    change: (leaves) => [
      ...leaves.slice(0, 13),
      revocation(leaves, 12),
      withoutSignature(leaves[13] ?? {}),
      ...leaves.slice(14),
    ],
    found: [
      [14, 'signature'],
      [16, 'completeness'],
      [16, 'signature'],
    ],
  },
  {
    name: 'gives the leaves the older version, which nobody signs',
    change: (leaves) => leaves.map((leaf) => ({ ...withoutSignature(leaf), v: 1 })),
    found: [
      [0, 'version'],
      [1, 'version'],
      [12, 'version'],
    ],
  },
  {
    name: 'writes a type of leaf that nobody knows',
    change: (leaves) => [...leaves, { v: 2, type: 'log.forgiven', at: leaves[16]?.['at'] }],
    found: [[17, 'version']],
  },
]

test.for(withKey)(
  'an operator with the log’s key who $name is found',
  async ({ change, found }) => {
    const made = auditedSample()
    const forged = rewritten(made, change(leavesOf(made), made))
    expect(await judge(forged, { root: made.rootPem })).toEqual({ kind: 'findings', found })
  },
)

function withoutSignature(leaf: Leaf): Leaf {
  return withoutField(leaf, 'sig')
}

function withoutField(leaf: Leaf, field: string): Leaf {
  return Object.fromEntries(Object.entries(leaf).filter(([key]) => key !== field))
}

function uriOf(session: string): string {
  return `spiffe://${DOMAIN}/tenant/default/agent/claude/session/${session}`
}

function protectionOf(): { class: string; emulated: boolean; configuration: string } {
  return { class: 'software', emulated: false, configuration: CONFIGURATION }
}

/** Of the key that the leaf issued. */
function revocation(leaves: readonly Leaf[], issued: number): Leaf {
  const { at, of, key } = leaves[issued] ?? {}
  return { v: 2, type: 'identity.revoked', at, of, keys: [key], reason: 'operator' }
}
