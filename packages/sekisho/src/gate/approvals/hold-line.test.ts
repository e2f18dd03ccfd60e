import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import type { OperationCall } from '../../core/facts.ts'
import type { Answer, ApprovalDesk, Question } from '../../flow/approvals-port.ts'
import { heldDigest } from '../../wire/approval.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { socketTransport } from '../../wire/transport.ts'
import { KeyholderLink } from '../keyholder-link.ts'
import { FakeControl } from '../testing/control.ts'
import { FakeKeyholder } from '../testing/keyholder.ts'
import { ControlLink } from './control-link.ts'
import { HoldLine } from './hold-line.ts'

const SESSION = 's-00000000000000000000'
const TIMEOUT_MS = 60_000

const question = (fields: Partial<Question> = {}): Question => ({
  action: {
    kind: 'http.request',
    scheme: 'https',
    method: 'POST',
    host: 'api.test',
    port: 443,
    path: '/x',
    query: null,
  },
  fields: ['host', 'api.test'],
  body: Buffer.from('hello'),
  operation: null,
  credentials: [],
  label: { integrity: 'untrusted', confidentiality: 'internal' },
  sources: [],
  unconfirmed: [],
  findings: [],
  needs: ['approver'],
  rules: ['r'],
  reason: 'because',
  generation: 1,
  policy: `sha256:${'a'.repeat(64)}`,
  ...fields,
})

/** A desk between the real links, whose other ends are played. */
class Scene {
  readonly keyholder = new FakeKeyholder()
  readonly control = new FakeControl()
  readonly links = { keyholder: new KeyholderLink(), control: new ControlLink() }
  readonly gone = new AbortController()
  timeoutMs = TIMEOUT_MS
  #ids = 0
  readonly #line = new HoldLine({
    ...this.links,
    newHoldId: () => `h-${String((this.#ids += 1)).padStart(20, '0')}`,
    now: () => Date.now(),
  })
  readonly desk = this.deskOf(SESSION)

  async open(): Promise<void> {
    this.links.keyholder.attach(
      socketTransport(await this.keyholder.connect()),
      async () => undefined,
    )
    this.links.control.attach(socketTransport(await this.control.connect()))
  }

  deskOf(session: string): ApprovalDesk {
    const timeoutMs = (): number => this.timeoutMs
    return this.#line.deskOf({ session, agent: 'a', user: () => 'uma', timeoutMs })
  }

  ask(fields: Partial<Question> = {}): Promise<Answer> {
    return this.desk.ask(question(fields), this.gone.signal)
  }

  close(): void {
    this.links.keyholder.close()
    this.links.control.close()
  }

  ended(): (readonly [string, string])[] {
    return this.keyholder.leaves.flatMap((leaf) =>
      leaf.type === 'approval.ended' ? [[leaf.why, leaf.detail] as const] : [],
    )
  }
}

let scene: Scene
beforeEach(async () => {
  scene = new Scene()
  await scene.open()
})
afterEach(() => scene.close())

test('what is approved is recorded first, asked about whole, and named by its digest', async () => {
  scene.control.answer = () => {
    expect(scene.keyholder.leaves.map(({ type }) => type)).toEqual(['action.held'])
    return { kind: 'approved', by: ['approver'] }
  }
  const answer = await scene.ask()
  const [held] = scene.control.held
  if (held === undefined) throw new Error('nothing was asked')
  const hold = { id: held.id, digest: heldDigest(held) }
  expect(answer).toEqual({ kind: 'approved', by: ['approver'], hold })
  expect(held).toMatchObject({
    session: SESSION,
    agent: 'a',
    user: 'uma',
    body: { bytes: 5, content: Buffer.from('hello').toString('base64') },
  })
  expect(Date.parse(held.expiresAt) - Date.parse(held.openedAt)).toBe(TIMEOUT_MS)
  expect(scene.keyholder.leaves).toEqual([
    expect.objectContaining({ type: 'action.held', ...hold, needs: ['approver'] }),
  ])
})

