import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from '../../core/canonical-json.ts'
import { modelCall, modelIntent } from '../../keyholder/testing/leaves.ts'
import { type ExportRecord, leafRecord } from '../record.ts'
import { OpenSpans, type Span } from './spans.ts'

const ORIGIN = 'sekisho/log/test'
const SESSION = 's-00000000000000000000'
const T0 = Date.parse('2026-01-02T03:04:05.000Z')
/** stands where an agent could put what it wants known elsewhere */
const SAID = 'hunter2-hunter2'

function records(leaves: readonly object[]): ExportRecord[] {
  return leaves.map((leaf, index) => {
    const whole = { v: 2, at: new Date(T0 + index * 1000).toISOString(), ...leaf }
    return leafRecord(ORIGIN, { index, leaf: whole, line: canonicalJson(whole) })
  })
}

const start = { type: 'session.start', session: SESSION, agent: 'coder' }
const end = { type: 'session.end', session: SESSION, exitCode: 0, reason: 'exit' }
const performed = { kind: 'performed', status: 200, address: '192.0.2.1' }

function outcome(id: string, done: object = performed): object {
  return { type: 'action.outcome', session: SESSION, id, outcome: done }
}

function told(id: string, released: number): object {
  return modelCall(id, { calls: { proposed: released, released, replaced: 0 } })
}

function toolCall(id: string, more: object = {}): object {
  return {
    type: 'action.intent',
    session: SESSION,
    id,
    action: {
      kind: 'llm.tool-call',
      provider: 'anthropic',
      model: 'claude-sonnet-5',
      tool: 'Bash',
      does: 'shell',
      commands: [{ program: 'echo', args: [SAID] }],
      paths: [`/tmp/${SAID}`],
      urls: [],
      digest: `sha256:${'0'.repeat(64)}`,
      callId: `toolu_${id}`,
    },
    verdict: { kind: 'allow', rules: ['tools.shell'] },
    credentials: [],
    repeated: 0,
    ...more,
  }
}

function spansOf(leaves: readonly object[]): Span[] {
  return OpenSpans.from(ORIGIN, null).take(records(leaves))
}

/** Each by its place in the tree, with what it lies below. */
function tree(spans: readonly Span[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]))
  return spans.map(({ name, parentSpanId }) =>
    parentSpanId === undefined ? name : `${name} < ${names.get(parentSpanId) ?? 'ORPHAN'}`,
  )
}

function of({ attributes }: Span): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}

const TURN = 'turn anthropic:claude-sonnet-5'
const run = [
  start,
  modelIntent('m1'),
  toolCall('t1'),
  outcome('t1'),
  told('m1', 1),
  outcome('m1'),
  modelIntent('m2'),
  told('m2', 0),
  outcome('m2'),
  modelIntent('m3'),
  told('m3', 0),
  outcome('m3'),
  end,
]

test('session, turns, model calls and tool calls are one tree; a turn goes on while tools are called', () => {
  expect(tree(spansOf(run))).toEqual([
    'execute_tool Bash < chat claude-sonnet-5',
    `chat claude-sonnet-5 < ${TURN}`,
    `${TURN} < invoke_agent coder`,
    `chat claude-sonnet-5 < ${TURN}`,
    `${TURN} < invoke_agent coder`,
    `chat claude-sonnet-5 < ${TURN}`,
    'invoke_agent coder',
  ])
  const turns = spansOf(run).filter(({ name }) => name === TURN)
  expect(turns.map((turn) => of(turn)['sekisho.turn.model_calls'])).toEqual(['2', '1'])
})

