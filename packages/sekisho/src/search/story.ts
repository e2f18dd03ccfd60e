import type { IndexedLeaf } from '@sekisho/verify'
import { type LogLeaf, membersOf, textOf, timeOf } from './leaf-fields.ts'

/** One thing that happened: a leaf, and for an action what came of it. */
export type StoryEvent = IndexedLeaf & {
  /** Unix ms; null for a leaf without a time that can be read */
  atMs: number | null
  outcome: Outcome | null
}
type Outcome = IndexedLeaf & {
  /** from the action's record to this one; null where one has no time */
  afterMs: number | null
}

/** Events that wait for what came of an action before them. */
const WINDOW = 4096

/**
 * The leaves of one session as events, in the order in which things began: what came of an action,
 * its outcome or the gap in its place, stands with the action. An outcome that is further away than
 * `windowEvents` events is an event of its own.
 */
export function* joinOutcomes(
  leaves: Iterable<IndexedLeaf>,
  windowEvents = WINDOW,
): Generator<StoryEvent> {
  const open = new Map<string, StoryEvent>()
  const held: StoryEvent[] = []
  for (const found of leaves) {
    const event: StoryEvent = { ...found, atMs: timeOf(found.leaf), outcome: null }
    if (!settle(event, open)) held.push(event)
    const opened = openedBy(found.leaf)
    if (opened !== undefined) open.set(opened, event)
    if (held.length > windowEvents) open.delete(openedBy(held[0]?.leaf ?? {}) ?? '')
    yield* held.splice(0, countReady(held, open))
  }
  yield* held
}

function countReady(held: readonly StoryEvent[], open: ReadonlyMap<string, StoryEvent>): number {
  const waiting = held.findIndex((event) => isOpen(event, open))
  return waiting < 0 ? held.length : waiting
}

/** Whether an event is what came of an action that is still held. */
function settle(
  { outcome: _none, atMs, ...found }: StoryEvent,
  open: Map<string, StoryEvent>,
): boolean {
  const { type, id } = found.leaf
  if (typeof id !== 'string' || (type !== 'action.outcome' && type !== 'gap')) return false
  const begun = open.get(id)
  if (begun === undefined) return false
  const afterMs = begun.atMs === null || atMs === null ? null : atMs - begun.atMs
  begun.outcome = { ...found, afterMs }
  open.delete(id)
  return true
}

/** The id of the action that is under way from this leaf on. */
function openedBy({ type, id, verdict }: LogLeaf): string | undefined {
  return type === 'action.intent' && membersOf(verdict)['kind'] === 'allow' ? textOf(id) : undefined
}

function isOpen(event: StoryEvent, open: ReadonlyMap<string, StoryEvent>): boolean {
  const id = openedBy(event.leaf)
  return id !== undefined && open.get(id) === event
}
