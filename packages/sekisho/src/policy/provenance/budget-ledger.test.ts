import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Budget } from '../../wire/provenance.ts'
import { BudgetLedger } from './budget-ledger.ts'
import { UrlEntropy } from './url-entropy.ts'

const NONE: Budget = { host: 'a.example', bytesOut: null, distinctUrls: null, urlEntropyBits: null }
const url = (path: string): string => `https://a.example/${path}`
const ruleOf = (ledger: BudgetLedger, path: string | null, bytes = 1): string | undefined =>
  ledger.admit('a.example', { bytes, url: path === null ? null : url(path) })?.rules.join()

test('bytes are counted over heads and bodies, and what is refused is not', () => {
  const ledger = new BudgetLedger([{ ...NONE, bytesOut: 100 }])
  expect(ruleOf(ledger, 'x', 60)).toBeUndefined()
  expect(ruleOf(ledger, null, 41)).toBe('budget.bytes-out')
  expect(ruleOf(ledger, null, 40)).toBeUndefined()
  expect(ruleOf(ledger, null, 1)).toBe('budget.bytes-out')
  expect(ledger.use()).toEqual([
    { host: 'a.example', bytesOut: 100, distinctUrls: null, urlEntropyBits: null },
  ])
})

test('the same URL again is no other one', () => {
  const ledger = new BudgetLedger([{ ...NONE, distinctUrls: 2 }])
  expect(['a', 'b', 'a', 'b', 'c', 'a'].map((path) => ruleOf(ledger, path))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    'budget.distinct-urls',
    undefined,
  ])
})

test('a URL that can say more than is left is refused, and a shorter one is not', () => {
  const ledger = new BudgetLedger([{ ...NONE, urlEntropyBits: 100 }])
  expect(ruleOf(ledger, `?q=${'aB3x'.repeat(10)}`)).toBe('budget.url-entropy')
  expect(ruleOf(ledger, 'docs')).toBeUndefined()
})

test('names below a wildcard share its budget', () => {
  const ledger = new BudgetLedger([{ ...NONE, host: '*.a.example', distinctUrls: 1 }])
  expect(ledger.admit('x.a.example', { bytes: 1, url: 'https://x.a.example/' })).toBeUndefined()
  expect(ledger.admit('y.a.example', { bytes: 1, url: 'https://y.a.example/' })?.rules).toEqual([
    'budget.distinct-urls',
  ])
  expect(ledger.admit('a.example', { bytes: 1, url: 'https://a.example/' })).toBeUndefined()
})

test('where two budgets cover a host, what one refuses the other has not counted', () => {
  const ledger = new BudgetLedger([
    { ...NONE, distinctUrls: 100 },
    { ...NONE, bytesOut: 10 },
  ])
  expect(ruleOf(ledger, 'x', 11)).toBe('budget.bytes-out')
  expect(ledger.use().map(({ distinctUrls }) => distinctUrls)).toEqual([0, null])
})

test('no sequence takes more than the budget', () => {
  const limits = { bytesOut: 5000, distinctUrls: 20, urlEntropyBits: 2000 }
  const requests = fc.array(
    fc.record({ path: fc.option(fc.stringMatching(/^[a-z0-9/?&=]{0,20}$/)), bytes: fc.nat(500) }),
    { maxLength: 100 },
  )
  fc.assert(
    fc.property(requests, (list) => {
      const ledger = new BudgetLedger([{ host: 'a.example', ...limits }])
      let bytes = 0
      const urls = new Set<string>()
      for (const { path, bytes: size } of list) {
        if (ruleOf(ledger, path, size) !== undefined) continue
        bytes += size
        if (path !== null) urls.add(path)
      }
      const [use] = ledger.use()
      expect([use?.bytesOut, use?.distinctUrls]).toEqual([bytes, urls.size])
      expect(bytes).toBeLessThanOrEqual(limits.bytesOut)
      expect(urls.size).toBeLessThanOrEqual(limits.distinctUrls)
      expect(use?.urlEntropyBits).toBeLessThanOrEqual(limits.urlEntropyBits)
    }),
  )
})

/** Bits that nobody can guess, the same in each run. */
const secretBits = (count: number, seed: number): number[] => {
  const bits: number[] = []
  for (let block = 0; bits.length < count; block += 1) {
    const digest = createHash('sha256').update(`made up ${seed} ${block}`).digest()
    for (const byte of digest) for (let bit = 0; bit < 8; bit += 1) bits.push((byte >> bit) & 1)
  }
  return bits.slice(0, count)
}
const chunks = (bits: readonly number[], size: number): number[] =>
  Array.from({ length: Math.floor(bits.length / size) }, (_, i) =>
    bits.slice(i * size, (i + 1) * size).reduce((value, bit) => value * 2 + bit, 0),
  )
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const WORDS = Array.from({ length: 256 }, (_, i) => `word${i}`)

/** Ways to say bits by URLs, each as the URLs that say them. */
const CHANNELS: Readonly<Record<string, (bits: readonly number[]) => string[]>> = {
  'base64 in one query': (bits) => [
    `?q=${chunks(bits, 6)
      .map((n) => BASE64[n])
      .join('')}`,
  ],
  'base64, a little in each URL': (bits) => chunks(bits, 6).map((n, i) => `?n=${i}&q=${BASE64[n]}`),
  'hexadecimal in the path': (bits) => [
    chunks(bits, 4)
      .map((n) => n.toString(16))
      .join(''),
  ],
  'decimal digits': (bits) => [chunks(bits, 3).join('')],
  'one of 256 words a segment': (bits) => [
    chunks(bits, 8)
      .map((n) => WORDS[n])
      .join('/'),
  ],
  'a separator of eight a bit triple': (bits) => [
    chunks(bits, 2)
      .map((n) => `x${'/?&='[n]}`)
      .join(''),
  ],
  'upper or lower case': (bits) => [bits.map((bit) => (bit === 1 ? 'A' : 'a')).join('')],
  'escaped or not': (bits) => [`?${bits.map((bit) => (bit === 1 ? '%61' : 'a')).join('')}`],
  'separators alone': (bits) => [
    chunks(bits, 2)
      .map((n) => '/&=;'[n])
      .join(''),
  ],
}

test.for(Object.entries(CHANNELS))('%s: the estimate is not below what was said', ([, say]) => {
  for (const seed of [1, 2, 3]) {
    const bits = secretBits(1200, seed)
    const entropy = new UrlEntropy()
    for (const word of WORDS) entropy.remember(url(word)) // what the session has said before
    const priced = say(bits).map((path) => {
      const price = entropy.estimate(url(path))
      entropy.remember(url(path))
      return price
    })
    expect(priced.reduce((sum, price) => sum + price, 0)).toBeGreaterThanOrEqual(1200)
  }
})

test('memory stays bounded, and what is not remembered costs its full price', () => {
  const entropy = new UrlEntropy()
  for (let i = 0; i < 20_000; i += 1) entropy.remember(url(`piece${i}`))
  expect(entropy.estimate(url('piece1'))).toBeLessThan(20)
  expect(entropy.estimate(url('piece19999'))).toBeGreaterThan(50)
})
