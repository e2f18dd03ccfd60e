import { expect, test } from 'vitest'
import { Certificates, makeGateKey } from './certificates.ts'
import { makeTestCa } from './testing/certificates.ts'

const key = makeGateKey()
const ca = makeTestCa()

function counting(): { certificates: Certificates; asked: string[]; at: (ms: number) => void } {
  const asked: string[] = []
  let nowMs = Date.now()
  const certify = (host: string, spki: Buffer): Promise<Buffer> => {
    asked.push(host)
    return Promise.resolve(ca.issue(host, spki))
  }
  return {
    certificates: new Certificates(key, certify, () => nowMs),
    asked,
    at: (ms) => {
      nowMs = Date.now() + ms
    },
  }
}

test('many who want the same name cause one certificate', async () => {
  const { certificates, asked } = counting()
  const [first, second] = await Promise.all([
    certificates.contextFor('a.example'),
    certificates.contextFor('a.example'),
  ])
  expect(first).toBe(second)
  expect(await certificates.contextFor('a.example')).toBe(first)
  expect(asked).toEqual(['a.example'])
})

test('a certificate near its end is replaced', async () => {
  const { certificates, asked, at } = counting()
  await certificates.contextFor('a.example')
  at(3_600_000 - 61_000) // the test CA certifies for an hour
  await certificates.contextFor('a.example')
  expect(asked).toHaveLength(1)
  at(3_600_000 - 59_000)
  await certificates.contextFor('a.example')
  expect(asked).toHaveLength(2)
})

test('a failure is not remembered', async () => {
  let isUp = false
  const certificates = new Certificates(
    key,
    (host, spki) =>
      isUp ? Promise.resolve(ca.issue(host, spki)) : Promise.reject(new Error('gone')),
    () => Date.now(),
  )
  await expect(certificates.contextFor('a.example')).rejects.toThrow('gone')
  isUp = true
  await expect(certificates.contextFor('a.example')).resolves.toBeDefined()
})

test('the number of names in memory is bounded, the least used goes first', async () => {
  const { certificates, asked } = counting()
  await certificates.contextFor('first.example')
  for (let index = 0; index < 127; index++) await certificates.contextFor(`n${index}.example`)
  await certificates.contextFor('first.example')
  await certificates.contextFor('one-more.example')
  expect(asked).toHaveLength(129)
  await certificates.contextFor('first.example')
  expect(asked).toHaveLength(129)
  await certificates.contextFor('n0.example')
  expect(asked).toHaveLength(130)
})
