import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Decoded } from '../policy/approval-text/render-held.ts'
import type { HeldAction } from '../wire/approval.ts'

/** A body that is longer without its coding is not read: a bomb, or more than anybody looks at. */
const MAX_DECODED_BYTES = 16 * 1024 * 1024

const CODINGS: Readonly<
  Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array>
> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}

/** The body without its content coding (RFC 9110 §8.4); undefined where it has none. */
export function decodeBody({ fields, body }: HeldAction): Decoded | undefined {
  const codings = fields.filter(
    (_, at) => at % 2 === 1 && fields[at - 1]?.toLowerCase() === 'content-encoding',
  )
  if (body === null || codings.length === 0) return undefined
  const coding = codings.join(', ').trim().toLowerCase()
  const decode = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined
  if (decode === undefined) return { coding, problem: 'it is not known here' }
  try {
    const bytes = decode(Buffer.from(body.content, 'base64'), {
      maxOutputLength: MAX_DECODED_BYTES,
    })
    return { coding, bytes }
  } catch (error) {
    return { coding, problem: error instanceof Error ? error.message : String(error) }
  }
}
