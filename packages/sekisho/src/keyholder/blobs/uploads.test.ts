import { expect, test } from 'vitest'
import { MAX_BLOB_BYTES, MAX_BLOB_PIECE_BYTES } from '../../wire/keyholder.ts'
import { OTHER, SESSION } from '../testing/leaves.ts'
import { type Piece, Uploads } from './uploads.ts'

const begin: Piece = { session: SESSION, upload: 'u', totalBytes: 3, offset: 0, piece: 'YWJj' }
const content = Buffer.alloc(2 * MAX_BLOB_PIECE_BYTES + 5, 'x')

function piecesOf(bytes: Buffer): Piece[] {
  const count = Math.max(1, Math.ceil(bytes.length / MAX_BLOB_PIECE_BYTES))
  return Array.from({ length: count }, (_, index) => {
    const offset = index * MAX_BLOB_PIECE_BYTES
    const piece = bytes.subarray(offset, offset + MAX_BLOB_PIECE_BYTES).toString('base64')
    return { ...begin, totalBytes: bytes.length, offset, piece }
  })
}

test('content is whole with its last piece, and not before', () => {
  const uploads = new Uploads(() => 0)
  expect(piecesOf(content).map((piece) => uploads.add(piece)?.equals(content))).toEqual([
    undefined,
    undefined,
    true,
  ])
  expect(uploads.add(begin)).toEqual(Buffer.from('abc'))
  expect(uploads.add({ ...begin, totalBytes: 0, piece: '' })).toEqual(Buffer.alloc(0))
})

test.each([
  ['leaves a hole', { offset: 2 * MAX_BLOB_PIECE_BYTES }],
  ['comes twice', { offset: 0 }],
  ['goes beyond the end', { offset: MAX_BLOB_PIECE_BYTES, totalBytes: 2 }],
  ['changes the length', { offset: MAX_BLOB_PIECE_BYTES, totalBytes: content.length + 1 }],
  ['is a crumb', { offset: MAX_BLOB_PIECE_BYTES, piece: 'YWJj' }],
])('a piece that %s ends its upload', (_, over) => {
  const uploads = new Uploads(() => 0)
  const [first = begin, second = begin] = piecesOf(content)
  uploads.add(first)
  expect(() => uploads.add({ ...second, ...over })).toThrow('out of place')
  expect(() => uploads.add(second)).toThrow('out of place')
})

test('no more is on its way at once than there is room for, and the dead make room', () => {
  let now = 0
  const uploads = new Uploads(() => now)
  const start = (session: string, upload: string): unknown =>
    uploads.add({
      ...begin,
      session,
      upload,
      totalBytes: MAX_BLOB_BYTES,
      piece: Buffer.alloc(MAX_BLOB_PIECE_BYTES).toString('base64'),
    })
  for (let at = 0; at < 16; at++) start(SESSION, `u${at}`)
  expect(() => start(SESSION, 'one more')).toThrow('too much is on its way')
  for (let at = 0; at < 16; at++) start(OTHER, `u${at}`)
  expect(() => start('s-22222222222222222222', 'of all')).toThrow('too much is on its way')
  uploads.forget(OTHER)
  start('s-22222222222222222222', 'of all')
  now = 60_001
  expect(start(SESSION, 'one more')).toBeUndefined()
})