test('a model call has its tokens as the conventions count them, and its cost', () => {
  const call = spansOf(run).find(({ name }) => name.startsWith('chat'))
  expect(call?.kind).toBe(3)
  expect(call === undefined ? {} : of(call)).toEqual({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'claude-sonnet-5',
    'gen_ai.response.model': 'claude-sonnet-5',
    'gen_ai.response.finish_reasons': { values: [{ stringValue: 'end_turn' }] },
    'gen_ai.usage.input_tokens': '50352',
    'gen_ai.usage.output_tokens': '77',
    'gen_ai.usage.cache_read.input_tokens': '50000',
    'gen_ai.usage.cache_creation.input_tokens': '340',
    'gen_ai.agent.name': 'coder',
    'gen_ai.conversation.id': SESSION,
    'session.id': SESSION,
    'sekisho.action.id': 'm1',
    'sekisho.action.kind': 'llm.generate',
    'sekisho.verdict': 'allow',
    'sekisho.rules': { values: [{ stringValue: 'r' }] },
    'sekisho.cost.micro_usd': '16155',
    'sekisho.tool_calls.proposed': '1',
    'sekisho.tool_calls.released': '1',
    'sekisho.tool_calls.replaced': '0',
    'sekisho.first_byte_ms': '400',
    'sekisho.outcome': 'performed',
    'http.response.status_code': '200',
    'network.peer.address': '192.0.2.1',
    'server.address': 'api.anthropic.com',
    'server.port': '443',
    'url.scheme': 'https',
    'url.path': '/v1/messages',
  })
})

test('cost stands at model calls alone, so that a sum over the trace counts it once', () => {
  const costs = spansOf(run).filter((span) => 'sekisho.cost.micro_usd' in of(span))
  expect(costs.map(({ name }) => name)).toEqual(Array(3).fill('chat claude-sonnet-5'))
})

test('a tool call has its name, id, verdict and who approved, and nothing of its arguments', () => {
  const held = toolCall('t1', { hold: { id: 'h-1', digest: 'x' } })
  const answer = {
    type: 'approval.answer',
    session: SESSION,
    signed: { statement: { hold: 'h-1' } },
    signer: 'ops',
    result: 'approved',
  }
  const spans = spansOf([start, modelIntent('m1'), answer, held, outcome('t1')])
  expect(of(spans[0] ?? expect.fail())).toMatchObject({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'Bash',
    'gen_ai.tool.call.id': 'toolu_t1',
    'sekisho.verdict': 'allow',
    'sekisho.rules': { values: [{ stringValue: 'tools.shell' }] },
    'sekisho.approvers': { values: [{ stringValue: 'ops' }] },
    'sekisho.tool.does': 'shell',
  })
  expect(JSON.stringify(spans)).not.toContain(SAID)
})

test('a denied tool call is a span that failed, below the model call that proposed it', () => {
  const verdict = { kind: 'deny', rules: ['tools.none'], reason: 'no' }
  const spans = spansOf([start, modelIntent('m1'), toolCall('t1', { verdict }), outcome('m1'), end])
  expect(tree(spans)).toContain('execute_tool Bash < chat claude-sonnet-5')
  expect(spans[0]?.status).toEqual({ code: 2, message: 'no' })
})

test('of two model calls at once a tool call lies below the one that it names', () => {
  const leaves = [start, modelIntent('m1'), modelIntent('m2'), toolCall('t1', { parent: 'm1' })]
  const rest = [outcome('t1'), told('m1', 1), outcome('m1'), told('m2', 0), outcome('m2'), end]
  const spans = spansOf([...leaves, ...rest])
  const [tool] = spans
  const first = spans.find((span) => of(span)['sekisho.action.id'] === 'm1')
  expect(tool?.parentSpanId).toBe(first?.spanId)
})

test('a denied model call ends the turn that went on, and one alone is a turn of its own', () => {
  const verdict = { kind: 'deny', rules: ['budget.day'], reason: 'spent' }
  const denied = { ...modelIntent('m2'), verdict }
  const before = [start, modelIntent('m1'), told('m1', 1), outcome('m1')]
  expect(tree(spansOf([...before, denied, end]))).toEqual([
    `chat claude-sonnet-5 < ${TURN}`,
    `${TURN} < invoke_agent coder`,
    `chat claude-sonnet-5 < ${TURN}`,
    'invoke_agent coder',
  ])
  expect(tree(spansOf([start, denied, end]))).toEqual([
    `${TURN} < invoke_agent coder`,
    `chat claude-sonnet-5 < ${TURN}`,
    'invoke_agent coder',
  ])
})

test('helpers that ask another model have turns of their own', () => {
  const small = { ...modelIntent('h1'), action: { ...modelIntent('h1').action, model: 'small' } }
  const leaves = [start, modelIntent('m1'), small, outcome('h1'), told('m1', 0), outcome('m1'), end]
  expect(tree(spansOf(leaves)).filter((line) => line.startsWith('turn'))).toEqual([
    'turn anthropic:small < invoke_agent coder',
    `${TURN} < invoke_agent coder`,
  ])
})

