import { type AuditedLeaves, Auditor } from '../audit/auditor.ts'
import {
  auditLog,
  type AuditOptions,
  type AuditReport,
  type BrokenAudit,
  rootsOf,
  trust,
} from '../audit/audit-log.ts'
import { checkHere } from '../audit/check-here.ts'
import { UnusableInput } from '../audit/unusable.ts'
import { countWitnesses } from '../audit/witnesses.ts'
import { parseObject } from '../canonical.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { type LeafFacts, readLeaf } from '../leaf.ts'
import { verifyInclusion } from '../merkle.ts'
import { isSession, OpenEntries } from '../open-entries.ts'
import { openCheckpoint } from '../open-checkpoint.ts'
import { type Fault, isFault } from '../segment.ts'
import type { SoundLog } from '../verify-log.ts'
import { parseVkey } from '../vkey.ts'
import { type Bundle, type BundleBytes, type BundledLeaf, openBundle } from './read-bundle.ts'

export type BundleReport = (AuditReport | BrokenAudit) & {
  /** the session that the bundle is of; null: a whole log */
  scope: string | null
}

/**
 * Audits a bundle. One of a session holds what that session did, proven to be in the log; that
 * nothing of it was left out, its counters and its states say.
 *
 * @throws UnusableInput for what is no whole bundle, or where nothing is trusted
 */
export async function auditBundle(
  bytes: BundleBytes,
  options: AuditOptions,
): Promise<BundleReport> {
  const bundle = await openBundle(bytes)
  if (bundle.kind === 'log') return { ...(await auditLog(bundle.source, options)), scope: null }
  return { ...(await auditSession(bundle, options)), scope: bundle.session }
}

type SessionBundle = Extract<Bundle, { kind: 'session' }>

async function auditSession(
  bundle: SessionBundle,
  options: AuditOptions,
): Promise<AuditReport | BrokenAudit> {
  const roots = rootsOf(options.root)
  const trusted = trust(await findAuthority(bundle), { roots, vkey: options.vkey })
  if (isFault(trusted)) return { kind: 'broken', ...trusted, findings: [] }
  const opened = openCheckpoint(bundle.checkpoint, parseVkey(trusted.vkey))
  if (opened.kind === 'refused') {
    const reason = `the checkpoint: ${opened.reason}`
    return { kind: 'broken', index: 0, segment: 0, line: 2, reason, findings: [] }
  }
  holdAgainst(opened.checkpoint, { previous: options.previousCheckpoint, vkey: trusted.vkey })
  const auditor = new Auditor({ roots, ...trusted, checker: options.checker ?? checkHere })
  const proving = new Proving(bundle, opened.checkpoint)
  const fault =
    (await takeLeaves(bundle, { auditor, proving })) ?? takeHead(bundle, opened, auditor)
  await auditor.settle()
  if (fault !== undefined) return { kind: 'broken', ...fault, findings: auditor.findings.list() }
  return reportOf(bundle, { auditor, leaves: auditor.report(), log: proving.report(), options })
}

async function takeLeaves(
  bundle: SessionBundle,
  { auditor, proving }: { auditor: Auditor; proving: Proving },
): Promise<Fault | undefined> {
  for await (const leaf of bundle.leaves()) {
    const fault = proving.take(leaf)
    if (fault !== undefined) return fault
    auditor.take(leaf.index, leaf.bytes)
    await auditor.drain()
  }
  return undefined
}

/** The bundle's one checkpoint, by the log's second key: the leaves have said which it is. */
function takeHead(
  { checkpoint: note }: SessionBundle,
  { checkpoint: { size } }: { checkpoint: Checkpoint },
  auditor: Auditor,
): Fault | undefined {
  const reason = auditor.onHead({ note, size, sealed: size })
  return reason === undefined ? undefined : { index: size, segment: 0, line: 2, reason }
}

