type Leaf = Record<string, unknown>

/** Of the leaves that say by which bundle actions are decided; undefined for any other. */
export function describePolicy(leaf: Leaf): string | undefined {
  switch (leaf['type']) {
    case 'policy.generation':
      return `policy generation ${text(leaf['generation'])} is in force: ${text(leaf['digest'])}, signed by ${signers(leaf)}; ${text(leaf['change'])}: ${text(leaf['detail'])}`
    case 'policy.refused':
      return `policy REFUSED ${text(leaf['digest'] ?? 'files that cannot be read')}: ${text(leaf['reason'])}`
    case 'policy.drift':
      return `policy DRIFT: ${text(leaf['where'])} had ${text(leaf['running'] ?? 'no policy')}, not ${text(leaf['approved'])}`
    default:
      return undefined
  }
}

function signers({ signers: all }: Leaf): string {
  if (!Array.isArray(all) || all.length === 0) return 'nobody'
  return all
    .map((one: unknown) =>
      typeof one === 'object' && one !== null && 'name' in one ? text(one.name) : '?',
    )
    .join(' and ')
}

function text(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return '?'
  return String(value).replaceAll('\n', '; ') // a leaf is one line
}
