import { expect, test, vi } from 'vitest'
import { SekishoError } from '../core/error.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { gateToKeyholder, keyholderToGate } from '../wire/keyholder.ts'
import { Peer, type Transport } from '../wire/peer.ts'
import { KeyholderLink } from './keyholder-link.ts'
import { transportPair } from './testing/rig.ts'

type Identify = () => { id: string; certificate: string; renewAt: number }
type Recorded = () => { index: number; credentials: Record<string, string> }

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
      return { id: 'spiffe://a.test/gate/0/0123456789abcdef', certificate: 'AAAA', renewAt: 0 }
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
  const certified = {
    id: 'spiffe://a.test/gate/0/0123456789abcdef',
    certificate: 'AAAA',
    renewAt: Date.now() + 3_600_000,
  }
  link.attach(
    keyholder(
      () => {
        asked.push('identify')
        return certified
      },
      () => {
        asked.push('record')
        return { index: 0, credentials: {} }
      },
    ),
    async () => undefined,
  )
  await link.record(OUTCOME, [])
  await link.record(OUTCOME, [])
  expect(asked).toEqual(['identify', 'record', 'record'])
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 48 * 3_600_000)
  await link.record(OUTCOME, [])
  clock.mockRestore()
  expect(asked.slice(3)).toEqual(['identify', 'record'])
  link.close()
})

const OUTCOME: LeafInput = {
  type: 'action.outcome',
  session: `s-${'0'.repeat(20)}`,
  id: 'a',
  outcome: { kind: 'failed', code: 'x', message: 'x' },
}

function refuse(): never {
  throw new SekishoError('PROTOCOL_VIOLATION', 'not asked for here')
}

/** The gate's end of a channel to one that answers so, and refuses all else. */
function keyholder(identify: Identify, record: Recorded = refuse): Transport {
  const [own, other] = transportPair()
  const handlers = {
    identify,
    record,
    certify: refuse,
    'blob.put': refuse,
    'blob.name': refuse,
    'blob.get': refuse,
  }
  const peer = new Peer('gate', other, { out: keyholderToGate, in: gateToKeyholder, handlers })
  own.onClose(() => peer.close())
  return own
}
