import * as z from 'zod'
import { PreImage } from '../wire/recovery.ts'
import type { Left, RestoreItem } from '../wire/restore.ts'

const Action = z.object({
  kind: z.literal('http.request'),
  scheme: z.string(),
  method: z.string(),
  host: z.string(),
  port: z.int(),
  path: z.string(),
  query: z.string().nullable(),
})

const KeptLeaf = z.object({
  type: z.literal('action.preimage'),
  id: z.string(),
  action: Action,
  preimage: PreImage,
})
const IntentLeaf = z.object({
  type: z.literal('action.intent'),
  id: z.string(),
  verdict: z.object({ kind: z.string() }),
})
const OutcomeLeaf = z.object({
  type: z.literal('action.outcome'),
  id: z.string(),
  outcome: z.object({
    kind: z.string(),
    status: z.int().nullish(),
    etag: z.string().nullish(),
  }),
})
const StartLeaf = z.object({ type: z.literal('session.start'), agent: z.string() })

type Kept = z.infer<typeof KeptLeaf>
type Outcome = z.infer<typeof OutcomeLeaf>['outcome']

/** What one session's leaves say of what can be taken back. */
export type KeptActions = {
  /** null where the log has no start of the session */
  agent: string | null
  /** those that left, in their order */
  done: readonly KeptAction[]
}

/** An action before which something was kept. */
export type KeptAction = {
  id: string
  /** as the log has it: without what was found in it */
  url: string
  method: string
  preimage: PreImage
  left: Left
}

/** One resource, and the action before which it is to be as it was. */
export type PlannedItem = {
  item: RestoreItem
  url: string
  /** actions on it that are not taken back: somebody else changed it before they began or after */
  keptBack: number
}

/** Reads the leaves of one session, in the order of the log; others are passed over. */
export class KeptActionsReader {
  readonly #kept = new Map<string, Kept>()
  readonly #left = new Set<string>()
  readonly #outcomes = new Map<string, Outcome>()
  #agent: string | null = null

  take(leaf: unknown): void {
    const kept = KeptLeaf.safeParse(leaf)
    if (kept.success) return this.#keep(kept.data)
    const intent = IntentLeaf.safeParse(leaf)
    if (intent.success) {
      if (intent.data.verdict.kind === 'allow') this.#left.add(intent.data.id)
      return
    }
    const outcome = OutcomeLeaf.safeParse(leaf)
    if (outcome.success) return void this.#outcomes.set(outcome.data.id, outcome.data.outcome)
    const start = StartLeaf.safeParse(leaf)
    if (start.success) this.#agent = start.data.agent
  }

  /** An action that had to wait may have been looked at twice: what it met last counts. */
  #keep(kept: Kept): void {
    this.#kept.delete(kept.id)
    this.#kept.set(kept.id, kept)
  }

  read(): KeptActions {
    const done = [...this.#kept.values()].filter(
      ({ id }) => this.#left.has(id) && mayHaveHappened(this.#outcomes.get(id)),
    )
    return { agent: this.#agent, done: done.map((kept) => this.#asAction(kept)) }
  }

  #asAction({ id, action, preimage }: Kept): KeptAction {
    const { scheme, host, port, path, query, method } = action
    const url = `${scheme}://${host}:${port}${path}${query === null ? '' : `?${query}`}`
    const isAbsent = method === 'DELETE'
    const etag = this.#outcomes.get(id)?.etag ?? null
    const content = method === 'PUT' ? preimage.sent : null
    return { id, url, method, preimage, left: { isAbsent, content, etag: isAbsent ? null : etag } }
  }
}

/** A request that broke off may have done what it asked for; one that was refused has not. */
function mayHaveHappened(outcome: Outcome | undefined): boolean {
  if (outcome === undefined || outcome.kind === 'failed') return true
  if (outcome.kind !== 'performed') return false
  return typeof outcome.status !== 'number' || outcome.status < 400
}

/**
 * What to put back, the newest first: each resource once, as it was before the earliest of the
 * session's actions on it from which on nobody else has changed it.
 *
 * @param from takes back this action, and those after it on the same resource; null: all
 * @param isForced goes back to the earliest whoever has changed it in between
 */
export function planRestore(
  { done }: KeptActions,
  { from, isForced }: { from: string | null; isForced: boolean },
): PlannedItem[] {
  const last = done.length - 1
  const newestFirst = done
    .map((_, index) => done[last - index])
    .filter((each) => each !== undefined)
  const byResource = Map.groupBy(newestFirst, ({ preimage }) => preimage.resource)
  return [...byResource.values()].flatMap((actions) => {
    const until = from === null ? actions.length : actions.findIndex(({ id }) => id === from) + 1
    const planned = planResource(actions.slice(0, until), isForced)
    return planned === undefined ? [] : [planned]
  })
}

/** @param actions on one resource, the newest first */
function planResource(actions: readonly KeptAction[], isForced: boolean): PlannedItem | undefined {
  const [newest, ...older] = actions
  if (newest === undefined) return undefined
  let target = newest
  let takenBack = 1
  for (const action of older) {
    if (!isForced && !isWhatWasLeft(action.left, target.preimage)) break
    target = action
    takenBack += 1
  }
  const { id, preimage } = target
  const item = { id, recipe: preimage.recipe, left: newest.left }
  return { item, url: newest.url, keptBack: actions.length - takenBack }
}

/** Whether what an action met is what the one before it had left. */
function isWhatWasLeft({ isAbsent, content, etag }: Left, met: PreImage): boolean {
  if (met.content === null) return isAbsent
  if (isAbsent) return false
  return (content !== null && content === met.content) || (etag !== null && etag === met.etag)
}
