import { expect, test } from 'vitest'
import { describeLeaf } from './leaf-text.ts'

const AT = '2026-01-02T03:04:05.678Z'
const SESSION = 's-00000000000000000000'
const action = {
  kind: 'http.request',
  scheme: 'https',
  method: 'POST',
  host: 'api.test',
  port: 443,
  path: '/x',
  query: null,
}
const answered = (statement: object): object => ({
  signed: {
    statement: { hold: 'h-1', kind: 'approver', answer: 'approve', note: '', ...statement },
  },
})

test.for<[name: string, leaf: object, text: string]>([
  [
    'an action that waits',
    { type: 'action.held', id: 'h-1', action, needs: ['initiator', 'approver'], reason: 'why' },
    'h-1 HELD POST https://api.test/x for initiator and approver: why',
  ],
  [
    'an answer that counts',
    {
      type: 'approval.answer',
      ...answered({ note: 'ok\u001b[2J' }),
      signer: 'aiko',
      result: 'approved',
    },
    'h-1 approve by aiko as approver: approved: ok\\u001b[2J',
  ],
  [
    'an answer that counts for nothing',
    {
      type: 'approval.answer',
      ...answered({ key: 'sha256:00' }),
      signer: null,
      result: 'refused',
      why: 'unknown-key',
    },
    'h-1 approve by the unknown key sha256:00 as approver: REFUSED, unknown-key',
  ],
  [
    'an end',
    { type: 'approval.ended', hold: 'h-1', why: 'expired', detail: 'nobody answered in time' },
    'h-1 is over, expired: nobody answered in time',
  ],
  [
    'what was approved',
    {
      type: 'action.intent',
      id: 'a1',
      action,
      verdict: { kind: 'allow', rules: ['r'] },
      credentials: [],
      repeated: 0,
      hold: { id: 'h-1', digest: 'd' },
    },
    'a1 ALLOW POST https://api.test/x: r [approved: h-1]',
  ],
  [
    'what a mandate stands for',
    {
      type: 'action.intent',
      id: 'a1',
      action,
      verdict: { kind: 'allow', rules: ['r'] },
      credentials: [],
      repeated: 0,
      facts: { mandate: 'letters' },
    },
    'a1 ALLOW POST https://api.test/x: r [mandate letters]',
  ],
])('%s is one line', ([, leaf, text]) => {
  const line = describeLeaf({ index: 7, leaf: { at: AT, session: SESSION, ...leaf } })
  expect(line).toBe(`     7 ${AT} ${SESSION} ${text}`)
})