test('gemini’s operation has the conventions’ name for it', () => {
  const { action } = modelIntent('g1')
  const gemini = { ...modelIntent('g1'), action: { ...action, provider: 'google', api: 'gemini' } }
  const [, span] = spansOf([start, gemini, outcome('g1')])
  expect(span?.name).toBe('generate_content claude-sonnet-5')
  expect(of(span ?? expect.fail())['gen_ai.provider.name']).toBe('gcp.gemini')
})

type Some = { kind: string; model: string; isAllowed: boolean; released: number; ends: string }
const SOME = fc.record({
  kind: fc.constantFrom('model', 'tool', 'request'),
  model: fc.constantFrom('a', 'b'),
  isAllowed: fc.boolean(),
  released: fc.nat(2),
  ends: fc.constantFrom('outcome', 'gap', 'at the end'),
})

/** An action's first leaf, and those that are to follow it. */
function leavesOf({ kind, model, isAllowed, released, ends }: Some, id: string): object[][] {
  const intent = kind === 'tool' ? toolCall(id) : modelIntent(id)
  const asked: unknown = Reflect.get(intent, 'action')
  const action = kind === 'request' ? { kind: 'http.request' } : { ...Object(asked), model }
  const deny = { kind: 'deny', rules: [], reason: 'no' }
  if (!isAllowed) return [[{ ...intent, action, verdict: deny }], []]
  const gap = { type: 'gap', session: SESSION, id, reason: 'lost' }
  const call = kind === 'model' && ends === 'outcome' ? [{ ...told(id, released), model }] : []
  return [[{ ...intent, action }], [...call, ends === 'outcome' ? outcome(id) : gap]]
}

test('whatever a session does, in whatever order it ends: one root, no orphan, no span twice', () => {
  const property = fc.property(fc.array(SOME, { maxLength: 20 }), fc.nat(), (actions, seed) => {
    const leaves: object[] = [start]
    const late: object[] = []
    for (const [index, some] of actions.entries()) {
      const [first = [], rest = []] = leavesOf(some, `${some.kind}-${index}`)
      leaves.push(...first)
      // some end at once, some behind those that begin later, some with the session
      const isLate = some.ends === 'at the end' || (seed + index) % 3 === 0
      if (isLate) late.push(...rest)
      else leaves.push(...rest)
      if ((seed + index) % 4 === 0) leaves.push(...late.splice(0))
    }
    leaves.push(...late, end)
    const spans = spansOf(leaves)
    const ids = spans.map(({ spanId }) => spanId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1)
    expect(tree(spans).filter((line) => line.includes('ORPHAN'))).toEqual([])
    expect(spans.every((span) => span.startTimeUnixNano <= span.endTimeUnixNano)).toBe(true)
    expect(inTwoBatches(leaves, seed % (leaves.length + 1))).toEqual(spans)
  })
  fc.assert(property, { numRuns: 300 })
})

/** With the state kept as text in between, as over a restart. */
function inTwoBatches(leaves: readonly object[], cut: number): Span[] {
  const all = records(leaves)
  const first = OpenSpans.from(ORIGIN, null)
  const before = first.take(all.slice(0, cut))
  const again = OpenSpans.from(ORIGIN, JSON.parse(JSON.stringify(first.state())))
  return [...before, ...again.take(all.slice(cut))]
}

test('a batch that is taken again after a failure makes the same spans', () => {
  const open = OpenSpans.from(ORIGIN, null)
  const copy = open.copy()
  const first = copy.take(records(run))
  expect(open.copy().take(records(run))).toEqual(first)
})

test('more turns than are remembered end early, and none is lost', () => {
  const calls = Array.from({ length: 600 }, (_, i) => {
    const intent = modelIntent(`m${i}`)
    const action = { ...intent.action, model: `model-${i}` }
    const call = { ...told(`m${i}`, 1), model: `model-${i}` }
    return [{ ...intent, action }, call, outcome(`m${i}`)]
  })
  const spans = spansOf([start, ...calls.flat(), end])
  expect(spans.filter(({ name }) => name.startsWith('turn'))).toHaveLength(600)
  expect(tree(spans).filter((line) => line.includes('ORPHAN'))).toEqual([])
})
