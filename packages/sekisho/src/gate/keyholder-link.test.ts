import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { gateToKeyholder, keyholderToGate } from '../wire/keyholder.ts'
import { Peer, type Transport } from '../wire/peer.ts'
import { KeyholderLink } from './keyholder-link.ts'
import { transportPair } from './testing/rig.ts'

type Identify = () => { id: string; certificate: string; renewAt: number }

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
      return { id: 'spiffe://a/gate/0/0', certificate: '', renewAt: 0 }
    }),
    async () => undefined,
  )
  await known.promise
  expect([told, link.isUp]).toEqual([0, true])
  link.close()
})

/** The gate's end of a channel to one that answers `identify` so, and refuses all else. */
function keyholder(identify: Identify): Transport {
  const [own, other] = transportPair()
  const refuse = (): never => {
    throw new SekishoError('PROTOCOL_VIOLATION', 'not asked for here')
  }
  const handlers = {
    identify,
    record: refuse,
    certify: refuse,
    'blob.put': refuse,
    'blob.name': refuse,
    'blob.get': refuse,
  }
  const peer = new Peer('gate', other, { out: keyholderToGate, in: gateToKeyholder, handlers })
  own.onClose(() => peer.close())
  return own
}
