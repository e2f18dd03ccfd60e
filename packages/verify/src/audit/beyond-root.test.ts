import { expect, test } from 'vitest'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
import type { Leaf } from '../testing/build-log.ts'
import { judge, leavesOf, rewritten } from '../testing/tamper.ts'

/**
 * What the root's public key alone does not show, and a checkpoint that was kept elsewhere does: the
 * README says these, and has to say another once a row here goes red.
 */

const A = 's-00000000000000000000'
const D = 's-33333333333333333333'
const C = 's-22222222222222222222'

function sessionOf(leaf: Leaf): unknown {
  const { session, of } = leaf
  return session ?? (typeof of === 'object' && of !== null && 'session' in of ? of.session : null)
}

const beyond: { name: string; change: (made: AuditedLog) => Leaf[] }[] = [
  {
    name: 'with the log’s key leaves a whole session out',
    change: (made) => leavesOf(made).filter((leaf) => sessionOf(leaf) !== A),
  },
  {
    name: 'with the log’s key leaves out what a session did, and puts a gap in place of its end',
    change: (made) => {
      const leaves = leavesOf(made)
      const end = leaves.findIndex(
        (leaf) => leaf['type'] === 'session.end' && sessionOf(leaf) === A,
      )
      const { at } = leaves[end] ?? {}
      const gap = { v: 2, type: 'gap', session: A, id: 'session.end', reason: 'killed', at }
      return leaves.map((leaf, index) => (index === end ? gap : leaf)).filter((_, i) => i !== 6)
    },
  },
  {
    name: 'with the issuing authority’s key too puts another session in a session’s place',
    change: (made) => {
      made.start(C).action(C, 'a').exec(C, 'e1').end(C)
      return leavesOf(made).filter((leaf) => sessionOf(leaf) !== A)
    },
  },
  {
    name: 'with the log’s key edits what a session did after its key was taken back',
    change: (made) =>
      leavesOf(made).map((leaf) => (leaf['id'] === 'r1' ? { ...leaf, path: '/x' } : leaf)),
  },
  {
    name: 'with the log’s key makes up a leaf that no session signs',
    change: (made) => {
      made.write({ type: 'log.read', reader: { uid: 0, pid: 1 }, what: 'show', query: '' })
      const leaves = leavesOf(made)
      return [
        ...leaves.slice(0, 3),
        { ...leaves.at(-1), at: leaves[2]?.['at'] },
        ...leaves.slice(3, -1),
      ]
    },
  },
]

/** Its last leaves stand unsigned, as nobody has a key for them. */
function withRevoked(made: AuditedLog): AuditedLog {
  made.start(D).change(D, { type: 'session.state', session: D, trigger: 'revoke', detail: '' })
  const exec = { type: 'process.exec', session: D, id: 'r1', path: '/bin/true', written: false }
  made.revoked(D).unsigned(D, { ...exec, verdict: { kind: 'allow', rules: [] }, repeated: 0 })
  return made.end(D)
}

test.for(beyond)('an operator who $name is found by an earlier checkpoint', async ({ change }) => {
  const made = withRevoked(auditedSample())
  const previousCheckpoint = made.log.note
  const forged = rewritten(made, change(made))
  expect(await judge(forged, { root: made.rootPem })).toEqual({ kind: 'sound', found: [] })
  expect(await judge(forged, { root: made.rootPem, previousCheckpoint })).toMatchObject({
    kind: 'broken',
  })
})
