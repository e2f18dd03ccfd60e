import { expect, test } from 'vitest'
import { deciding } from './testing/deciding.ts'
import type { HttpRequestAction } from '../core/action.ts'
import { SekishoError } from '../core/error.ts'
import { CLEAN } from '../core/label.ts'
import { type Deny, deny, type Verdict } from '../core/verdict.ts'
import { passRequest, recordDenial } from './checkpoint.ts'
import type {
  ActionOutcome,
  CheckpointPorts,
  Decide,
  Decider,
  Exchange,
  Intent,
  Performed,
} from './ports.ts'

const action: HttpRequestAction = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'api.example.com',
  port: 443,
  path: '/',
  query: null,
}
const noWrites: Deny = deny('no-writes', 'rule no-writes')
const done: Performed = {
  kind: 'performed',
  status: 200,
  address: '192.0.2.1',
  bytesOut: 1,
  bytesIn: 2,
  scrubbed: 0,
}

test('an allowed request takes the whole path, in order', async () => {
  const { ports, exchange, log, intents, outcomes } = fakes()
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  expect(log).toEqual(['decide', 'inspect', 'decide', 'intent', 'pin', 'perform', 'outcome'])
  expect(intents).toEqual([
    {
      id: 'i1',
      action,
      verdict: { kind: 'allow', rules: ['r'] },
      credentials: ['key'],
      repeated: 0,
      generation: 1,
      facts: { user: 'uid-0', label: CLEAN },
    },
  ])
  expect(outcomes).toEqual([['i1', done]])
})

test('the released values reach only the performer', async () => {
  const given: unknown[] = []
  const { ports, exchange } = fakes({}, (pinned, values) => {
    given.push(pinned, [...values])
    return Promise.resolve(done)
  })
  await passRequest(action, exchange, ports)
  expect(given).toEqual([
    { kind: 'pinned', address: '192.0.2.1', port: 443, caPem: null },
    [['key', 'value']],
  ])
})

test('a denied request is recorded and meets neither resolver nor upstream', async () => {
  const { ports, exchange, log, intents } = fakes(deciding(() => noWrites))
  expect(await passRequest(action, exchange, ports)).toEqual(noWrites)
  expect(log).toEqual(['intent'])
  expect(intents).toEqual([
    {
      id: 'i1',
      action,
      verdict: noWrites,
      credentials: [],
      repeated: 0,
      generation: 1,
      facts: { user: 'uid-0', label: CLEAN },
    },
  ])
})

test('what wants an approval is denied while nobody can be asked', async () => {
  const { ports, exchange, log } = fakes(
    deciding(() => ({ kind: 'hold', rules: ['ask'], reason: 'rule ask' })),
  )
  expect(await passRequest(action, exchange, ports)).toEqual({
    kind: 'deny',
    rules: ['ask'],
    reason: 'rule ask; nobody can be asked here',
  })
  expect(log).toEqual(['inspect', 'intent'])
})

test('a misplaced placeholder is recorded as a denial and asks for no credential', async () => {
  const { ports, exchange, log, intents } = fakes()
  exchange.inspect = () => ({ kind: 'misuse', secret: 'key', where: 'url' })
  const want = deny(
    'invariant.placeholder-misuse',
    'the placeholder of key in url, to api.example.com',
  )
  expect(await passRequest(action, exchange, ports)).toEqual(want)
  expect(log).toEqual(['decide', 'intent'])
  expect(intents.map((intent) => intent.credentials)).toEqual([[]])
})

test('a request above the session’s limits is recorded as denied and goes nowhere', async () => {
  const { ports, exchange, log, intents } = fakes()
  const over = deny('limit.egress-requests', '10 of 10 requests made')
  exchange.inspect = () => over
  expect(await passRequest(action, exchange, ports)).toEqual(over)
  expect(log).toEqual(['decide', 'intent'])
  expect(intents.map(({ verdict, credentials }) => [verdict, credentials])).toEqual([[over, []]])
})

test('a private address is refused after the record and before the upstream', async () => {
  const isPrivate = deny('invariant.private-address', '10.0.0.1 is private')
  const { ports, exchange, log, outcomes } = fakes({
    resolver: { pin: () => Promise.resolve(isPrivate) },
  })
  expect(await passRequest(action, exchange, ports)).toEqual(isPrivate)
  expect(log).toEqual(['decide', 'inspect', 'decide', 'intent', 'outcome'])
  expect(outcomes).toEqual([
    ['i1', { kind: 'refused', rules: isPrivate.rules, reason: isPrivate.reason }],
  ])
})

test('no record, no act', async () => {
  const full = new SekishoError('LOG_UNWRITABLE', 'disk full')
  const { ports, exchange, log } = fakes()
  ports.recorder.intent = () => Promise.reject(full)
  await expect(passRequest(action, exchange, ports)).rejects.toBe(full)
  expect(log).toEqual(['decide', 'inspect', 'decide'])
})