test('any other byte, header, session or time has another digest', async () => {
  scene.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  const other = scene.deskOf('s-11111111111111111111')
  const answers = [
    await scene.ask(),
    await scene.ask(),
    await scene.ask({ body: Buffer.from('hellp') }),
    await scene.ask({ fields: ['host', 'api.test', 'x', 'y'] }),
    await other.ask(question(), scene.gone.signal),
  ]
  const digests = answers.map((answer) => (answer.kind === 'approved' ? answer.hold.digest : ''))
  expect(new Set(digests).size).toBe(5)
})

describe('nothing but an approval lets it pass', () => {
  test('a denial', async () => {
    scene.control.answer = () => ({ kind: 'denied', reason: 'it was denied: no' })
    expect(await scene.ask()).toEqual({
      kind: 'denied',
      why: 'denied',
      reason: 'it was denied: no',
    })
  })

  test('another generation', async () => {
    scene.control.answer = () => ({ kind: 'policy-changed' })
    expect(await scene.ask()).toMatchObject({ kind: 'denied', why: 'policy-changed' })
    expect(scene.ended()).toEqual([['policy-changed', 'the policy changed while it waited']])
  })

  test('nobody’s answer until its end, whatever control says of it', async () => {
    scene.timeoutMs = 20
    expect(await scene.ask()).toEqual({
      kind: 'denied',
      why: 'expired',
      reason: 'nobody answered in time',
    })
    expect(scene.ended()).toEqual([['expired', 'nobody answered in time']])
  })

  test('an agent that goes away: control is told, and it is recorded', async () => {
    const asked = scene.ask()
    await scene.control.until(({ held }) => held.length === 1)
    scene.gone.abort()
    expect(await asked).toMatchObject({ kind: 'denied', why: 'withdrawn' })
    await scene.control.until(({ withdrawn }) => withdrawn.length === 1)
    expect(scene.ended()).toEqual([['withdrawn', 'the agent has gone away']])
  })

  test('an agent that had gone before', async () => {
    scene.gone.abort()
    expect(await scene.ask()).toMatchObject({ kind: 'denied', why: 'withdrawn' })
    expect(scene.control.held).toEqual([])
  })

  test('a control that dies', async () => {
    const asked = scene.ask()
    await scene.control.until(({ held }) => held.length === 1)
    scene.control.die()
    expect(await asked).toMatchObject({ kind: 'denied', why: 'unavailable' })
    expect(scene.ended()).toHaveLength(1)
  })

  test('a keyholder that dies, and with it what it knew', async () => {
    const asked = scene.ask()
    await scene.control.until(({ held }) => held.length === 1)
    scene.keyholder.die()
    expect(await asked).toMatchObject({ kind: 'denied', why: 'unavailable' })
  })

  test('a control that was never there', async () => {
    scene.links.control.close()
    expect(await scene.ask()).toMatchObject({ kind: 'denied', why: 'unavailable' })
  })

  test.for<readonly [string, SekishoError, string]>([
    ['a log that cannot be written', new SekishoError('LOG_UNWRITABLE', 'full'), 'unavailable'],
    [
      'a policy that is not in force any more',
      new SekishoError('POLICY_CHANGED', 'x'),
      'policy-changed',
    ],
  ])('%s: nobody is asked', async ([, error, why]) => {
    scene.keyholder.beforeRecord = () => {
      throw error
    }
    expect(await scene.ask()).toMatchObject({ kind: 'denied', why })
    expect(scene.control.held).toEqual([])
  })

  test.for<readonly [string, Partial<Question>]>([
    ['a body that is too long', { body: new Uint8Array(1024 * 1024 + 1) }],
    ['half a character', { fields: ['x', '\ud800'] }],
    ['more headers than can be shown', { fields: Array.from({ length: 600 }, () => 'x') }],
    [
      'arguments that are too long',
      { operation: { id: 'a.b', arguments: { x: '\u0000'.repeat(1024 * 1024) } } },
    ],
    ['an escape sequence', { body: Buffer.from('ok \u001b[2J\u001b[1;1H approved by aiko') }],
    ['a turn of direction', { body: Buffer.from('{"to":"\u202etset.live@eve"}') }],
    [
      'a turn of direction that JSON spells in ASCII',
      {
        body: Buffer.from('{"to":"\\u202ex"}'),
        operation: { id: 'a.b', arguments: { to: ['\u202ex'] } },
      },
    ],
    ['arguments that are no JSON', { operation: { id: 'a.b', arguments: { x: () => 1 } } }],
  ])('%s cannot be shown whole, and is not asked about', async ([, fields]) => {
    expect(await scene.ask(fields)).toMatchObject({ kind: 'denied', why: 'cannot-be-shown' })
    expect(scene.keyholder.leaves).toEqual([])
  })
})

