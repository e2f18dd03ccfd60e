import { toSekishoError } from '../core/error.ts'
import type { RestoreItem, RestoreOutcome } from '../wire/restore.ts'

/**
 * One resource after the other, as they are given. Once nobody can say what has become of one, or
 * time is up, the others are not tried: what is done is not done twice when it is asked for again.
 * Never rejects.
 *
 * @param restoreOne rejects where it cannot tell
 */
export async function restoreEach(
  items: readonly RestoreItem[],
  restoreOne: (item: RestoreItem) => Promise<RestoreOutcome>,
  deadline: AbortSignal,
): Promise<RestoreOutcome[]> {
  const outcomes: RestoreOutcome[] = []
  let whyNot: string | undefined
  for (const item of items) {
    if (deadline.aborted) whyNot ??= 'it was not tried in time'
    if (whyNot !== undefined) {
      outcomes.push(failed(item, whyNot))
      continue
    }
    try {
      outcomes.push(await restoreOne(item))
    } catch (thrown) {
      const { message } = toSekishoError(thrown)
      outcomes.push(failed(item, message))
      whyNot = `it was not tried: ${message}`
    }
  }
  return outcomes
}

function failed({ id }: RestoreItem, why: string): RestoreOutcome {
  return { id, did: 'failed', detail: why.slice(0, 1024) }
}
