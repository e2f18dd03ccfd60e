import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EgressBreach, EgressCut, EgressMeter } from './egress-meter.ts'

function meterOf(
  limits: { egressBytes?: number; egressRequests?: number },
  used = { bytes: 0, requests: 0 },
): { meter: EgressMeter; breaches: EgressBreach[] } {
  const breaches: EgressBreach[] = []
  const all = { egressBytes: 1000, egressRequests: 10, ...limits }
  const meter = new EgressMeter({ limits: all, used }, (breach) => void breaches.push(breach))
  return { meter, breaches }
}

test('requests are counted as they are admitted, and the one above the limit is denied', () => {
  const { meter, breaches } = meterOf({ egressRequests: 2 })
  expect([meter.admit(10), meter.admit(10)]).toEqual([undefined, undefined])
  const denied = {
    kind: 'deny',
    rules: ['limit.egress-requests'],
    reason: '2 of 2 requests made',
  }
  expect([meter.admit(10), meter.admit(10)]).toEqual([denied, denied])
  expect(meter.used).toEqual({ bytes: 0, requests: 2 })
  expect(breaches).toEqual([{ limit: 'egress-requests', configured: 2, observed: 2 }])
})

test('a request that says it is too long is denied before a byte of it is taken', () => {
  const { meter, breaches } = meterOf({ egressBytes: 100 })
  meter.take(60)
  expect(meter.check(41)).toEqual({
    kind: 'deny',
    rules: ['limit.egress-bytes'],
    reason: '60 of 100 bytes sent, 41 more asked for',
  })
  expect(meter.check(40)).toBeUndefined()
  expect(meter.used).toEqual({ bytes: 60, requests: 0 })
  expect(breaches).toEqual([{ limit: 'egress-bytes', configured: 100, observed: 101 }])
})

test('a piece that would pass the limit is taken whole or not at all', () => {
  const { meter, breaches } = meterOf({ egressBytes: 100 })
  meter.take(60)
  expect(() => meter.take(41)).toThrow(EgressCut)
  meter.take(40)
  expect(() => meter.take(1)).toThrow('cut: 1 bytes more would pass the limit')
  expect(meter.used.bytes).toBe(100)
  expect(breaches).toEqual([{ limit: 'egress-bytes', configured: 100, observed: 101 }])
})

test('what a session sent under a gate that died still counts', () => {
  const { meter } = meterOf({ egressBytes: 100, egressRequests: 2 }, { bytes: 90, requests: 1 })
  expect(() => meter.take(11)).toThrow(EgressCut)
  expect([meter.admit(1), meter.admit(1)?.rules]).toEqual([undefined, ['limit.egress-requests']])
})

test('whatever is asked in whatever order, no more than the limits leaves, and each is told once', () => {
  const step = fc.record({ bytes: fc.nat(400), isRequest: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(2000), fc.nat(20), (steps, ...limits) => {
      const [egressBytes, egressRequests] = limits
      const { meter, breaches } = meterOf({ egressBytes, egressRequests })
      let [sent, made] = [0, 0]
      for (const { bytes, isRequest } of steps) {
        if (isRequest && meter.admit(bytes) === undefined) made += 1
        if (!isRequest && takes(meter, bytes)) sent += bytes
      }
      expect(meter.used).toEqual({ bytes: sent, requests: made })
      expect(sent).toBeLessThanOrEqual(egressBytes)
      expect(made).toBeLessThanOrEqual(egressRequests)
      expect(new Set(breaches.map(({ limit }) => limit)).size).toBe(breaches.length)
    }),
  )
})

function takes(meter: EgressMeter, bytes: number): boolean {
  try {
    meter.take(bytes)
    return true
  } catch (error) {
    if (error instanceof EgressCut) return false
    throw error
  }
}
