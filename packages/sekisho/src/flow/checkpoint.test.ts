import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { CLEAN } from '../core/label.ts'
import { deny } from '../core/verdict.ts'
import { passRequest, recordDenial } from './checkpoint.ts'
import type { ActionOutcome } from './ports.ts'
import { deciding } from './testing/deciding.ts'
import { action, done, fakes, noWrites } from './testing/fakes.ts'

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

test('nothing leaves before what was prepared is done', async () => {
  const { ports, exchange, log } = fakes()
  const { promise, resolve } = Promise.withResolvers<void>()
  const recorded = Promise.withResolvers<void>()
  const prepared = (): Promise<void> => {
    recorded.resolve()
    return promise
  }
  const passed = passRequest(action, { ...exchange, prepared }, ports)
  await recorded.promise
  await new Promise((turn) => setImmediate(turn))
  expect(log).not.toContain('perform')
  resolve()
  expect(await passed).toEqual(done)
  expect(log).toContain('perform')
})

test('what cannot be prepared is recorded as failed and goes nowhere', async () => {
  const full = new SekishoError('CONTENT_UNKEPT', 'disk full')
  const { ports, exchange, log, outcomes } = fakes()
  const prepared = (): Promise<void> => Promise.reject(full)
  await expect(passRequest(action, { ...exchange, prepared }, ports)).rejects.toBe(full)
  expect(log).not.toContain('perform')
  expect(outcomes).toEqual([
    ['i1', { kind: 'failed', code: 'CONTENT_UNKEPT', message: 'disk full' }],
  ])
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