test('a name that does not resolve still gets its outcome', async () => {
  const gone = new SekishoError('UPSTREAM_FAILED', 'no such name')
  const { ports, exchange, outcomes } = fakes({ resolver: { pin: () => Promise.reject(gone) } })
  await expect(passRequest(action, exchange, ports)).rejects.toBe(gone)
  expect(outcomes).toEqual([
    ['i1', { kind: 'failed', code: 'UPSTREAM_FAILED', message: 'no such name' }],
  ])
})

test('a body cut for a late placeholder has a failed outcome and a denial of its own', async () => {
  const { ports, exchange, intents, outcomes } = fakes({}, () =>
    Promise.resolve({ kind: 'misuse', secret: 'key', where: 'body' }),
  )
  const cut: ActionOutcome = {
    kind: 'failed',
    code: 'PLACEHOLDER_MISUSE',
    message: 'cut: key in body',
  }
  expect(await passRequest(action, exchange, ports)).toEqual(cut)
  expect(outcomes).toEqual([['i1', cut]])
  expect(intents[1]).toEqual({
    id: 'i2',
    action: { kind: 'secret.use', secret: 'key', host: 'api.example.com', where: 'body' },
    verdict: deny(
      'invariant.placeholder-misuse',
      'the placeholder of key in body, to api.example.com',
    ),
    credentials: [],
    repeated: 0,
  })
})

test('an outcome that cannot be recorded is reported, and the reply stands', async () => {
  const lost: string[] = []
  const { ports, exchange } = fakes({ outcomeLost: (error) => void lost.push(error.code) })
  ports.recorder.outcome = () => Promise.reject(new SekishoError('PEER_UNAVAILABLE', 'gone'))
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  await Promise.resolve()
  expect(lost).toEqual(['PEER_UNAVAILABLE'])
})

test('a denial outright carries how many like it went before', async () => {
  const { ports, intents } = fakes()
  await recordDenial({ action, by: noWrites, repeated: 7 }, ports)
  expect(intents).toEqual([{ id: 'i1', action, verdict: noWrites, credentials: [], repeated: 7 }])
})

const HOLD: Verdict = { kind: 'hold', rules: ['ask'], reason: 'rule ask', needs: ['approver'] }

/** Holds until somebody has said yes; `house` is a mandate that says it. */
function asking(): Partial<CheckpointPorts> {
  return deciding(
    (_action, facts) =>
      facts?.approvals.includes('approver') === true ? { kind: 'allow', rules: ['r'] } : HOLD,
    {
      mandateFor: () => 'house',
      describe: (_action, { label, mandate }) => ({ user: 'u', label, mandate }),
    },
  )
}

test('a mandate stands for a yes, and is named in the record', async () => {
  const { ports, exchange, intents } = fakes(asking())
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  expect(intents.map(({ facts }) => facts?.mandate)).toEqual(['house'])
})

test('a mandate that is used up leaves people to be asked', async () => {
  const { ports, exchange, intents } = fakes({
    ...asking(),
    desk: {
      ask: ({ needs }) =>
        Promise.resolve({ kind: 'approved', by: needs, hold: { id: 'h-1', digest: 'sha256:1' } }),
    },
  })
  const { recorder } = ports
  const record = recorder.intent.bind(recorder)
  ports.recorder.intent = (intent) =>
    intent.facts?.mandate === undefined
      ? record(intent)
      : Promise.reject(new SekishoError('APPROVAL_REFUSED', 'used 12 times'))
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  expect(intents.map(({ id, hold }) => [id, hold?.id])).toEqual([['i2', 'h-1']])
})

test('an approval that the keyholder does not know is a denial', async () => {
  const { ports, exchange, log } = fakes({
    ...asking(),
    ...deciding((_action, facts) =>
      facts?.approvals.length === 0 ? HOLD : { kind: 'allow', rules: ['r'] },
    ),
    desk: {
      ask: ({ needs }) =>
        Promise.resolve({ kind: 'approved', by: needs, hold: { id: 'h-1', digest: 'sha256:1' } }),
    },
  })
  exchange.outgoing = () => ({ fields: [], body: null })
  ports.recorder.intent = () => Promise.reject(new SekishoError('APPROVAL_REFUSED', 'used before'))
  const denied = { kind: 'deny', rules: ['invariant.unapproved'], reason: 'used before' }
  expect(await passRequest(action, exchange, ports)).toEqual(denied)
  expect(log).not.toContain('perform')
})

test('what waited is decided anew where the policy has changed meanwhile', async () => {
  const { ports, exchange, intents } = fakes(asking())
  const before = ports.current()
  const now = { ...before, generation: 2 }
  let asked = 0
  ports.current = () => (asked === 0 ? before : now)
  ports.desk = {
    ask: ({ needs }) => {
      asked += 1
      return Promise.resolve({
        kind: 'approved',
        by: needs,
        hold: { id: 'h-1', digest: 'sha256:1' },
      })
    },
  }
  exchange.outgoing = () => ({ fields: [], body: null })
  before.mandateFor = () => undefined
  const result = await passRequest(action, exchange, ports)
  expect(result).toMatchObject({ kind: 'deny', rules: ['invariant.policy-changed', 'ask'] })
  expect(intents.map(({ generation }) => generation)).toEqual([2])
})

