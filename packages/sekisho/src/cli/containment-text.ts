type Leaf = Readonly<Record<string, unknown>>

/** One line for a leaf about an attempt to escape; undefined for any other. */
export function describeContainment(leaf: Leaf): string | undefined {
  switch (leaf['type']) {
    case 'session.contained': {
      const { kind, what } = fields(leaf['trigger'])
      const { name } = fields(leaf['evidence'])
      const did = kind === 'tripwire' ? 'opening' : 'calling'
      return `session is contained for ${did} ${String(what)}: ${String(leaf['quarantine'])}, evidence ${String(name)}`
    }
    case 'quarantine.set':
      return `quarantine ${String(leaf['id'])} of agent ${String(leaf['agent'])}: ${String(leaf['reason'])}`
    case 'quarantine.release':
      return describeRelease(leaf)
    case 'session.refused':
      return `no session: ${String(leaf['reason'])}`
    default:
      return undefined
  }
}

function describeRelease({ id, operators, released, reason }: Leaf): string {
  const names = Array.isArray(operators) ? operators.map((one) => String(fields(one)['name'])) : []
  const did = released === true ? 'is released by' : 'may be released, says'
  return `quarantine ${String(id)} ${did} ${names.join(' and ')}: ${String(reason)}`
}

function fields(value: unknown): Leaf {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
