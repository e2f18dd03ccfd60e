import { sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { joinForSigning } from '../batch-signature.ts'
import { canonicalForm, isObject } from '../canonical.ts'
import { logIn } from '../log-files.ts'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
import type { Leaf, LogBuilder } from '../testing/build-log.ts'
import { signedAnew } from '../testing/sign-together.ts'
import { judge, leavesOf, rewritten } from '../testing/tamper.ts'
import { auditLog } from './audit-log.ts'
import { checkHere } from './check-here.ts'
import { member } from './fields.ts'

/** The sample, with one signature for all that a key has signed, where that is more than one leaf. */
function sample(change: (leaves: Leaf[], made: AuditedLog) => Leaf[] = (leaves) => leaves): {
  log: LogBuilder
  root: string
} {
  const made = auditedSample()
  const leaves = change(signedAnew(leavesOf(made), made.keys), made)
  return { log: rewritten(made, leaves), root: made.rootPem }
}

test('leaves and claims that were signed together are sound, and each signature is checked once', async () => {
  let asked = 0
  const checker: typeof checkHere = {
    check: (tasks) => {
      asked += tasks.length
      return checkHere.check(tasks)
    },
  }
  const { log, root } = sample()
  const report = await log.inDirectory((dir) => auditLog(logIn(dir), { root, checker }))
  // as many as without: what is asked of each leaf does not change
  expect(report).toMatchObject({ kind: 'sound', findings: [], signatures: 16 })
  // two keys of one session, one of the other, a gate's claims, a rotation; one leaf stands alone
  expect(asked).toBe(5)
})

function signatureAt(leaves: readonly Leaf[], index: number, name: string): Leaf {
  return member(leaves[index], name) ?? {}
}

/** Changes what stands in a signature beside its value. */
function placed(
  leaves: readonly Leaf[],
  { index, name }: { index: number; name: string },
  by: Leaf,
): Leaf[] {
  const signature = signatureAt(leaves, index, name)
  const batch = { ...member(signature, 'batch'), ...by }
  return leaves.map((leaf, at) =>
    at === index ? { ...leaf, [name]: { ...signature, batch } } : leaf,
  )
}

function pathAt(leaves: readonly Leaf[], index: number, name: string): string[] {
  const path: unknown = member(signatureAt(leaves, index, name), 'batch')?.['path']
  return Array.isArray(path) ? path.map(String) : []
}

const EXEC = 6
const SIG = { index: EXEC, name: 'sig' }
const CLAIM = { index: 5, name: 'claim' }
const OTHER = Buffer.alloc(32, 7).toString('base64')

/** Leaves 3, 4, 5, 6, 10 and 11 are signed together, by the first key of one session. */
const forgeries: { name: string; change: (leaves: Leaf[], made: AuditedLog) => Leaf[] }[] = [
  {
    name: 'edits a leaf and keeps its place',
    change: (leaves) =>
      leaves.map((leaf, at) => (at === EXEC ? { ...leaf, path: '/bin/false' } : leaf)),
  },
  {
    name: 'forges a hash of the path',
    change: (leaves) => placed(leaves, SIG, { path: pathAt(leaves, EXEC, 'sig').with(1, OTHER) }),
  },
  {
    name: 'moves the leaf to another place',
    change: (leaves) => placed(leaves, SIG, { at: 2 }),
  },
  {
    name: 'gives it the place of another leaf, path and all',
    change: (leaves) => placed(leaves, SIG, { ...member(signatureAt(leaves, 4, 'sig'), 'batch') }),
  },
  {
    name: 'says another number of leaves',
    change: (leaves) => placed(leaves, SIG, { of: 5 }),
  },
  {
    name: 'says more leaves than one signature may have',
    change: (leaves) => placed(leaves, SIG, { of: 65 }),
  },
  {
    name: 'puts the signature of another batch on it',
    change: (leaves) => {
      const { value } = signatureAt(leaves, 8, 'sig')
      const own = signatureAt(leaves, EXEC, 'sig')
      return leaves.map((leaf, at) => (at === EXEC ? { ...leaf, sig: { ...own, value } } : leaf))
    },
  },
  {
    name: 'takes the place away, so that the leaf would be signed alone',
    change: (leaves) => {
      const { batch: _, ...alone } = signatureAt(leaves, EXEC, 'sig')
      return leaves.map((leaf, at) => (at === EXEC ? { ...leaf, sig: alone } : leaf))
    },
  },
  {
    name: 'leaves a hash out',
    change: (leaves) => placed(leaves, SIG, { path: pathAt(leaves, EXEC, 'sig').slice(1) }),
  },
  {
    name: 'adds a hash',
    change: (leaves) => placed(leaves, SIG, { path: [...pathAt(leaves, EXEC, 'sig'), OTHER] }),
  },
  {
    name: 'gives a place of no kind',
    change: (leaves) => placed(leaves, SIG, { at: '3' }),
  },
  { name: 'gives half a place', change: (leaves) => placed(leaves, SIG, { at: 0.5 }) },
  { name: 'gives no path', change: (leaves) => placed(leaves, SIG, { path: null }) },
  {
    name: 'adds to the path what is no hash',
    change: (leaves) => placed(leaves, SIG, { path: [...pathAt(leaves, EXEC, 'sig'), 1, 'x'] }),
  },
  {
    name: 'writes something beside the place',
    change: (leaves) => placed(leaves, SIG, { more: 1 }),
  },
  {
    name: 'writes something beside the signature',
    change: (leaves) => {
      const sig = { ...signatureAt(leaves, EXEC, 'sig'), more: 1 }
      return leaves.map((leaf, at) => (at === EXEC ? { ...leaf, sig } : leaf))
    },
  },
  {
    name: 'says null where a place is',
    change: (leaves) => {
      const sig = { ...signatureAt(leaves, EXEC, 'sig'), batch: null }
      return leaves.map((leaf, at) => (at === EXEC ? { ...leaf, sig } : leaf))
    },
  },
  {
    name: 'has the key sign a batch of one, a second form of the same',
    change: (leaves, made) => {
      const { sig, ...unsigned } = leaves[EXEC] ?? {}
      const by = isObject(sig) ? String(sig['by']) : ''
      const key = made.keys.get(by)?.key
      if (key === undefined) throw new Error('no such key')
      const text = Buffer.from(`sekisho/leaf/v2\n${canonicalForm(unsigned)}`)
      const { message } = joinForSigning([text])
      const value = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }).toString('base64')
      const forged = { ...unsigned, sig: { by, value, batch: { at: 0, of: 1, path: [] } } }
      return leaves.map((leaf, at) => (at === EXEC ? forged : leaf))
    },
  },
]

test.for(forgeries)('one who $name is found at the leaf', async ({ change }) => {
  const { log, root } = sample(change)
  expect(await judge(log, { root })).toEqual({ kind: 'findings', found: [[EXEC, 'signature']] })
})

test.for<{ name: string; change: (leaves: Leaf[]) => Leaf[] }>([
  {
    name: 'moves a claim to another place',
    change: (leaves) => placed(leaves, CLAIM, { at: 1 }),
  },
  {
    name: 'forges the path of a claim',
    change: (leaves) => placed(leaves, CLAIM, { path: [OTHER] }),
  },
  {
    name: 'puts the claim of another outcome in its place',
    change: (leaves) =>
      leaves.map((leaf, at) => (at === 5 ? { ...leaf, claim: leaves[9]?.['claim'] } : leaf)),
  },
  {
    name: 'writes something beside the place of a claim',
    change: (leaves) => placed(leaves, CLAIM, { more: 1 }),
  },
])('one who $name is found by the claim and by the session’s signature', async ({ change }) => {
  const { log, root } = sample(change)
  expect(await judge(log, { root })).toEqual({
    kind: 'findings',
    found: [
      [5, 'claim'],
      [5, 'signature'],
    ],
  })
})
