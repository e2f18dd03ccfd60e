import zlib from 'node:zlib'
import type { Random } from './random.ts'

/** Made up, and spelt in pieces: nothing here is to look like a secret to whoever scans this file. */
const PLANTED = ['ghp', 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8'].join('_')

const WRAPS: readonly [Wrap, ...Wrap[]] = [
  (_, text) => text,
  (_, text) => Buffer.from(text.toString('base64')),
  (_, text) => Buffer.from(text.toString('hex')),
  (_, text) => Buffer.from(encodeURIComponent(text.toString('latin1'))),
  (_, text) => Buffer.from(JSON.stringify({ text: text.toString('latin1') })),
  (_, text) => Buffer.from(text.toString('latin1'), 'utf16le'),
  (_, text) => zlib.gzipSync(text, { level: 1 }),
  (_, text) => zlib.deflateSync(text, { level: 1 }),
  (_, text) =>
    Buffer.concat([
      Buffer.from(`${BOUNDARY_LINE}\r\nContent-Transfer-Encoding: base64\r\n\r\n`),
      Buffer.from(text.toString('base64').replace(/.{1,76}/g, '$&\r\n')),
      Buffer.from(`\r\n${BOUNDARY_LINE}--\r\n`),
    ]),
  (random, text) =>
    Buffer.concat([random.bytes(random.below(40)), text, random.bytes(random.below(40))]),
]

type Wrap = (random: Random, text: Buffer) => Buffer

export const BOUNDARY = 'Aa1'
const BOUNDARY_LINE = `--${BOUNDARY}`

/** A body with something in it, wrapped in up to four layers of what clients wrap bodies in. */
export function bodyBytes(random: Random): Buffer {
  let body: Buffer = random.once(3)
    ? random.bytes(random.below(300))
    : Buffer.from(
        random.pick([
          PLANTED,
          `key=${PLANTED}&x=1`,
          'nothing to see',
          'a@b.example',
          '4111 1111 1111 1111',
        ]),
      )
  for (let left = random.below(5); left > 0; left--) body = random.pick(WRAPS)(random, body)
  return body.length > 65_536 ? body.subarray(0, 65_536) : body
}

/** Compressed by one of the codings that are undone, told by the first byte. */
export function codedBytes(random: Random): Buffer {
  const coding = random.below(CODINGS.length)
  const text = random.once(4)
    ? Buffer.alloc(random.below(30_000), 'a')
    : random.bytes(random.below(2_000))
  const pack = [zlib.gzipSync, zlib.deflateSync, zlib.brotliCompressSync, zlib.zstdCompressSync][
    coding
  ]
  return Buffer.concat([Buffer.from([coding]), pack === undefined ? text : pack(text)])
}

export const CODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const
