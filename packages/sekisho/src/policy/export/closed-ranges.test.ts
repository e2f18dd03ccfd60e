import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classifyAddress, formatIpv4, formatIpv6 } from '../../core/address.ts'
import { CLOSED, hostCidr, isWithin } from './closed-ranges.ts'

const isClosed = (ranges: readonly string[], address: string): boolean =>
  ranges.some((range) => isWithin(hostCidr(address), range))

/** Everywhere, and more often than not near the edge of a special block. */
const near = (edges: readonly bigint[], bits: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    fc.bigInt({ min: 0n, max: (1n << bits) - 1n }),
    fc
      .tuple(fc.constantFrom(...edges), fc.bigInt({ min: -2n, max: 2n }))
      .map(([edge, by]) => BigInt.asUintN(Number(bits), edge + by)),
  )

const edges4 = CLOSED.ipv4.map(
  (cidr) =>
    cidr
      .split('/')[0]
      ?.split('.')
      .reduce((value, octet) => value * 256n + BigInt(octet), 0n) ?? 0n,
)

test('an IPv4 address is in a closed range exactly when the gate would not dial it', () => {
  fc.assert(
    fc.property(near(edges4, 32n), (value) => {
      const address = formatIpv4(Number(value))
      expect(isClosed(CLOSED.ipv4, address)).toBe(classifyAddress(address) !== 'public')
    }),
    { numRuns: 2000 },
  )
})

test('a global IPv6 address is in a closed range exactly when the gate would not dial it', () => {
  const prefixes = ['20010000', '20010200', '20010db8', '2002', '2620004f', '3ffe', '3fff', '3fff1']
  const edges = prefixes.map((hex) => BigInt(`0x${hex.padEnd(32, '0')}`))
  fc.assert(
    fc.property(near(edges, 128n), (value) => {
      const global = (value & ((1n << 125n) - 1n)) | (1n << 125n)
      const address = formatIpv6(global)
      fc.pre(!/5efe:/.test(address)) // ISATAP is no block
      expect(isClosed(CLOSED.ipv6, address)).toBe(classifyAddress(address) !== 'public')
    }),
    { numRuns: 2000 },
  )
})

test('the metadata services of the clouds are in what is closed', () => {
  for (const address of ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16']) {
    expect(isClosed(CLOSED.ipv4, address)).toBe(true)
  }
  for (const address of ['fd00:ec2::254', 'fd20:ce::254', 'fe80::1']) {
    expect(isClosed(CLOSED.allIpv6, address)).toBe(true)
  }
})
