import { inflateRawSync } from 'node:zlib'
import { FEATURE_BITS } from './features.ts'

/** What has been learned; scripts/train-injection.ts writes it. */
export type InjectionModel = {
  /** by feature, in units of `scale` */
  weights: Int8Array
  scale: number
  bias: number
  /** a score becomes a likelihood by `1 / (1 + exp(-(slope · score + offset)))` */
  slope: number
  offset: number
}

export type PackedModel = Omit<InjectionModel, 'weights'> & {
  /** the day it was made */
  made: string
  /** raw deflate (RFC 1951) of the weights, in base64 */
  packed: string
}

/** @throws RangeError when it is not a weight for each feature */
export function unpackModel({ packed, scale, bias, slope, offset }: PackedModel): InjectionModel {
  const bytes = inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: 1 << 24 })
  if (bytes.length !== 1 << FEATURE_BITS) throw new RangeError('a weight for each feature')
  const weights = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return { weights, scale, bias, slope, offset }
}

/** Thousandths. By how it was set: 500 is what one honest text in 100 reaches, 900 one in 1,000. */
export function permilleOf(
  score: number,
  { slope, offset }: Omit<InjectionModel, 'weights'>,
): number {
  return Math.round(1000 / (1 + Math.exp(-(slope * score + offset))))
}
