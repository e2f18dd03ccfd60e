import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CATALOGUE } from './catalogue.ts'
import { judgeContainment, TECHNIQUES } from './containment.ts'

const SESSION = 's-00000000000000000000'
let evidence = ''
beforeEach(() => {
  evidence = mkdtempSync(join(tmpdir(), 'sekisho-drill-containment-'))
  mkdirSync(join(evidence, 'e-1'))
  writeFileSync(join(evidence, 'e-1/trigger.json'), '{}')
  writeFileSync(join(evidence, 'e-1/index.json'), INDEX)
})
afterEach(() => rmSync(evidence, { recursive: true }))

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`
const INDEX = JSON.stringify({
  files: [
    { name: 'trigger.json', bytes: 2, sha256: sha256('{}') },
    { name: 'disk.img', bytes: 4096, sha256: null },
  ],
})

const TRIED = {
  agent: 'drill-mount',
  attack: 'esc-mount',
  title: 'mount a file system',
  code: 137,
  said: '',
  codeAgain: 125,
} as const
const START = { type: 'session.start', agent: 'drill-mount', session: SESSION }
const CONTAINED = {
  type: 'session.contained',
  session: SESSION,
  evidence: { name: 'e-1', digest: sha256(INDEX), failures: [] },
  frozenAfterMs: 5,
}
const REFUSED = { type: 'session.refused', agent: 'drill-mount' }

type Case = {
  name: string
  tried?: Partial<Parameters<typeof judgeContainment>[0][number]>
  leaves?: readonly object[]
  damage?: () => void
  want: { ended: boolean; evidence: boolean; refused: boolean }
}
const all = [START, CONTAINED, REFUSED]
const held = { ended: true, evidence: true, refused: true }
const unseen = { ended: false, evidence: false, refused: true }

test.for<Case>([
  { name: 'all of it happened', want: held },
  {
    name: 'the program went on to tell',
    tried: { said: '{"id":"esc-mount"}' },
    want: { ...held, ended: false },
  },
  { name: 'the session ended by itself', tried: { code: 0 }, want: { ...held, ended: false } },
  { name: 'the log has no containment', leaves: [START, REFUSED], want: unseen },
  {
    name: 'it was another session that was contained',
    leaves: [START, { ...CONTAINED, session: 's-1' }, REFUSED],
    want: unseen,
  },
  { name: 'the agent started again', tried: { codeAgain: 0 }, want: { ...held, refused: false } },
  {
    name: 'its refusal is not in the log',
    leaves: [START, CONTAINED],
    want: { ...held, refused: false },
  },
  {
    name: 'a file of the evidence is another',
    damage: () => writeFileSync(join(evidence, 'e-1/trigger.json'), '[]'),
    want: { ...held, evidence: false },
  },
  {
    name: 'the index is another',
    damage: () => writeFileSync(join(evidence, 'e-1/index.json'), `${INDEX} `),
    want: { ...held, evidence: false },
  },
  {
    name: 'a file of the evidence is gone',
    damage: () => rmSync(join(evidence, 'e-1/trigger.json')),
    want: { ...held, evidence: false },
  },
  {
    name: 'a part could not be kept',
    leaves: [
      START,
      { ...CONTAINED, evidence: { ...CONTAINED.evidence, failures: ['x'] } },
      REFUSED,
    ],
    want: { ...held, evidence: false },
  },
])('when $name', ({ tried = {}, leaves = all, damage, want }) => {
  damage?.()
  const indexed = leaves.map((leaf, index) => ({ index, leaf: { ...leaf } }))
  const [result] = judgeContainment([{ ...TRIED, ...tried }], indexed, evidence)
  const { id, title, frozenAfterMs, ...verdict } = result ?? {}
  expect({ id, title, verdict }).toEqual({ id: TRIED.attack, title: TRIED.title, verdict: want })
  const contained = leaves.find(
    (leaf) => 'frozenAfterMs' in leaf && 'session' in leaf && leaf.session === SESSION,
  )
  expect(frozenAfterMs).toBe(contained === undefined ? null : 5)
})

test('each technique is an attack of the drill, tried by an agent of its own', () => {
  const known = new Map(CATALOGUE.map(({ id, title }) => [id, title]))
  for (const { attack, title } of TECHNIQUES) expect(known.get(attack)).toBe(title)
  expect(new Set(TECHNIQUES.map(({ agent }) => agent)).size).toBe(TECHNIQUES.length)
})
