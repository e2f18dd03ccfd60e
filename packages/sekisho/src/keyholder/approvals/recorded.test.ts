import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Keyholder } from '../keyholder.ts'
import { Keys } from '../keys.ts'
import { endLeaf, intent, SESSION, startLeaf } from '../testing/leaves.ts'
import { openKeyholder } from '../testing/open-keyholder.ts'
import type { Intent } from './holds.ts'
import { AIKO, digest, HOLD, heldLeaf, NOW, policySet, signed } from './testing/people.ts'

const keys = new Keys(Buffer.alloc(32, 7))
const binding = { name: 'GH', hosts: ['api.github.com'], port: 443, header: 'authorization' }
const secrets = [{ binding, value: 'ghp_0123456789abcdefghijABCDEFGHIJ' }]

let dir = ''
let keyholder: Keyholder
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-approved-'))
  const now = (): Date => new Date(NOW)
  keyholder = await openKeyholder({ stateDir: dir, keys, now })
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.approvals.setPolicy(policySet())
  await keyholder.approvals.open(heldLeaf(), { uid: 0, opener: {} })
})
afterEach(async () => {
  await keyholder.shut()
  expect(await verifyLog(join(dir, 'log'), keys.logSigner().vkey)).toMatchObject({ kind: 'sound' })
  rmSync(dir, { recursive: true })
})

function approved(fields: Partial<Intent> = {}): Intent {
  const label = { integrity: 'untrusted', confidentiality: 'internal' } as const
  return {
    ...intent('a', ['GH']),
    facts: { user: 'uma', label, approvals: ['approver'] },
    hold: { id: HOLD, digest: digest('d') },
    ...fields,
  }
}

async function leaves(): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for await (const { leaf } of readLeaves(join(dir, 'log'))) found.push(leaf)
  return found
}

test('a gate that makes up an approval gets no credential, and is on record as denied', async () => {
  await expect(keyholder.recordIntent(approved(), ['GH'])).rejects.toMatchObject({
    code: 'APPROVAL_REFUSED',
    message: `the hold ${HOLD} has no yes as approver`,
  })
  const { hold: _, ...withoutHold } = approved()
  await expect(keyholder.recordIntent(withoutHold, ['GH'])).rejects.toMatchObject({
    message: 'nobody has approved it as approver',
  })
  const denied = { kind: 'deny', rules: ['keyholder.approval'], reason: expect.any(String) }
  expect((await leaves()).slice(2)).toEqual([
    expect.objectContaining({ type: 'action.intent', verdict: denied, credentials: [] }),
    expect.objectContaining({ type: 'action.intent', verdict: denied, credentials: [] }),
  ])
})

test('what was approved has its credential, once', async () => {
  await keyholder.approvals.answer(signed(AIKO))
  const { credentials } = await keyholder.recordIntent(approved(), ['GH'])
  expect([...credentials.keys()]).toEqual(['GH'])
  await expect(keyholder.recordIntent(approved({ id: 'b' }), ['GH'])).rejects.toMatchObject({
    message: `the hold ${HOLD} is over: used`,
  })
})

test('a credential out of place does not use up the approval', async () => {
  await keyholder.approvals.answer(signed(AIKO))
  const elsewhere = approved({ action: intent('a', [], 'evil.test').action })
  await expect(keyholder.recordIntent(elsewhere, ['GH'])).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
  expect((await keyholder.recordIntent(approved(), ['GH'])).credentials.size).toBe(1)
})

test('the end of a session ends what waits, before its own end, and is counted with its leaves', async () => {
  await keyholder.close(SESSION, endLeaf)
  expect((await leaves()).slice(-2)).toEqual([
    expect.objectContaining({
      type: 'approval.ended',
      why: 'withdrawn',
      detail: 'its session ended',
    }),
    expect.objectContaining({
      type: 'session.end',
      counters: expect.objectContaining({
        'keyholder.leaves.action.held': 1,
        'keyholder.leaves.approval.ended': 1,
      }),
    }),
  ])
})
