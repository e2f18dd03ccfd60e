import type { Transform } from 'node:stream'
import zlib from 'node:zlib'

/** One byte in may become so many out before the reply counts as a bomb. */
const MAX_RATIO = 200
const FREE_BYTES = 1024 * 1024

/** A bomb: few bytes that become very many. */
export class GrowsTooMuch extends Error {
  override readonly name = 'GrowsTooMuch'

  constructor() {
    super('it grows too much when it is decoded')
  }
}

/** A reply that has to be read in the clear but came encoded all the same. */
export type ReplyDecoder = {
  /** back-pressure as with any writable: false asks to wait for `onDrain` */
  write(chunk: Buffer): boolean
  end(): void
  pause(): void
  resume(): void
  destroy(): void
}

export type DecoderEvents = {
  data(chunk: Buffer): void
  drain(): void
  end(): void
  error(error: Error): void
}

const ENGINES: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
}

/** undefined for a coding that cannot be undone here, or more than one */
export function makeDecoder(coding: string, events: DecoderEvents): ReplyDecoder | undefined {
  const name = coding.trim().toLowerCase()
  const engine = Object.hasOwn(ENGINES, name) ? ENGINES[name]?.() : undefined
  if (engine === undefined) return undefined
  let bytesIn = 0
  let bytesOut = 0
  engine.on('data', (chunk: Buffer) => {
    bytesOut += chunk.length
    if (bytesOut > FREE_BYTES + bytesIn * MAX_RATIO) {
      engine.destroy(new GrowsTooMuch())
    } else events.data(chunk)
  })
  engine.on('drain', () => events.drain())
  engine.on('end', () => events.end())
  engine.on('error', (error) => events.error(error))
  return {
    write: (chunk) => {
      bytesIn += chunk.length
      return engine.write(chunk)
    },
    end: () => void engine.end(),
    pause: () => void engine.pause(),
    resume: () => void engine.resume(),
    destroy: () => void engine.destroy(),
  }
}
