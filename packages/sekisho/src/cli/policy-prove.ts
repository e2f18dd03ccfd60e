import { comparedBundle } from '../policy-text/compared-bundle.ts'
import type { LoadedPolicy } from '../policy-text/load-policy.ts'
import type { Holding } from '../prove/holds-for.ts'
import type { Comparison, Counterexample } from '../wire/solver.ts'
import { SekishoError } from '../core/error.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { readBundle } from './policy-bundle.ts'
import { withZ3 } from './policy-z3.ts'
import { printable } from './terminal.ts'

const DEFAULT_TIMEOUT_SECONDS = 30

/** Proves of a bundle what the platform promises, and that a change only narrows. 1: not all of it. */
export async function proveBundle(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    against: { type: 'string' },
    timeout: { type: 'string' },
  })
  const timeoutMs = readTimeout(values['timeout'], usage)
  const { policy, directory } = await readBundle(maybePositional(usage, positionals), terminal)
  const against = values['against']
  const before =
    typeof against === 'string' ? (await readBundle(against, terminal)).policy : undefined
  const promises = await provePromises(policy, timeoutMs)
  const change = before === undefined ? null : await compareWith(before, policy, timeoutMs)
  const lines =
    values['json'] === true
      ? [JSON.stringify({ directory, promises, change })]
      : [`${directory}: ${policy.digest}`, ...describeProofs(promises, change)]
  for (const line of lines) terminal.out(line)
  return isProven(change) && promises.every(({ kind }) => kind === 'proven') ? 0 : 1
}

function isProven(change: Comparison | null): boolean {
  return change === null || change.change === 'equal' || change.change === 'narrower'
}

function describeProofs(
  promises: readonly Promised[],
  change: Comparison | null,
): readonly string[] {
  return [...promises.flatMap(describePromise), ...(change === null ? [] : describeChange(change))]
}

type Promised = { id: string; title: string } & Holding

/** Each promise for every request, whatever the agents' rules are. */
async function provePromises(policy: LoadedPolicy, timeoutMs: number): Promise<Promised[]> {
  const { holdsFor } = await import('../prove/holds-for.ts')
  const { SPECIFICATIONS } = await import('../prove/specification.ts')
  const { namesOf } = await import('../prove/known-names.ts')
  const { schema, bundle, agents } = await comparedBundle(policy)
  const known = namesOf({ bundle, agents })
  const decided = { schema, policies: bundle.cedar, rules: null, known }
  return withZ3(timeoutMs, async (effort) => {
    const promises: Promised[] = []
    for (const specification of SPECIFICATIONS) {
      const { id, title } = specification
      promises.push({ id, title, ...(await holdsFor(decided, specification, effort)) })
    }
    return promises
  })
}

/** What a bundle allows beside another. */
export async function compareWith(
  before: LoadedPolicy,
  after: LoadedPolicy,
  timeoutMs: number,
): Promise<Comparison> {
  const { compareBundles } = await import('../prove/compare.ts')
  const [a, b] = [await comparedBundle(before), await comparedBundle(after)]
  return withZ3(timeoutMs, async (effort) => compareBundles(a, b, effort))
}

function describePromise(promised: Promised): readonly string[] {
  const { id, title, tookMs } = promised
  const took = `${Math.round(tookMs)} ms`
  switch (promised.kind) {
    case 'proven':
      return [`  proven      ${id}: ${title} (by ${promised.by}, ${took})`]
    case 'violated':
      return [`  VIOLATED    ${id}: ${title} (${took})`, ...counterexample(promised.counterexample)]
    case 'not-proven':
      return [`  NOT PROVEN  ${id}: ${title}: ${printable(promised.why)} (${took})`]
  }
}

/** Of two bundles, the words in which `prove` and `diff` say it. */
export function describeChange({
  change,
  reasons,
  counterexample: shown,
  tookMs,
}: Comparison): readonly string[] {
  const proven = change === 'equal' || change === 'narrower'
  const title = `${proven ? 'proven: ' : ''}${CHANGES[change]} (${Math.round(tookMs)} ms)`
  return [
    `  ${title}`,
    ...reasons.flatMap((reason) => lines(reason, '    ')),
    ...(shown === null || reasons.some((reason) => reason.includes(shown.text))
      ? []
      : counterexample(shown)),
  ]
}

const CHANGES = {
  equal: 'it allows what the other allows',
  narrower: 'it allows no more than the other',
  wider: 'WIDER: it allows what the other does not',
  'not-proven': 'NOT PROVEN that it allows no more than the other',
} as const

function counterexample({ text }: Counterexample): readonly string[] {
  return lines(`such as ${text}`, '              ')
}

/** @param text whose first line says what, and each other one what that depends on */
function lines(text: string, indent: string): readonly string[] {
  return text
    .split('\n')
    .map((line, index) => `${indent}${index === 0 ? '' : '    '}${printable(line)}`)
}

function readTimeout(given: unknown, usage: string): number {
  if (given === undefined) return DEFAULT_TIMEOUT_SECONDS * 1000
  const seconds = Number(given)
  if (Number.isInteger(seconds) && seconds > 0 && seconds <= 3600) return seconds * 1000
  throw new SekishoError('USAGE', '--timeout wants seconds, from 1 to 3600', {
    hint: `usage: ${usage}`,
  })
}
