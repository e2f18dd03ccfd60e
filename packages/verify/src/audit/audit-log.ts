import { parseObject } from '../canonical.ts'
import { type Fault, isFault, type LogSource, type Segment } from '../segment.ts'
import { type BrokenLog, type SoundLog, verifyLogOf } from '../verify-log.ts'
import { parseVkey } from '../vkey.ts'
import type { CertifiedKey } from '../x509/certificate.ts'
import { readRoots } from '../x509/pem.ts'
import { readAuthority } from './authorities.ts'
import { type AuditedLeaves, Auditor } from './auditor.ts'
import { checkHere } from './check-here.ts'
import type { Leaf } from './fields.ts'
import type { Finding } from './findings.ts'
import type { SignatureChecker } from './signature-queue.ts'
import { UnusableInput } from './unusable.ts'
import { countWitnesses, type Witness, type Witnessed } from './witnesses.ts'

export type AuditOptions = {
  /** PEM: certificates or public keys of the roots that are trusted */
  root?: string | undefined
  /** of the log; alone it is enough for the tree, and for logs from before there were identities */
  vkey?: string | undefined
  /** signed notes of this log, kept since an earlier time */
  previousCheckpoint?: string | undefined
  witnesses?: readonly Witness[] | undefined
  /** in this thread when left out */
  checker?: SignatureChecker | undefined
}

export type AuditReport = AuditedLeaves & {
  kind: 'sound' | 'findings'
  log: SoundLog
  findings: Finding[]
  /** findings beyond those that are listed */
  findingsOmitted: number
  /** of the newest checkpoint; null where no witness was named */
  witnessed: Witnessed | null
}

/** The record itself is not what was signed; what was found before that place stands with it. */
export type BrokenAudit = BrokenLog & { findings: Finding[] }

/**
 * Audits a whole log with nothing but the root's public key: hashes, checkpoints, the chains of
 * certificates, every signature and claim, what sessions went through, counters against leaves.
 * Memory grows with sessions that are open and identities that were issued, not with leaves.
 *
 * @throws UnusableInput when the root or the log cannot be used; what the source throws
 */
export async function auditLog(
  source: LogSource,
  options: AuditOptions,
): Promise<AuditReport | BrokenAudit> {
  const roots = rootsOf(options.root)
  const found = await findAuthority(source)
  const trusted = trust(found, { roots, vkey: options.vkey })
  if (isFault(trusted)) return { kind: 'broken', ...trusted, findings: [] }
  const { checker = checkHere, previousCheckpoint } = options
  const auditor = new Auditor({ roots, ...trusted, checker })
  const log = await verifyLogOf(source, trusted.vkey, { previousCheckpoint, follower: auditor })
  await auditor.settle()
  if (log.kind === 'broken') return { ...log, findings: auditor.findings.list() }
  const { witnessed, missing } = countWitnesses(
    [log.checkpoint, previousCheckpoint],
    options.witnesses,
  )
  auditor.findings.addMissing(missing, log.size)
  return {
    kind: auditor.findings.size === 0 ? 'sound' : 'findings',
    log,
    findings: auditor.findings.list(),
    findingsOmitted: auditor.findings.omitted,
    witnessed,
    ...auditor.report(),
  }
}

/** @throws UnusableInput */
export function rootsOf(pem: string | undefined): CertifiedKey[] {
  if (pem === undefined) return []
  const roots = readRoots(pem)
  if (typeof roots === 'string') throw new UnusableInput(`the root: ${roots}`)
  return roots
}

type Found = { place: Fault; leaf: Leaf }

/**
 * The log's keys as its first `identity.authority` says, if a root vouches for it.
 *
 * @throws UnusableInput where nobody says whose log it is
 */
export function trust(
  found: Found | undefined,
  { roots, vkey }: { roots: readonly CertifiedKey[]; vkey: string | undefined },
): { vkey: string; postQuantum: string | undefined } | Fault {
  if (vkey !== undefined && !isVkey(vkey)) throw new UnusableInput('not a verification key')
  if (roots.length === 0) {
    if (vkey !== undefined) return { vkey, postQuantum: undefined }
    throw new UnusableInput('nothing is trusted: give the root’s public key, root.pem')
  }
  // else whoever has the log's key could leave every identity out, and pass for an older log
  if (found === undefined) throw new UnusableInput('no leaf says who signs this log')
  const authority = readAuthority(found.leaf, roots)
  if (typeof authority === 'string') return { ...found.place, reason: authority }
  const [own = '', postQuantum] = authority.vkeys
  return { vkey: vkey ?? own, postQuantum }
}

function isVkey(vkey: string): boolean {
  try {
    return parseVkey(vkey).type === 'ed25519'
  } catch (thrown) {
    if (thrown instanceof TypeError) return false
    throw thrown
  }
}

const AUTHORITY = Buffer.from('"type":"identity.authority"')

/** The first such leaf, unverified: what it claims is verified by what it is used for. */
async function findAuthority(source: LogSource): Promise<Found | undefined> {
  for (const number of await source.list()) {
    const segment = await source.open(number)
    if (isFault(segment) || segment.header === null) continue
    const found = await authorityIn(segment, segment.header.size)
    if (found !== undefined) return found
  }
  return undefined
}

async function authorityIn(segment: Segment, from: number): Promise<Found | undefined> {
  let [index, line] = [from, 0]
  for await (const lines of segment.lines()) {
    for (const { bytes } of lines) {
      line += 1
      const leaf = authorityLeaf(bytes)
      if (leaf !== undefined) {
        return { place: { index, segment: segment.number, line, reason: '' }, leaf }
      }
      if (bytes[0] === 0x7b) index += 1
    }
  }
  return undefined
}

function authorityLeaf(bytes: Buffer): Leaf | undefined {
  const leaf = bytes.includes(AUTHORITY) ? parseObject(bytes) : undefined
  return leaf?.['type'] === 'identity.authority' ? leaf : undefined
}
