import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatIpv4, formatIpv6 } from './address.ts'
import { isInCidr, parseCidr } from './cidr.ts'

test.for<[string, string, ReturnType<typeof parseCidr>]>([
  ['a block of IPv4', '10.1.0.0/16', { family: 4, start: 0x0a010000n, end: 0x0a01ffffn }],
  ['one address', '10.1.2.3/32', { family: 4, start: 0x0a010203n, end: 0x0a010203n }],
  ['all of IPv4', '0.0.0.0/0', { family: 4, start: 0n, end: 0xffffffffn }],
  ['a block of IPv6', 'fd00::/8', { family: 6, start: 0xfdn << 120n, end: (0xfen << 120n) - 1n }],
])('%s is read', ([, text, want]) => {
  expect(parseCidr(text)).toEqual(want)
})

test.for([
  ['an address within a block', '10.1.2.3/16'],
  ['no length', '10.1.0.0'],
  ['an empty length', '10.1.0.0/'],
  ['a length with a zero before it', '10.1.0.0/016'],
  ['a length with a sign', '10.1.0.0/+16'],
  ['a netmask', '10.1.0.0/255.255.0.0'],
  ['a length beyond the family', '10.1.0.0/33'],
  ['two lengths', '10.1.0.0/16/16'],
  ['octal', '010.1.0.0/16'],
  ['an address cut short', '10.1/16'],
  ['a zone', 'fe80::%eth0/64'],
  ['space', ' 10.1.0.0/16'],
  ['no text', ''],
])('%s is refused', ([, text = '']) => {
  expect(parseCidr(text)).toBeUndefined()
})

test('an address is in the block that shares its leading bits, and in no other', () => {
  const ipv4 = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }))
  fc.assert(
    fc.property(ipv4, ([base, address, prefix]) => {
      const hostBits = BigInt(32 - prefix)
      const start = (BigInt(base) >> hostBits) << hostBits
      const cidr = parseCidr(`${formatIpv4(Number(start))}/${prefix}`)
      if (cidr === undefined) throw new Error('not read')
      const shares = BigInt(address) >> hostBits === start >> hostBits
      expect(isInCidr(cidr, formatIpv4(address))).toBe(shares)
      expect(isInCidr(cidr, formatIpv6(0xffff_0000_0000n | BigInt(address)))).toBe(false)
    }),
  )
})
