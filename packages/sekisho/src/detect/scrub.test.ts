import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Scrubber } from './scrub.ts'

const SECRET = 'ghp_0123456789abcdefghijABCDEFGHIJ+/"x'

function scrubPieces(values: readonly string[], pieces: readonly Buffer[]): [string, number] {
  const scrubber = new Scrubber(values)
  const out = pieces.map((piece) => scrubber.push(piece))
  return [Buffer.concat([...out, scrubber.end()]).toString('latin1'), scrubber.count]
}

const scrub = (text: string): [string, number] =>
  scrubPieces([SECRET], [Buffer.from(text, 'latin1')])

test.for([
  ['raw', SECRET],
  ['base64', Buffer.from(SECRET).toString('base64')],
  ['base64 one byte in', Buffer.from(`:${SECRET}`).toString('base64')],
  ['base64 two bytes in', Buffer.from(`u:${SECRET}`).toString('base64')],
  ['base64url', Buffer.from(`user:${SECRET}`).toString('base64url')],
  ['hexadecimal', Buffer.from(SECRET).toString('hex')],
  ['upper-case hexadecimal', Buffer.from(SECRET).toString('hex').toUpperCase()],
  ['percent-encoded', encodeURIComponent(SECRET)],
  ['form-encoded', new URLSearchParams({ s: SECRET }).toString()],
  ['JSON', JSON.stringify(SECRET)],
] as const)('takes out an echo in %s, keeping the length', ([, echo]) => {
  const [out, count] = scrub(`<<${echo}>>`)
  expect(out).toHaveLength(echo.length + 4)
  expect(out).toContain('[sekisho:scrubbed]')
  expect(count).toBe(1)
  // base64 keeps at most the characters that the neighbours share with the secret
  expect(out.replace(/\[sekisho:scrubbed\]\**/, '').length).toBeLessThan(16)
})

test('what stands around an echo stays', () => {
  expect(scrub(`a ${SECRET}, b`)).toEqual([`a [sekisho:scrubbed]${'*'.repeat(20)}, b`, 1])
})

test('a short secret is cut to its length', () => {
  expect(scrubPieces(['abc'], [Buffer.from('xabcx')])).toEqual(['x[sex', 1])
})

test('an event stream is not held back', () => {
  const scrubber = new Scrubber([SECRET])
  expect(scrubber.push(Buffer.from('data: hello\n\n')).toString()).toBe('data: hello\n\n')
  expect(scrubber.push(Buffer.from('data: ghp_01')).toString()).toBe('data: ')
  expect(scrubber.push(Buffer.from('\n\n')).toString()).toBe('ghp_01\n\n')
})

const alphabet = fc.stringMatching(/^[ab]{1,7}$/)
const piece = fc.oneof(alphabet, fc.constant('c'), fc.constant(''))

test('the output does not depend on how the input was cut', () => {
  fc.assert(
    fc.property(
      fc.array(alphabet, { minLength: 1, maxLength: 3 }),
      fc.array(piece, { maxLength: 20 }),
      (values, pieces) => {
        const buffers = pieces.map((text) => Buffer.from(text))
        const whole = scrubPieces(values, [Buffer.concat(buffers)])
        expect(scrubPieces(values, buffers)).toEqual(whole)
        expect(whole[0]).toHaveLength(pieces.join('').length)
      },
    ),
    { numRuns: 2000 },
  )
})

test('no value is left in any output', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 4, maxLength: 40 }),
      fc.array(fc.string()),
      fc.nat(60),
      (value, noise, cut) => {
        const text = Buffer.from(noise.join(value) + value)
        const [out] = scrubPieces([value], [text.subarray(0, cut), text.subarray(cut)])
        expect('[sekisho:scrubbed]********'.includes(value) || !out.includes(value)).toBe(true)
      },
    ),
  )
})

test('a header value is scrubbed by itself', () => {
  const scrubber = new Scrubber(['secret-value'])
  expect(scrubber.scrubText('Bearer secret-value')).toBe('Bearer [sekisho:scr')
  expect(scrubber.scrubText('nothing')).toBe('nothing')
  expect(scrubber.count).toBe(1)
})
