import type { Deny, Hold } from '../../core/verdict.ts'
import type { CheckAction, PackageCheck, PackagePlan } from '../../wire/packages.ts'
import type { Excused, PackageExceptions } from './exceptions.ts'
import type { PackageFacts, ReleaseFacts } from './package-facts.ts'
import type { PackageFile } from './package-request.ts'
import type { Lookalike, PopularNames } from './popular-names.ts'

/** Everything that is known of a package when its file is asked for. */
export type Knowledge = {
  /** what the session's own installs fetched; undefined where they fetched nothing */
  facts: PackageFacts | undefined
  popular: PopularNames
  exceptions: PackageExceptions
}

export type InstallFinding = {
  check: PackageCheck
  action: Exclude<CheckAction, 'allow'>
  /** for the operator: what was found, compared with what */
  reason: string
}

/** The strictest of what was found counts; `undefined` lets it pass. */
export type InstallVerdict = {
  findings: readonly InstallFinding[]
  stop: Deny | Hold | undefined
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/**
 * Decides whether the file of a package may be fetched, by its name and by what its registry said
 * of it in this session. Never waits and never throws.
 */
export function judgeInstall(
  file: PackageFile,
  knowledge: Knowledge,
  { plan, nowMs }: { plan: PackagePlan; nowMs: number },
): InstallVerdict {
  const { facts, popular } = knowledge
  const release = facts?.releases.get(file.ecosystem === 'npm' ? file.version : file.file)
  const found = [
    checkUnknown(file, knowledge),
    checkLikeness(popular.lookalike(file.name), { facts, popular, plan, nowMs }),
    checkAge(release?.publishedAtMs ?? null, { facts, plan, nowMs }),
    checkScripts(file, release),
  ]
  const findings = found.flatMap((finding) =>
    finding === undefined ? [] : weigh(finding, file, { plan, nowMs, knowledge }),
  )
  return { findings, stop: strictest(file, findings) }
}

/** As {@link judgeInstall}, when the file itself shows that installing it runs code. */
export function judgeScripts(
  file: PackageFile,
  reason: string,
  by: { plan: PackagePlan; nowMs: number; exceptions: PackageExceptions },
): InstallVerdict {
  const { exceptions, ...rest } = by
  const found: Found = { check: 'installScripts', reason }
  const findings = weigh(found, file, { ...rest, knowledge: { exceptions } })
  return { findings, stop: strictest(file, findings) }
}

type Found = { check: PackageCheck; reason: string; atMost?: CheckAction }

function checkUnknown({ name }: PackageFile, { facts, popular }: Knowledge): Found | undefined {
  if (popular.has(name) || facts?.status === 'described') return undefined
  const why = facts === undefined ? 'no metadata of it was fetched here' : 'its registry has none'
  return { check: 'unknown', reason: `${popular.source} does not know it and ${why}` }
}

type AgeContext = { facts: PackageFacts | undefined; plan: PackagePlan; nowMs: number }

/** A package of years is no new trap, however close its name: it is only recorded. */
function checkLikeness(
  lookalike: Lookalike | undefined,
  { facts, popular, plan, nowMs }: AgeContext & { popular: PopularNames },
): Found | undefined {
  if (lookalike === undefined) return undefined
  const created = facts?.createdAtMs ?? null
  const isEstablished =
    plan.establishedMs !== null && created !== null && nowMs - created >= plan.establishedMs
  const reason = `it ${LIKENESS[lookalike.how]} ${lookalike.of}, which ${popular.source} knows`
  if (!isEstablished) return { check: 'typo', reason }
  const since = new Date(created).toISOString().slice(0, 10)
  return { check: 'typo', reason: `${reason}; it exists since ${since}`, atMost: 'record' }
}

const LIKENESS: Readonly<Record<Lookalike['how'], string>> = {
  'one-slip': 'is one slip away from',
  'same-letters': 'looks like',
  'same-words': 'has the words of',
}

function checkAge(
  publishedAtMs: number | null,
  { facts, plan, nowMs }: AgeContext,
): Found | undefined {
  if (publishedAtMs !== null) {
    const ageMs = nowMs - publishedAtMs
    if (ageMs >= plan.youngMs) return undefined
    const limit = describeDuration(plan.youngMs)
    return {
      check: 'young',
      reason: `it was published ${describeDuration(Math.max(0, ageMs))} ago, less than ${limit}`,
    }
  }
  // nothing of the package is newer than its last change
  const modified = facts?.modifiedAtMs ?? null
  if (modified !== null && nowMs - modified >= plan.youngMs) return undefined
  return { check: 'ageUnknown', reason: 'nothing fetched here says when it was published' }
}

function checkScripts(
  { isSource }: PackageFile,
  release: ReleaseFacts | undefined,
): Found | undefined {
  if (isSource) {
    return {
      check: 'installScripts',
      reason: 'a source distribution runs its own code to be built',
    }
  }
  if (release?.installScripts !== true) return undefined
  return { check: 'installScripts', reason: 'its registry says that it has install scripts' }
}

type Weights = { plan: PackagePlan; nowMs: number; knowledge: Pick<Knowledge, 'exceptions'> }

/** Nothing, where the plan allows it or an exception excuses it. */
function weigh(found: Found, file: PackageFile, weights: Weights): InstallFinding[] {
  const { plan, nowMs, knowledge } = weights
  const { check, atMost } = found
  const { ecosystem, name, version } = file
  const excused = knowledge.exceptions.find({ ecosystem, name, version, check, nowMs })
  const configured = plan.actions[check]
  const action = atMost === 'record' && configured !== 'allow' ? 'record' : configured
  if (action === 'allow' || excused.kind === 'yes') return []
  return [{ check, action, reason: found.reason + explainExpiry(excused) }]
}

function explainExpiry(excused: Excused): string {
  if (excused.kind !== 'expired') return ''
  return `; its exception expired ${new Date(excused.atMs).toISOString().slice(0, 10)}`
}

/** `npm lodahs 1.0.0: packages.typo: …`; a hold and a denial at once are a denial. */
function strictest(
  file: PackageFile,
  findings: readonly InstallFinding[],
): Deny | Hold | undefined {
  const denied = findings.filter(({ action }) => action === 'deny')
  const held = findings.filter(({ action }) => action === 'hold')
  const decisive = denied.length > 0 ? denied : held
  if (decisive.length === 0) return undefined
  const { ecosystem, name, version } = file
  return {
    kind: denied.length > 0 ? 'deny' : 'hold',
    rules: decisive.map(({ check }) => ruleOf(check)),
    reason: `${ecosystem} package ${name} ${version}: ${decisive.map(({ reason }) => reason).join('; ')}`,
  }
}

/** The rule that a check decides by, as leaves and replies name it. */
export function ruleOf(check: PackageCheck): string {
  return `packages.${check}`
}

function describeDuration(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} days`
  return ms >= 2 * HOUR_MS
    ? `${Math.floor(ms / HOUR_MS)} hours`
    : `${Math.floor(ms / 60_000)} minutes`
}
