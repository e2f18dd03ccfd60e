import { expect, test } from 'vitest'
import { joinForSigning, MAX_SIGNED_TOGETHER, signedTogether } from './batch-signature.ts'

const textsOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`context\ntext ${at}`))

test('each of any number of texts leads by its path to what was signed', () => {
  for (let count = 1; count <= MAX_SIGNED_TOGETHER; count += 1) {
    const texts = textsOf(count)
    const { message, places } = joinForSigning(texts)
    expect(texts.map((text, at) => signedTogether(text, places[at] ?? NOWHERE))).toEqual(
      texts.map(() => message),
    )
  }
})

const NOWHERE = { at: -1, of: 0, path: [] }

test('another text, another place, another number, a hash more or less leads elsewhere', () => {
  const texts = textsOf(11)
  const { message, places } = joinForSigning(texts)
  const [text = Buffer.alloc(0)] = texts
  const [place = NOWHERE] = places
  const changed = [
    signedTogether(Buffer.from('context\ntext 1'), place),
    signedTogether(text, { ...place, at: 1 }),
    signedTogether(text, { ...place, of: 12 }),
    signedTogether(text, { ...place, of: 1, path: [] }),
    signedTogether(text, { ...place, path: place.path.slice(1) }),
    signedTogether(text, { ...place, path: [...place.path, Buffer.alloc(32)] }),
    signedTogether(text, { ...place, path: place.path.map((hash) => hash.subarray(1)) }),
    signedTogether(text, { ...place, at: 0.5 }),
    signedTogether(text, { ...place, of: MAX_SIGNED_TOGETHER + 1 }),
  ]
  for (const reached of changed) expect(reached?.equals(message) ?? false).toBe(false)
})

test('no text and more than fit are an error of the caller', () => {
  expect(() => joinForSigning([])).toThrow(RangeError)
  expect(() => joinForSigning(textsOf(MAX_SIGNED_TOGETHER + 1))).toThrow(RangeError)
})