/** Ports whose rules are other ones from the given step on. */
function changing(
  step: 'inspect' | 'pin',
  next: Partial<Decider>,
): Fakes & { result: Promise<unknown> } {
  const made = fakes(deciding(() => ({ kind: 'allow', rules: ['r'] })))
  const { ports, exchange } = made
  const before = ports.current()
  let isChanged = false
  ports.current = () => (isChanged ? { ...before, generation: 2, ...next } : before)
  const inspect = exchange.inspect.bind(exchange)
  const { resolver } = ports
  const pin = resolver.pin.bind(resolver)
  exchange.inspect = (allowed) => {
    isChanged ||= step === 'inspect'
    return inspect(allowed)
  }
  ports.resolver = {
    pin: (host, port) => {
      isChanged ||= step === 'pin'
      return pin(host, port)
    },
  }
  return { ...made, result: passRequest(action, exchange, ports) }
}

test('what was begun under one generation and said under another is decided by the other', async () => {
  const denied = changing('inspect', { decide: () => noWrites })
  expect(await denied.result).toEqual(noWrites)
  expect([denied.intents.map(({ generation }) => generation), denied.log]).toEqual([
    [2],
    ['inspect', 'intent'],
  ])
  const allowed = changing('inspect', {})
  expect(await allowed.result).toEqual(done)
  expect(allowed.intents.map(({ generation }) => generation)).toEqual([2])
})

test('what another generation would look at otherwise is to be sent again', async () => {
  const { result, log } = changing('inspect', { optionsFor: () => ({ maxBodyBytes: 1 }) })
  expect(await result).toMatchObject({ kind: 'deny', rules: ['invariant.policy-changed'] })
  expect(log).not.toContain('perform')
})

test('what another generation forbids just before it leaves does not leave', async () => {
  const { result, log, outcomes } = changing('pin', { decide: () => noWrites })
  expect(await result).toMatchObject({ kind: 'deny', rules: ['invariant.policy-changed'] })
  expect(log).not.toContain('perform')
  expect(outcomes.map(([, { kind }]) => kind)).toEqual(['refused'])
})

test('a stream is asked about once more before it opens, with what has come in meanwhile', async () => {
  const isTainted: Decide = (_action, facts) =>
    facts?.label.integrity === 'untrusted' ? noWrites : { kind: 'allow', rules: ['r'] }
  const { ports, exchange, log } = fakes(deciding(isTainted))
  exchange.isOpenEnded = () => true
  let reads = 0
  ports.labels = {
    ...ports.labels,
    after: () => ({ ...CLEAN, integrity: reads++ === 0 ? 'user' : 'untrusted' }),
  }
  expect(await passRequest(action, exchange, ports)).toMatchObject({ kind: 'deny' })
  expect(log).not.toContain('perform')
})

test('whoever is asked is shown what will be sent, and where nobody can say it is denied', async () => {
  const { ports, exchange, log } = fakes({ ...asking() })
  ports.current().mandateFor = () => undefined
  ports.desk = { ask: () => Promise.reject(new Error('not asked')) }
  const why = deny('invariant.unshowable', 'a stream')
  exchange.outgoing = () => why
  const reason = 'rule ask; a stream'
  expect(await passRequest(action, exchange, ports)).toEqual({
    kind: 'deny',
    rules: ['ask'],
    reason,
  })
  expect(log).not.toContain('perform')
})

type Fakes = {
  ports: CheckpointPorts
  exchange: Exchange
  log: string[]
  intents: Intent[]
  outcomes: [string, ActionOutcome][]
}

function fakes(over: Partial<CheckpointPorts> = {}, perform?: Exchange['perform']): Fakes {
  const log: string[] = []
  const intents: Intent[] = []
  const outcomes: [string, ActionOutcome][] = []
  const did = <T>(step: string, value: T): T => {
    log.push(step)
    return value
  }
  let ids = 0
  const ports: CheckpointPorts = {
    ...deciding(() => did('decide', { kind: 'allow', rules: ['r'] })),
    recorder: {
      intent: (intent) => {
        intents.push(did('intent', intent))
        return Promise.resolve(new Map([['key', 'value']]))
      },
      outcome: (id, outcome) => {
        outcomes.push(did('outcome', [id, outcome]))
        return Promise.resolve()
      },
    },
    resolver: {
      pin: (_host, port) =>
        Promise.resolve(did('pin', { kind: 'pinned', address: '192.0.2.1', port, caPem: null })),
    },
    newId: () => `i${++ids}`,
    outcomeLost: (error) => {
      throw error
    },
    ...over,
  }
  const exchange: Exchange = {
    inspect: () => did('inspect', { kind: 'clear', credentials: ['key'] }),
    outgoing: () => ({ fields: [], body: null }),
    perform: perform ?? (() => Promise.resolve(did('perform', done))),
  }
  return { ports, exchange, log, intents, outcomes }
}
