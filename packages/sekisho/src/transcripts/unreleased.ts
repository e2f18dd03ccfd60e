import type { ToolCallAction } from '../core/action.ts'
import { type ToolRelease, toolRelease } from '../core/tool-release.ts'
import { canonicalCall } from '../llm/calls/canonical-call.ts'
import type { ClaimedCall } from './claim.ts'

export type ReleaseCheck = {
  /** calls that were looked for */
  compared: number
  /** calls from before the session, as a client's log of an earlier one has them */
  earlier: number
  /** that nobody released, under whatever id */
  unreleased: ClaimedCall[]
  /** released, and not with these arguments */
  changed: ClaimedCall[]
  /** releases that no claim tells of: information, for a client may leave out what it likes */
  unclaimed: number
}

/**
 * Calls that a client's own log has and that nobody released: whatever proposed them, the checkpoint
 * has not seen it. A call is known by the provider's id together with its tool and arguments; by those
 * alone where nothing was released by its id. Of two with the same arguments and no id each takes a
 * release of its own.
 *
 * @param sinceMs when the session began, Unix ms
 */
export function findUnreleased(
  calls: readonly ClaimedCall[],
  releases: readonly ToolRelease[],
  sinceMs: number,
): ReleaseCheck {
  const own = onceEach(calls.filter(({ at }) => !isBefore(at, sinceMs)))
  const left = new Releases(releases)
  // ids first: what has one must not take the release of another that has none
  const byId = own.map((call) => ({ call, found: left.takeById(call) }))
  const unknown = byId.filter(({ found }) => found === 'unknown').map(({ call }) => call)
  return {
    compared: own.length,
    earlier: calls.filter(({ at }) => isBefore(at, sinceMs)).length,
    unreleased: unknown.filter((call) => !left.takeByArguments(call)),
    changed: byId.filter(({ found }) => found === 'changed').map(({ call }) => call),
    unclaimed: left.count,
  }
}

/** What has not been claimed yet. */
class Releases {
  readonly #byId = new Map<string, ToolRelease[]>()
  readonly #byArguments = new Map<string, number>()
  readonly #claimed = new Set<ToolRelease>()
  count = 0

  constructor(releases: readonly ToolRelease[]) {
    for (const release of releases) {
      const { callId } = release
      if (callId !== null) this.#byId.set(callId, [...(this.#byId.get(callId) ?? []), release])
      this.#add(keyOf(release), 1)
    }
  }

  /** Some servers give one id to calls of different turns, so an id can have several releases. */
  takeById(call: ClaimedCall): 'released' | 'changed' | 'unknown' {
    const releases = call.id === null ? undefined : this.#byId.get(call.id)
    if (releases === undefined) return 'unknown'
    const same = sameAs(call, releases)
    for (const release of same.length > 0 ? same : releases) this.#claim(release)
    return same.length > 0 ? 'released' : 'changed'
  }

  takeByArguments(call: ClaimedCall): boolean {
    const keys = actionsOf(call, call.arguments).map((action) => keyOf(toolRelease(action)))
    if (keys.length === 0 || keys.some((key) => (this.#byArguments.get(key) ?? 0) <= 0))
      return false
    for (const key of keys) this.#add(key, -1)
    return true
  }

  #claim(release: ToolRelease): void {
    if (this.#claimed.has(release)) return
    this.#claimed.add(release)
    this.#add(keyOf(release), -1)
  }

  #add(key: string, by: number): void {
    this.#byArguments.set(key, (this.#byArguments.get(key) ?? 0) + by)
    this.count += by
  }
}

/** Those of one id that this call is; by what it does, or by its tool, where its client has more to say. */
function sameAs(call: ClaimedCall, releases: readonly ToolRelease[]): readonly ToolRelease[] {
  const own = actionsOf(call, call.arguments).map(toolRelease)
  const same = matching(releases, own, keyOf)
  if (same.length > 0) return same
  const spellings = (call.rewritten ?? []).flatMap((spelling) => actionsOf(call, spelling))
  const alike = matching(releases, spellings.map(toolRelease), deedKeyOf)
  return alike.length > 0 || call.isCovered !== true ? alike : matching(releases, own, toolOf)
}

function matching(
  releases: readonly ToolRelease[],
  own: readonly ToolRelease[],
  key: (release: ToolRelease) => string,
): readonly ToolRelease[] {
  const keys = new Set(own.map(key))
  return releases.filter((release) => keys.has(key(release)))
}

/** None of what cannot be read, as nobody would have released it. */
function actionsOf(call: ClaimedCall, spelling: string): ToolCallAction[] {
  const proposed = { ...call, arguments: spelling, index: 0, callId: call.id }
  const read = canonicalCall(proposed, { provider: '', model: '' })
  return read.kind === 'refused' ? [] : read.actions
}

/** Clients write a message again as it grows; what has no id cannot be told from another. */
function onceEach(calls: readonly ClaimedCall[]): ClaimedCall[] {
  const seen = new Set<string>()
  return calls.filter(({ id, tool, arguments: text }) => {
    if (id === null) return true
    const key = JSON.stringify([id, tool, text])
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
}

function isBefore(at: string | null, sinceMs: number): boolean {
  return at !== null && Date.parse(at) < sinceMs
}

function keyOf(release: ToolRelease): string {
  return `${toolOf(release)} ${release.digest}`
}

function deedKeyOf(release: ToolRelease): string {
  return `${toolOf(release)} ${release.deed}`
}

/** Clients repair the case of a tool's name. */
function toolOf({ tool }: ToolRelease): string {
  return tool.toLowerCase()
}
