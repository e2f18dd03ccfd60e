import { fromBase64 } from './base64.ts'
import { HASH_BYTES } from './merkle.ts'

/** A tree head as in C2SP tlog-checkpoint. */
export type Checkpoint = { origin: string; size: number; root: Buffer }

/** The note text; extension lines are not written, as the specification recommends. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** undefined when the text is no checkpoint; extension lines are allowed and ignored */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined
  const lines = text.slice(0, -1).split('\n')
  const [origin = '', sizeText = '', rootText = ''] = lines
  if (lines.includes('') || !/^(0|[1-9]\d{0,15})$/.test(sizeText)) return undefined
  const size = Number(sizeText)
  const root = fromBase64(rootText)
  if (!Number.isSafeInteger(size) || root?.length !== HASH_BYTES) return undefined
  return { origin, size, root }
}