function reportOf(
  bundle: SessionBundle,
  audited: { auditor: Auditor; leaves: AuditedLeaves; log: SoundLog; options: AuditOptions },
): AuditReport {
  const { auditor, leaves, log, options } = audited
  if (log.types['session.start'] === undefined)
    throw new UnusableInput('a bundle without the session’s start')
  const { witnessed, missing } = countWitnesses(
    [bundle.checkpoint, options.previousCheckpoint],
    options.witnesses,
  )
  auditor.findings.addMissing(missing, log.size)
  return {
    kind: auditor.findings.size === 0 ? 'sound' : 'findings',
    log,
    findings: auditor.findings.list(),
    findingsOmitted: auditor.findings.omitted,
    witnessed,
    ...leaves,
  }
}

/**
 * Whether a log's head goes on from an earlier one takes the log; here only a head of the same
 * size can be compared.
 */
function holdAgainst(
  head: Checkpoint,
  { previous, vkey }: { previous: string | undefined; vkey: string },
): void {
  if (previous === undefined) return
  const opened = openCheckpoint(previous, parseVkey(vkey))
  const earlier = opened.kind === 'opened' ? opened.checkpoint : undefined
  if (earlier?.size === head.size && earlier.root.equals(head.root)) return
  throw new UnusableInput(
    'one session cannot be held against an earlier checkpoint: take the whole log',
  )
}

async function findAuthority(
  bundle: SessionBundle,
): Promise<{ place: Fault; leaf: Record<string, unknown> } | undefined> {
  for await (const { bytes, index, line } of bundle.leaves()) {
    const leaf = parseObject(bytes)
    if (leaf?.['type'] === 'identity.authority') {
      return { place: { index, segment: 0, line, reason: '' }, leaf }
    }
  }
  return undefined
}

/** Each leaf in the tree, in order, and of this session or of identities. */
class Proving {
  readonly #session: string
  readonly #checkpoint: string
  readonly #head: Checkpoint
  readonly #open = new OpenEntries()
  readonly #types = new Map<string, number>()
  #last = -1
  #at = ''

  constructor({ session, checkpoint }: SessionBundle, head: Checkpoint) {
    this.#session = session
    this.#checkpoint = checkpoint
    this.#head = head
  }

  take({ index, hashes, bytes, line }: BundledLeaf): Fault | undefined {
    const facts = readLeaf(bytes, true)
    if (typeof facts === 'string') return { index, segment: 0, line, reason: facts }
    const reason = this.#whyNot(index, { facts, hashes })
    if (reason !== undefined) return { index, segment: 0, line, reason }
    this.#last = index
    this.#at = facts.at
    this.#types.set(facts.type, (this.#types.get(facts.type) ?? 0) + 1)
    return undefined
  }

  #whyNot(
    index: number,
    { facts, hashes }: { facts: LeafFacts; hashes: readonly Buffer[] },
  ): string | undefined {
    const { size, root } = this.#head
    if (index <= this.#last) return 'leaves that are not in the order of the log'
    if (facts.at < this.#at) return 'time goes back'
    if (!verifyInclusion({ leaf: facts.hash, index, size, proof: hashes, root })) {
      return 'it is not in the log: its proof does not lead to the checkpoint'
    }
    if (facts.effect === undefined) return undefined
    if (facts.effect.entry.session !== this.#session) return 'a leaf of another session'
    return this.#open.apply(facts.effect)
  }

  report(): SoundLog {
    const open = this.#open.list()
    return {
      kind: 'sound',
      size: this.#head.size,
      root: this.#head.root.toString('base64'),
      checkpoint: this.#checkpoint,
      checkpoints: 1,
      segments: 0,
      types: Object.fromEntries([...this.#types].sort(([a], [b]) => (a < b ? -1 : 1))),
      gaps: this.#types.get('gap') ?? 0,
      open: open.filter((entry) => !isSession(entry)),
      openSessions: open.filter(isSession).map(({ session }) => session),
      unsealedBytes: 0,
    }
  }
}
