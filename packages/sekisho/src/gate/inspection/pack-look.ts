import { type Deny, deny } from '../../core/verdict.ts'
import { PackError, packObjects } from '../../detect/git/pack.ts'

/** What a pack may inflate to, for each byte of the body's cap. */
const MAX_FACTOR = 8
/** Seen without letting others have a turn. */
const FREE_BYTES = 256 * 1024

const PUSH = /^application\/x-git-receive-pack-request$/i

export function isPush(contentType: string | undefined): boolean {
  return contentType !== undefined && PUSH.test(contentType.trim())
}

/**
 * Shows the objects of a push, which git compresses one by one. What cannot be read is denied:
 * nobody has seen what it says.
 *
 * @param body whole
 * @param see called with each object; true stops
 * @param nextTurn between objects, so that a long push keeps nobody waiting
 */
export async function lookIntoPack(
  body: Buffer,
  {
    maxBytes,
    see,
    nextTurn,
  }: {
    maxBytes: number
    see: (object: Buffer) => boolean
    nextTurn: () => Promise<void>
  },
): Promise<Deny | undefined> {
  let seen = 0
  try {
    for (const object of packObjects(body, maxBytes * MAX_FACTOR)) {
      if (see(object)) return undefined
      seen += object.length
      if (seen < FREE_BYTES) continue
      seen = 0
      await nextTurn()
    }
    return undefined
  } catch (error) {
    if (!(error instanceof PackError)) throw error
    return deny('invariant.body-encoding', `a push: ${error.message}`)
  }
}
