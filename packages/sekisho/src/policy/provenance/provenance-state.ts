import type { HttpRequestAction } from '../../core/action.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { ProvenancePlan } from '../../wire/provenance.ts'
import { printable } from '../problem.ts'
import { urlOfRequest } from './canonical-url.ts'
import { compileTemplates, type UrlTemplates } from './templates.ts'
import { UrlLedger, type UrlOrigin } from './url-ledger.ts'

/** Something that changes which URLs are known. Rules are those that allowed the request. */
export type ProvenanceEvent =
  /** before the first byte of a reply is handed to the agent */
  | { type: 'reply'; rules: readonly string[] }
  /** links of that reply, before the bytes that they stood in are handed to the agent */
  | { type: 'links'; rules: readonly string[]; urls: readonly string[] }
  /** where a reply without a body of its own sends the client on (3xx, Location) */
  | { type: 'redirect'; from: HttpRequestAction; to: readonly string[] }
  /** by a person who has seen the URL as it is */
  | { type: 'approved'; url: string }
  /** private data has come in some other way */
  | { type: 'private' }

/** `unchecked`: no rule that allowed it asks for provenance. */
export type Provenance =
  | { kind: 'unchecked' }
  | { kind: 'known'; origin: UrlOrigin }
  | { kind: 'template'; source: string; bits: number }

const UNKNOWN_URL = 'provenance.unknown-url'
const UNCHECKED: Provenance = { kind: 'unchecked' }

/**
 * What one session knows of URLs. A URL that stood in the user's task, in a reply of an index
 * before private data came in, or before the eyes of a person who approved it, says nothing that the
 * session must keep. Any other was put together by the model, and must fit a template.
 *
 * Once private, a session stays private.
 */
export class ProvenanceState {
  readonly #plan: ProvenancePlan
  readonly #ledger: UrlLedger
  readonly #templates: UrlTemplates
  readonly #checked: ReadonlySet<string> | null
  readonly #indexes: ReadonlySet<string>
  readonly #privateRules: ReadonlySet<string>
  #isPrivate: boolean

  constructor(plan: ProvenancePlan, ledger: UrlLedger = new UrlLedger()) {
    this.#plan = plan
    this.#ledger = ledger
    this.#templates = compileTemplates(plan.templates)
    this.#checked = plan.rules === 'all' ? null : new Set(plan.rules)
    this.#indexes = new Set(plan.indexes)
    this.#privateRules = new Set(plan.private)
    this.#isPrivate = plan.startsPrivate
    for (const url of plan.taskUrls) ledger.add(url, 'task')
  }

  get isPrivate(): boolean {
    return this.#isPrivate
  }

  /** Whether any reply could still make links known. */
  get mayLearn(): boolean {
    return !this.#isPrivate && this.#indexes.size > 0
  }

  /** for the session's end leaf */
  counters(): { known: number; leftOut: number } {
    return { known: this.#ledger.size, leftOut: this.#ledger.leftOut }
  }

  /** Whether links of such a reply are worth looking for. */
  isLearning(rules: readonly string[]): boolean {
    return !this.#isPrivate && rules.some((rule) => this.#indexes.has(rule))
  }

  apply(event: ProvenanceEvent): void {
    switch (event.type) {
      case 'reply':
        // A rule that is both is private: its own links are not learned either.
        if (event.rules.some((rule) => this.#privateRules.has(rule))) this.#isPrivate = true
        return
      case 'links':
        if (this.isLearning(event.rules)) this.#add(event.urls, 'index')
        return
      case 'redirect':
        return this.#follow(event.from, event.to)
      case 'approved':
        return this.#add([event.url], 'approved')
      case 'private':
        this.#isPrivate = true
    }
  }

  /** @param allowedBy ids of every rule that allowed it: one that asks is enough */
  decide(action: HttpRequestAction, allowedBy: readonly string[]): Provenance | Deny {
    const checked = this.#checked
    if (checked !== null && !allowedBy.some((rule) => checked.has(rule))) return UNCHECKED
    const url = urlOfRequest(action)
    const origin = this.#ledger.originOf(url)
    if (origin !== undefined) return { kind: 'known', origin }
    const template = this.#templates.match(url)
    if (template !== undefined) {
      return { kind: 'template', source: template.source, bits: template.bits }
    }
    return deny(UNKNOWN_URL, this.#explain(url))
  }

  /**
   * Where the server of a known URL leads cannot depend on what the session must keep, as long as
   * the request said nothing more than the URL; so also after private data has come in.
   */
  #follow(from: HttpRequestAction, to: readonly string[]): void {
    if (from.method !== 'GET' && from.method !== 'HEAD') return
    if (this.#ledger.originOf(urlOfRequest(from)) === undefined) return
    this.#add(to, 'redirect')
  }

  #add(urls: readonly string[], origin: UrlOrigin): void {
    for (const url of urls) this.#ledger.add(url, origin)
  }

  #explain(url: string): string {
    const nearest = this.#templates.nearest(url)
    const why = this.#isPrivate
      ? 'it stood in no task, no approval and no index before private data came in'
      : 'it has stood in no task, no approval and no index so far'
    const template =
      nearest === undefined
        ? `no template is for this host (${this.#plan.templates.length} in all)`
        : `the nearest template ${printable(nearest.template.source, 256)} goes along up to ${quoted(nearest.matched)}`
    return `${printable(url, 256)} is of unknown origin: ${why}; ${template}`
  }
}

function quoted(text: string): string {
  return `\`${printable(text.slice(-64), 64)}\``
}
