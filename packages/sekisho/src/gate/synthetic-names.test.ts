import { expect, test } from 'vitest'
import { formatIpv4 } from '../core/address.ts'
import { SyntheticNames } from './synthetic-names.ts'

const dotted = (names: SyntheticNames, name: string): string | undefined => {
  const address = names.addressOf(name)
  return address === undefined ? undefined : formatIpv4(address)
}

test('a name keeps its address, and the address its name', () => {
  const names = new SyntheticNames()
  expect(dotted(names, 'a.example')).toBe('198.18.0.1')
  expect(dotted(names, 'b.example')).toBe('198.18.0.2')
  expect(dotted(names, 'a.example')).toBe('198.18.0.1')
  expect(names.nameOf('198.18.0.2')).toBe('b.example')
  expect(names.nameOf('198.18.0.3')).toBeUndefined()
  expect(names.nameOf('::1')).toBeUndefined()
})

test('the whole pool skips network ends and the link, and is never reused', () => {
  const names = new SyntheticNames(1_000_000)
  const seen = new Set<string>()
  for (;;) {
    const address = dotted(names, `n${seen.size}.example`)
    if (address === undefined) break
    seen.add(address)
  }
  expect(seen.size).toBe(511 * 254)
  expect([...seen].filter((address) => /\.(0|255)$|^198\.19\.255\./.test(address))).toEqual([])
  expect([...seen].every((address) => /^198\.1[89]\./.test(address))).toBe(true)
  expect(dotted(names, 'n0.example')).toBe('198.18.0.1')
})

test('a session has a bounded share', () => {
  const names = new SyntheticNames(1)
  expect(dotted(names, 'a.example')).toBe('198.18.0.1')
  expect(dotted(names, 'b.example')).toBeUndefined()
})
