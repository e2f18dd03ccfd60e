import { formatMicroUsd } from '../budget/money.ts'

type Leaf = Readonly<Record<string, unknown>>

/** One line for a leaf of what models were asked and said; undefined for any other. */
export function describeModelLeaf(leaf: Leaf): string | undefined {
  switch (leaf['type']) {
    case 'llm.call':
      return describeCall(leaf)
    case 'recording.removed':
      return describeRemoved(leaf)
    default:
      return undefined
  }
}

function describeCall(leaf: Leaf): string {
  const { provider, model, served, stop } = leaf
  const other = served === null || served === model ? '' : `, served by ${text(served)}`
  const parts = [
    describeTokens(leaf),
    describeCost(leaf['microUsd']),
    stop === null ? 'no stop' : text(stop),
    describeTools(membersOf(leaf['calls'])),
    `${text(leaf['durationMs'])} ms`,
    ...describeUnseen(leaf['coverage']),
    ...describeFilters(leaf['filters']),
  ]
  return `  ${text(leaf['id'])} ${text(provider)}:${text(model)}${other}: ${parts.filter((part) => part !== '').join(', ')}`
}

/** Tokens in four classes: neither read from a cache nor written, read, written, and output. */
export function describeTokens({ counted }: Leaf): string {
  const { input, cacheRead, cacheWrite, output } = membersOf(counted)
  return `${text(input)}+${text(cacheRead)}r+${text(cacheWrite)}w→${text(output)} tokens`
}

/** `?` where no price is known. */
export function describeCost(microUsd: unknown): string {
  return typeof microUsd === 'number' ? formatMicroUsd(microUsd) : '? USD'
}

function describeTools({ proposed, released, replaced }: Leaf): string {
  if (Number(proposed ?? 0) === 0) return ''
  const not = Number(replaced ?? 0) === 0 ? '' : `, ${text(replaced)} replaced`
  return `${text(released)} of ${text(proposed)} calls released${not}`
}

/** What nobody could look into; empty where there was nothing such. */
function describeUnseen(coverage: unknown): string[] {
  if (!Array.isArray(coverage)) return []
  const parts: unknown[] = coverage
  return parts
    .map(membersOf)
    .filter(({ did }) => did === 'unsupported')
    .map(({ part, bytes }) => `UNSUPPORTED ${text(part)} ${text(bytes)} bytes`)
}

/** Others' filters that have found something, or have not looked. */
function describeFilters(filters: unknown): string[] {
  if (!Array.isArray(filters)) return []
  const looks: unknown[] = filters
  return looks
    .map(membersOf)
    .filter(({ said }) => said !== 'nothing')
    .map(({ filter, side, said }) =>
      said === 'found'
        ? `filter ${text(filter)} found something in the ${text(side)}`
        : `filter ${text(filter)} HAS NOT LOOKED at the ${text(side)}`,
    )
}

function describeRemoved({ recordings, bytes, reason, by }: Leaf): string {
  const who = by === null || by === undefined ? 'the platform' : `uid ${text(by)}`
  return `removed ${text(recordings)} recordings of model calls, ${text(bytes)} bytes, by ${who}: ${text(reason)}`
}

function membersOf(value: unknown): Leaf {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '-' : JSON.stringify(value)
}
