import { expect, test } from 'vitest'
import { AuditedLog } from '../testing/audited-log.ts'
import { judge, leavesOf, rewritten } from '../testing/tamper.ts'
import type { Leaf } from './fields.ts'
import { ModelCalls } from './model-calls.ts'

const SESSION = 's-00000000000000000000'
const action = { kind: 'llm.generate', provider: 'anthropic', model: 'claude-sonnet-5' }
const allow = { kind: 'allow', rules: [] }
const intent = { type: 'action.intent', session: SESSION, id: 'a', action, verdict: allow }
const call = {
  type: 'llm.call',
  session: SESSION,
  id: 'a',
  provider: 'anthropic',
  model: 'claude-sonnet-5',
}
const outcome = { type: 'action.outcome', session: SESSION, id: 'a', outcome: { kind: 'failed' } }
const notOpen = 'what a came to: no allowed model call of that id is open'

test.for<[name: string, leaves: Leaf[], found: string[]]>([
  ['between its intent and its outcome', [intent, call, outcome], []],
  ['twice', [intent, call, call, outcome], ['what a came to is told twice']],
  ['without an intent', [call], [notOpen]],
  ['of an intent that was denied', [{ ...intent, verdict: { kind: 'deny' } }, call], [notOpen]],
  ['of something else than a model call', [{ ...intent, action: { kind: 'x' } }, call], [notOpen]],
  ['behind its outcome', [intent, outcome, call], [notOpen]],
  ['behind its gap', [intent, { type: 'gap', id: 'a' }, call], [notOpen]],
  [
    'of another model',
    [intent, { ...call, model: 'claude-opus-5' }],
    ['a asked anthropic:claude-sonnet-5, and the leaf names another'],
  ],
  [
    'of another provider',
    [intent, { ...call, provider: 'openai' }],
    ['a asked anthropic:claude-sonnet-5, and the leaf names another'],
  ],
  ['not at all, for nothing came of it', [intent, outcome], []],
  ['not at all, for nobody knows', [intent, { type: 'gap', id: 'a' }], []],
  [
    'not at all, though it was made',
    [intent, { ...outcome, outcome: { kind: 'performed' } }],
    ['a was made, and nobody tells what it came to'],
  ],
  ['and then made', [intent, call, { ...outcome, outcome: { kind: 'performed' } }], []],
  ['again under an id that is free again', [intent, call, outcome, intent, call], []],
])('what a call came to, told %s', ([, leaves, found]) => {
  const calls = new ModelCalls()
  expect(leaves.flatMap((leaf) => calls.take(leaf) ?? [])).toEqual(found)
})

test('the auditor of a log finds a call that no intent asked for, at its leaf', async () => {
  const log = new AuditedLog().authority().gate().start(SESSION)
  log.intent(SESSION, 'a', { action }).signed(SESSION, call).outcome(SESSION, 'a')
  log.signed(SESSION, call).end(SESSION)
  const at = leavesOf(log).findLastIndex(({ type }) => type === 'llm.call')
  const judged = await judge(rewritten(log, leavesOf(log)), { root: log.rootPem })
  expect(judged).toEqual({ kind: 'findings', found: [[at, 'model-call']] })
})
