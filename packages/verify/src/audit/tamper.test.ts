import { expect, test } from 'vitest'
import { canonicalForm, isObject, parseObject } from '../canonical.ts'
import { logIn } from '../log-files.ts'
import { noteCosigner, addCosignature } from '../note-signer.ts'
import {
  AuditedLog,
  auditedSample,
  CONFIGURATION,
  DOMAIN,
  signatureOf,
} from '../testing/audited-log.ts'
import { type Leaf, LogBuilder } from '../testing/build-log.ts'
import { newKey, toPem } from '../testing/certificates.ts'
import { auditLog, type AuditOptions, type AuditReport, type BrokenAudit } from './audit-log.ts'
import { stateHash, startedState } from './states.ts'

/**
 * Attacks of the platform's own operator: root on the files, and where it says so the log's key
 * too. Sessions' and gates' keys were in memory alone, and the root's is elsewhere.
 */

const A = 's-00000000000000000000'
const B = 's-11111111111111111111'
const C = 's-22222222222222222222'

type Judged = { kind: string; index?: number; reason?: string; found: [number, string][] }

function judged(report: AuditReport | BrokenAudit): Judged {
  const found = report.findings.map(({ index, kind }): [number, string] => [index, kind])
  if (report.kind !== 'broken') return { kind: report.kind, found }
  return { kind: 'broken', index: report.index, reason: report.reason, found }
}

async function judge(log: LogBuilder, options: AuditOptions): Promise<Judged> {
  return judged(await log.inDirectory((dir) => auditLog(logIn(dir), options)))
}

function leavesOf(made: AuditedLog): Leaf[] {
  return made.log.segments
    .flat()
    .filter((line) => line.startsWith('{'))
    .map((line) => parseObject(Buffer.from(line)) ?? {})
}