test('a call of an operation is asked about by its name and arguments', async () => {
  scene.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  const call: OperationCall = {
    id: 'mail.send',
    arguments: { to: ['eve@elsewhere.example'] },
    reversibility: 'reversible',
    consequence: 'low',
  }
  expect(await scene.ask({ operation: call })).toMatchObject({ kind: 'approved' })
  const { id, arguments: args } = call
  expect(scene.control.held[0]?.operation).toEqual({ id, arguments: args })
})

test('letters of any language, and bytes that are no text, are asked about', async () => {
  scene.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  for (const body of [
    Buffer.from('שלום \u200f関所 👩\u200d💻'),
    Buffer.from([0x1b, 0xff, 0x00, 0x9b]),
  ]) {
    expect(await scene.ask({ body, fields: ['x', 'caf\u00c3\u0083'] })).toMatchObject({
      kind: 'approved',
    })
  }
})

test('what is longer than the leaf holds is in the digest all the same', async () => {
  scene.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  const label = { integrity: 'untrusted', confidentiality: 'public' } as const
  const sources = Array.from({ length: 100 }, (_, i) => ({
    what: `GET https://a.test/${i}`,
    label,
  }))
  const unconfirmed = [
    {
      kind: 'command' as const,
      argument: 'x',
      value: `${'a'.repeat(255)}\u{1f600}`,
      origin: 'unknown',
    },
  ]
  expect(await scene.ask({ sources, unconfirmed })).toMatchObject({ kind: 'approved' })
  const [held] = scene.control.held
  expect(held?.sources).toHaveLength(64)
  expect(held?.sources.at(-1)?.what).toBe('and 37 more')
  const leaf = scene.keyholder.leaves.find((one: LeafInput) => one.type === 'action.held')
  expect(leaf).toMatchObject({ sources: expect.objectContaining({ length: 16 }) })
  expect(leaf).toMatchObject({ unconfirmed: [{ value: `${'a'.repeat(255)}\ufffd` }] })
})

test('more than a session’s share is denied, and the next one goes on', async () => {
  const asked = Array.from({ length: 17 }, () => scene.ask())
  const first = await Promise.race(asked)
  expect(first).toMatchObject({ kind: 'denied', why: 'too-many' })
  await scene.control.until(({ held }) => held.length === 16)
  const other = scene.deskOf('s-11111111111111111111').ask(question(), scene.gone.signal)
  await scene.control.until(({ held }) => held.length === 17)
  scene.gone.abort()
  expect(
    (await Promise.all([...asked, other])).filter(({ kind }) => kind === 'denied'),
  ).toHaveLength(18)
  scene.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  expect(await scene.desk.ask(question(), new AbortController().signal)).toMatchObject({
    kind: 'approved',
  })
})

test('bodies of the longest kind do not fill the channel to control', async () => {
  const body = new Uint8Array(1024 * 1024)
  const asks = Array.from({ length: 20 }, (_, i) =>
    scene.deskOf(`s-${String(i).padStart(20, '0')}`).ask(question({ body }), scene.gone.signal),
  )
  await scene.control.until(({ held }) => held.length === 8)
  scene.gone.abort()
  const whys = (await Promise.all(asks)).map((answer) =>
    answer.kind === 'denied' ? answer.why : '',
  )
  expect(whys.filter((why) => why === 'withdrawn')).toHaveLength(8)
  expect(whys.filter((why) => why === 'too-many')).toHaveLength(12)
  expect(scene.links.control.isUp).toBe(true)
})
