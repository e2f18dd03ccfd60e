import { NO_FACTS } from '../core/facts.ts'
import type { DnsResolveAction } from '../core/action.ts'
import { formatIpv4 } from '../core/address.ts'
import { toSekishoError } from '../core/error.ts'
import { canonicalHost } from '../core/host.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import {
  CLASS_IN,
  type DnsQuery,
  type DnsReply,
  describeType,
  EDE_BLOCKED,
  RCODE,
  readQuery,
  TYPE_A,
  writeBareReply,
  writeReply,
} from './dns-message.ts'
import { RateBound } from './rate-bound.ts'
import type { SessionContext } from './session-context.ts'

/** Distinct questions recorded a second; above, they are refused and counted. */
const RECORDS_PER_SECOND = 100
/** Questions remembered as recorded; the oldest is recorded again when it comes back. */
const MAX_REMEMBERED = 8_192
const TTL_SECONDS = 60
const POOL_RULE = 'invariant.name-pool'

/** stands for a question that could not be read */
const UNREAD: DnsResolveAction = { kind: 'dns.resolve', name: '?', type: '?' }

const BLOCKED = { code: EDE_BLOCKED, text: "blocked by this session's policy" }

/**
 * The DNS of one session. It asks nobody: a name that some rule allows gets a made-up address,
 * any other is denied, so a query carries nothing out.
 */
export class NameServer {
  readonly #context: SessionContext
  readonly #bound: RateBound
  readonly #recorded = new Map<string, Promise<void>>()

  constructor(context: SessionContext) {
    this.#context = context
    this.#bound = new RateBound(RECORDS_PER_SECOND, () => context.now())
  }

  /** counted and in no record yet */
  get unreported(): number {
    return this.#bound.folded
  }

  /** The reply, once the record behind it is durable; undefined for what is no query. */
  async answer(message: Buffer): Promise<Buffer | undefined> {
    const read = readQuery(message)
    this.#context.counters.dnsQueries += 1
    if (read.kind !== 'query') {
      await this.refuseMalformed(read.kind === 'refused' ? `code ${read.rcode}` : 'no query')
      return read.kind === 'refused' ? writeBareReply(read.id, read.rcode) : undefined
    }
    const { query } = read
    const name = canonicalHost(query.name)
    const action: DnsResolveAction = {
      kind: 'dns.resolve',
      name: name ?? query.name,
      type: describeType(query),
    }
    const address = name === undefined ? undefined : this.#addressFor(query, name)
    const verdict = this.#decide(action, { query, isName: name !== undefined, address })
    if (verdict.kind !== 'allow') this.#context.counters.dnsDenied += 1
    return writeReply(query, await this.#reply(action, verdict, address))
  }

  /** Records what is no question; many are one record that counts them. Never rejects. */
  async refuseMalformed(reason: string): Promise<void> {
    this.#context.counters.dnsDenied += 1
    try {
      await this.#record(UNREAD, deny('invariant.dns-malformed', reason), undefined)
    } catch {
      this.#context.counters.unavailable += 1 // it was refused all the same
    }
  }

  /** Made only for a name that a rule allows: a flood of other names must not use up the pool. */
  #addressFor(query: DnsQuery, name: string): number | undefined {
    const isWanted = query.class === CLASS_IN && query.type === TYPE_A
    return isWanted && this.#context.policy.mayReach(name)
      ? this.#context.names.addressOf(name)
      : undefined
  }

  #decide(
    action: DnsResolveAction,
    asked: { query: DnsQuery; isName: boolean; address: number | undefined },
  ): Verdict {
    if (!asked.isName) return deny('invariant.host-name', `${action.name} is no host name`)
    if (asked.query.class !== CLASS_IN) return deny('invariant.dns-class', action.type)
    const verdict = this.#context.ports.decide(action)
    if (verdict.kind !== 'allow') return verdict
    if (asked.query.type !== TYPE_A || asked.address !== undefined) return verdict
    return deny(POOL_RULE, 'this session has used up its names')
  }

  async #reply(
    action: DnsResolveAction,
    verdict: Verdict,
    address: number | undefined,
  ): Promise<DnsReply> {
    try {
      const isRecorded = await this.#record(action, verdict, address)
      if (!isRecorded) return { rcode: RCODE.refused, extendedError: BLOCKED }
    } catch {
      this.#context.counters.unavailable += 1
      return { rcode: RCODE.servFail } // no record, no answer
    }
    if (verdict.kind !== 'allow') {
      const rcode = verdict.rules.includes(POOL_RULE) ? RCODE.servFail : RCODE.nxDomain
      return { rcode, extendedError: BLOCKED }
    }
    // no AAAA, and no HTTPS or SVCB record, which could bring an encrypted ClientHello
    return address === undefined
      ? { rcode: RCODE.noError }
      : { rcode: RCODE.noError, address, ttlSeconds: TTL_SECONDS }
  }

  /** One record per question and session; false when there are too many for one. */
  async #record(
    action: DnsResolveAction,
    verdict: Verdict,
    address: number | undefined,
  ): Promise<boolean> {
    const key = `${verdict.kind} ${action.type} ${action.name}`
    const before = this.#recorded.get(key)
    if (before !== undefined) {
      this.#bound.fold()
      await before
      return true
    }
    const repeated = this.#bound.admit()
    if (repeated === undefined) return false
    const record = this.#write({ action, verdict, repeated }, address)
    this.#remember(key, record)
    await record
    return true
  }

  #remember(key: string, record: Promise<void>): void {
    this.#recorded.set(key, record)
    record.catch(() => this.#recorded.delete(key))
    const [oldest] = this.#recorded.keys()
    if (this.#recorded.size > MAX_REMEMBERED && oldest !== undefined) this.#recorded.delete(oldest)
  }

  async #write(
    record: { action: DnsResolveAction; verdict: Verdict; repeated: number },
    address: number | undefined,
  ): Promise<void> {
    const { ports } = this.#context
    const id = ports.newId()
    const by = ports.current()
    await ports.recorder.intent({
      ...record,
      id,
      credentials: [],
      generation: by.generation,
      facts: by.describe(record.action, { ...NO_FACTS, label: ports.labels.label }),
    })
    if (record.verdict.kind !== 'allow') return
    const answered = address === undefined ? null : formatIpv4(address)
    const outcome = { status: null, address: answered, bytesOut: 0, bytesIn: 0, scrubbed: 0 }
    ports.recorder.outcome(id, { kind: 'performed', ...outcome }).catch((thrown: unknown) => {
      ports.outcomeLost(toSekishoError(thrown))
    })
  }
}