/** The log written anew with its own key: what an operator who has that key can do. */
function rewritten(made: AuditedLog, leaves: readonly Leaf[]): LogBuilder {
  const log = new LogBuilder(made.log.signer).segment()
  for (const leaf of leaves) log.batch(leaf)
  return log
}

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
    found: [[14, 'completeness']],
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
    change: (leaves) => leaves.map((leaf, at) => (at === 5 ? withoutClaim(leaf) : leaf)),
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
    change: (leaves) => [...leaves, { ...(leaves[3] ?? {}), session: C, at: leaves[16]?.['at'] }],
    found: [
      [17, 'certificate'],
      [17, 'state'],
    ],
  },
  {
    name: 'lets a session begin again',
    change: (leaves) => [...leaves, { ...(leaves[3] ?? {}), at: leaves[16]?.['at'] }],
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
    ],
  },
  {
    name: 'edits the counters to fit',
    change: (leaves) => {
      const counters = leaves[15]?.['counters']
      if (!isObject(counters)) throw new Error('no counters')
      return spoiled(leaves, 15, { counters: { ...counters, 'exec.total': 1 } })
    },
    found: [
      [15, 'completeness'],
      [15, 'signature'],
    ],
  },
  {
    name: 'takes a key back before it signed',
    change: (leaves) => [...leaves.slice(0, 13), revocation(leaves, 12), ...leaves.slice(13)],
    found: [
      [14, 'signature'],
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

function withoutSignature({ sig: _, ...rest }: Leaf): Leaf {
  return rest
}

function withoutClaim({ claim: _, ...rest }: Leaf): Leaf {
  return rest
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

test.for<{ name: string; spoil: (lines: string[]) => void; index: number; reason: string }>([
  {
    name: 'edits a leaf',
    spoil: (lines) => replace(lines, 9, (line) => line.replace('a.example', 'b.example')),
    index: 4,
    reason: 'the root does not fit: one of the leaves 4 to 4 is not what was signed',
  },
  {
    name: 'deletes a leaf with its checkpoint',
    spoil: (lines) => void lines.splice(9, 2),
    index: 4,
    reason: 'a checkpoint for 6 leaves where 5 are there',
  },
  {
    name: 'swaps two leaves',
    spoil: (lines) => lines.splice(9, 4, ...lines.slice(11, 13), ...lines.slice(9, 11)),
    index: 4,
    reason: 'a checkpoint for 6 leaves where 5 are there',
  },
])('without the log’s key, one who $name breaks it there', async ({ spoil, index, reason }) => {
  const made = auditedSample()
  spoil(made.log.segments[0] ?? [])
  const report = await judge(made.log, { root: made.rootPem })
  expect(report).toEqual({ kind: 'broken', index, reason, found: [] })
})

function replace(lines: string[], at: number, change: (line: string) => string): void {
  lines[at] = change(lines[at] ?? '')
}

test('keys that were all swapped chain to another root, at the leaf that names them', async () => {
  const [made, other] = [auditedSample(), auditedSample()]
  expect(await judge(other.log, { root: made.rootPem })).toEqual({
    kind: 'broken',
    index: 0,
    reason: 'it chains to another root than the one given',
    found: [],
  })
})

test('a checkpoint of another log’s key does not open, whatever the leaves say', async () => {
  const made = auditedSample()
  const stranger = new AuditedLog({ rootKey: made.rootKey })
  const log = rewritten(stranger, leavesOf(made))
  expect(await judge(log, { root: made.rootPem })).toMatchObject({
    kind: 'broken',
    index: 0,
    reason: expect.stringContaining('no signature by'),
  })
})

test('what is cut off at the end, rolled back or rewritten is seen with a checkpoint kept before', async () => {
  const made = auditedSample()
  const root = made.rootPem
  const previousCheckpoint = made.log.note
  const cut = rewritten(made, leavesOf(made).slice(0, 16))
  expect(await judge(cut, { root })).toMatchObject({ kind: 'sound' })
  expect(await judge(cut, { root, previousCheckpoint })).toMatchObject({
    kind: 'broken',
    index: 16,
    reason: 'the log ends after 16 leaves, the previous checkpoint is for 17',
  })
  const fork = rewritten(made, [...leavesOf(made).slice(0, 16), platformStop(made)])
  expect(await judge(fork, { root, previousCheckpoint })).toMatchObject({
    kind: 'broken',
    index: 16,
    reason: expect.stringContaining('has another root'),
  })
})

function platformStop(made: AuditedLog): Leaf {
  return { v: 2, type: 'platform.stop', at: made.now(), reason: 'x' }
}

test('witnesses are counted by operator, and only for what they cosigned', async () => {
  const made = auditedSample()
  const keys = [newKey('ed25519'), newKey('ed25519'), newKey('ed25519')]
  const cosigners = keys.map(({ key }, i) => noteCosigner(`witness/${i}`, key))
  const witnesses = cosigners.map(({ vkey }, i) => ({ operator: i < 2 ? 'one' : 'two', vkey }))
  const [first, second, third] = cosigners
  if (first === undefined || second === undefined || third === undefined) throw new Error('three')
  const twice = addCosignature(addCosignature(made.log.note, first, 1), second, 2)
  const root = made.rootPem
  const audit = (previousCheckpoint: string): Promise<AuditReport | BrokenAudit> =>
    made.log.inDirectory((dir) => auditLog(logIn(dir), { root, previousCheckpoint, witnesses }))
  expect(await audit(twice)).toMatchObject({ witnessed: { size: 17, operators: ['one'] } })
  expect(await audit(addCosignature(twice, third, 3))).toMatchObject({
    witnessed: { size: 17, operators: ['one', 'two'] },
  })
  expect(await audit(made.log.note)).toMatchObject({ witnessed: { size: 0, operators: [] } })
})

test('nothing is said where nothing is trusted', async () => {
  const made = auditedSample()
  const old = new LogBuilder().segment().batch({ type: 'platform.start' })
  await expect(judge(made.log, {})).rejects.toThrow('nothing is trusted')
  await expect(judge(made.log, { root: 'hello' })).rejects.toThrow('no certificate')
  await expect(judge(old, { root: made.rootPem })).rejects.toThrow('no leaf says who signs')
  expect(await judge(old, { root: made.rootPem, vkey: old.signer.vkey })).toEqual({
    kind: 'sound',
    found: [],
  })
  await expect(judge(old, { root: toPem('AAAA') })).rejects.toThrow('the root:')
})

test('the form of a state is what its hash is over', () => {
  const state = startedState({ session: A, agent: 'a', configuration: B, identity: { key: 'k' } })
  expect(stateHash(state)).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(canonicalForm(state)).toBe(
    `{"agent":"a","configuration":"${B}","exitCode":null,"identity":"k","phase":"running","seq":0,"session":"${A}","trigger":"start","v":1}`,
  )
})
