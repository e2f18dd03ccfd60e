import { expect, test } from 'vitest'
import type { ToolCallAction } from '../core/action.ts'
import { SekishoError } from '../core/error.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import type { CheckpointPorts } from './ports.ts'
import { deciding } from './testing/deciding.ts'
import { fakes } from './testing/fakes.ts'
import { passToolCall, type ToolCall } from './tool-call.ts'

const action: ToolCallAction = {
  kind: 'llm.tool-call',
  provider: 'anthropic',
  model: 'claude-x',
  tool: 'Bash',
  does: 'shell',
  commands: [{ program: 'ls', args: [] }],
  paths: [],
  urls: [],
  digest: `sha256:${'0'.repeat(64)}`,
  callId: 'toolu_1',
}
const finding = {
  detector: 'command.destroy',
  place: 'tool call',
  count: 1,
  did: 'recorded',
} as const

function call(over: Partial<ToolCall> = {}): ToolCall {
  const shown = Buffer.from('{"command":"ls"}')
  return { action, arguments: shown, findings: [], onGone: () => undefined, ...over }
}

const HOLD: Verdict = { kind: 'hold', rules: ['ask'], reason: 'rule ask', needs: ['approver'] }
const asking = (): Partial<CheckpointPorts> =>
  deciding((_action, facts) =>
    facts?.approvals.includes('approver') === true ? { kind: 'allow', rules: ['r'] } : HOLD,
  )

test('an allowed call is on record before it may be released, and its outcome after', async () => {
  const { ports, intents, outcomes } = fakes()
  const passed = await passToolCall(call(), ports)
  expect(passed).toMatchObject({ kind: 'allowed', id: 'i1' })
  expect(intents.map(({ id, action: { kind }, verdict }) => [id, kind, verdict.kind])).toEqual([
    ['i1', 'llm.tool-call', 'allow'],
  ])
  expect(outcomes).toEqual([])
  if (passed.kind === 'allowed') passed.close({ kind: 'refused', rules: ['x'], reason: 'y' })
  expect(outcomes).toEqual([['i1', { kind: 'refused', rules: ['x'], reason: 'y' }]])
})

test('what is denied is recorded with what was found in it', async () => {
  const { ports, intents } = fakes(deciding(() => deny('no-shell', 'no')))
  const denied = await passToolCall(call({ findings: [finding] }), ports)
  expect(denied).toEqual(deny('no-shell', 'no'))
  expect(intents.map(({ verdict, findings }) => [verdict.kind, findings])).toEqual([
    ['deny', [finding]],
  ])
})

test('decided by what was found in it', async () => {
  const decided = deciding((_action, facts) =>
    facts?.findings.includes('command.destroy') === true
      ? deny('destroy', 'no')
      : { kind: 'allow', rules: ['r'] },
  )
  expect(await passToolCall(call({ findings: [finding] }), fakes(decided).ports)).toEqual(
    deny('destroy', 'no'),
  )
  expect(await passToolCall(call(), fakes(decided).ports)).toMatchObject({ kind: 'allowed' })
})

test('a held call shows its arguments, and is released by a yes alone', async () => {
  const shown: unknown[] = []
  const { ports } = fakes({
    ...asking(),
    desk: {
      ask: ({ body, action: asked, needs }) => {
        shown.push([asked.kind, Buffer.from(body ?? []).toString()])
        const hold = { id: 'h-1', digest: 'sha256:1' }
        return Promise.resolve({ kind: 'approved', by: needs, hold })
      },
    },
  })
  expect(await passToolCall(call(), ports)).toMatchObject({ kind: 'allowed' })
  expect(shown).toEqual([['llm.tool-call', '{"command":"ls"}']])
})

test('without a desk, or with a no, nothing is released', async () => {
  expect(await passToolCall(call(), fakes(asking()).ports)).toMatchObject({ kind: 'deny' })
  const { ports } = fakes({
    ...asking(),
    desk: { ask: () => Promise.resolve({ kind: 'denied', why: 'denied', reason: 'alice: no' }) },
  })
  expect(await passToolCall(call(), ports)).toMatchObject({ kind: 'deny', rules: ['ask'] })
})

test('what cannot be recorded is not released', async () => {
  const { ports } = fakes()
  ports.recorder.intent = () => Promise.reject(new SekishoError('LOG_UNWRITABLE', 'disk full'))
  await expect(passToolCall(call(), ports)).rejects.toThrow('disk full')
})
