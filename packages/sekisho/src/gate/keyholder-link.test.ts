import { expect, test, vi } from 'vitest'
import type * as z from 'zod'
import { SekishoError } from '../core/error.ts'
import { gateToKeyholder, keyholderToGate } from '../wire/keyholder.ts'
import { Peer, type Transport } from '../wire/peer.ts'
import type { tell } from '../wire/tell.ts'
import { KeyholderLink } from './keyholder-link.ts'
import { recorderFor } from './session-recorder.ts'
import type { Told } from './telling.ts'
import { transportPair } from './testing/rig.ts'

type Identify = () => { id: string; certificate: string; renewAt: number }
type Tell = z.infer<(typeof tell)['params']>
type Answered = (told: Tell) => z.infer<(typeof tell)['result']>

test('a gate that the keyholder will not certify says so, and has no keyholder', async () => {
  const told = Promise.withResolvers<void>()
  const link = new KeyholderLink(told.resolve)
  link.attach(
    keyholder(() => {
      throw new SekishoError('LOG_UNWRITABLE', 'no room')
    }),
    async () => undefined,
  )
  await told.promise
  expect(link.isUp).toBe(false)
})

test('one whose keyholder goes away waits for the next', async () => {
  let told = 0
  const link = new KeyholderLink(() => {
    told += 1
  })
  const down = new Promise<void>((resolve) => void link.onDown(resolve))
  const transport = keyholder(() => {
    transport.close()
    throw new SekishoError('LOG_UNWRITABLE', 'gone')
  })
  link.attach(transport, async () => undefined)
  await down
  const known = Promise.withResolvers<void>()
  link.attach(
    keyholder(() => {
      known.resolve()
      return CERTIFIED
    }),
    async () => undefined,
  )
  await known.promise
  expect([told, link.isUp]).toEqual([0, true])
  link.close()
})

test('behind a clock that went on by days another key is made before anything is signed', async () => {
  const link = new KeyholderLink()
  const asked: string[] = []
  link.attach(
    keyholder(
      () => {
        asked.push('identify')
        return { ...CERTIFIED, renewAt: Date.now() + 3_600_000 }
      },
      ({ leaves }) => {
        asked.push('tell')
        return { told: leaves.map((_, at) => at) }
      },
    ),
    async () => undefined,
  )
  await link.tell(OUTCOME)
  await link.tell(OUTCOME)
  expect(asked).toEqual(['identify', 'tell', 'tell'])
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 48 * 3_600_000)
  await link.tell(OUTCOME)
  clock.mockRestore()
  expect(asked.slice(3)).toEqual(['identify', 'tell'])
  link.close()
})

test('outcomes of one moment leave together under one signature, each with its own answer', async () => {
  const link = new KeyholderLink()
  const asked: Tell[] = []
  link.attach(
    keyholder(
      () => ({ ...CERTIFIED, renewAt: Date.now() + 3_600_000 }),
      (told) => {
        asked.push(told)
        return { told: [0, { code: 'SESSION_UNKNOWN', message: 'it is over', hint: null }, 2] }
      },
    ),
    async () => undefined,
  )
  const ends = await Promise.allSettled(['a', 'b', 'c'].map((id) => link.tell({ ...OUTCOME, id })))
  expect(ends).toEqual([
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: expect.objectContaining({ code: 'SESSION_UNKNOWN' }) },
    { status: 'fulfilled', value: undefined },
  ])
  const leaves = ['a', 'b', 'c'].map((id) => ({ ...OUTCOME, id }))
  const claim = { by: expect.any(String), value: expect.any(String) }
  expect(asked).toEqual([{ leaves, claim, seq: 1 }])
  link.close()
})

test('half a character in what one session’s action came to takes no other session’s record with it', async () => {
  const link = new KeyholderLink()
  const asked: Tell[] = []
  link.attach(
    keyholder(
      () => ({ ...CERTIFIED, renewAt: Date.now() + 3_600_000 }),
      (told) => {
        asked.push(told)
        return { told: told.leaves.map((_, at) => at) }
      },
    ),
    async () => undefined,
  )
  // as where an error quotes so many characters of what an upstream said
  const half = 'quoted: \u{1F600}'.slice(0, -1)
  const done = [
    { kind: 'failed', code: 'UPSTREAM_FAILED', message: half },
    { kind: 'refused', rules: ['a.b'], reason: half },
    { kind: 'performed', status: 200, address: null, bytesOut: 1, bytesIn: 1, scrubbed: 0 },
  ] as const
  const ends = done.map((outcome, at) =>
    recorderFor(`s-${String(at).repeat(20)}`, link, () => undefined).outcome(`a-${at}`, outcome),
  )
  expect(await Promise.allSettled(ends)).toEqual(
    done.map(() => ({ status: 'fulfilled', value: undefined })),
  )
  const told = asked.flatMap(({ leaves }) => leaves)
  const whole = 'quoted: \u{FFFD}'
  expect(told).toEqual([
    expect.objectContaining({ outcome: { ...done[0], message: whole } }),
    expect.objectContaining({ outcome: { ...done[1], reason: whole } }),
    expect.objectContaining({ outcome: done[2] }),
  ])
  link.close()
})

test('what was told before the keyholder went away is not said to another one', async () => {
  const link = new KeyholderLink()
  const identify = (): typeof CERTIFIED => ({ ...CERTIFIED, renewAt: Date.now() + 3_600_000 })
  link.attach(keyholder(identify), async () => undefined)
  const told = link.tell(OUTCOME)
  link.attach(keyholder(identify), async () => undefined)
  await expect(told).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' })
  link.close()
})

const CERTIFIED = {
  id: 'spiffe://a.test/gate/0/0123456789abcdef',
  certificate: 'AAAA',
  renewAt: 0,
}

const OUTCOME: Told = {
  type: 'action.outcome',
  session: `s-${'0'.repeat(20)}`,
  id: 'a',
  outcome: { kind: 'failed', code: 'x', message: 'x' },
}

function refuse(): never {
  throw new SekishoError('PROTOCOL_VIOLATION', 'not asked for here')
}

/** The gate's end of a channel to one that answers so, and refuses all else. */
function keyholder(identify: Identify, answer: Answered = refuse): Transport {
  const [own, other] = transportPair()
  const handlers = {
    identify,
    record: refuse,
    tell: answer,
    certify: refuse,
    'blob.put': refuse,
    'blob.name': refuse,
    'blob.get': refuse,
    'recording.put': refuse,
  }
  const peer = new Peer('gate', other, { out: keyholderToGate, in: gateToKeyholder, handlers })
  own.onClose(() => peer.close())
  return own
}
