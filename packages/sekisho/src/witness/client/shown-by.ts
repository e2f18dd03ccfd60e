import { createHash } from 'node:crypto'
import { type Keys, openCosigned } from './cosigned-notes.ts'
import { fetchLatest, type WitnessUrl } from './post.ts'
import type { Tree } from './submit.ts'

/**
 * The newest checkpoint of the log that a witness shows, verified; null where it shows none. Looking
 * comes before submitting: a log that was set back by accident must not sign and hand out another
 * history of a size that is cosigned, which the witness would have to hold against it for good.
 */
export async function shownBy(
  url: WitnessUrl,
  keys: Keys,
  options: { timeoutMs?: number } = {},
): Promise<Tree | null> {
  const origin = keys.log[0]?.name ?? ''
  const originHash = createHash('sha256').update(origin).digest('hex')
  const shown = await fetchLatest(url, originHash, options)
  return shown === undefined ? null : openCosigned(shown, keys)
}
