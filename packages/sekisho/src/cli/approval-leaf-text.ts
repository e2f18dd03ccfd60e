type Leaf = Readonly<Record<string, unknown>>

/** One line for a leaf about an action that waits for people; undefined for any other. */
export function describeApproval(
  leaf: Leaf,
  describeAction: (action: Record<string, unknown>) => string,
): string | undefined {
  switch (leaf['type']) {
    case 'action.held':
      return `${text(leaf['id'])} HELD ${describeAction(fields(leaf['action']))} for ${list(leaf['needs'])}: ${text(leaf['reason'])}`
    case 'approval.answer':
      return describeAnswer(leaf)
    case 'approval.ended':
      return `${text(leaf['hold'])} is over, ${text(leaf['why'])}: ${text(leaf['detail'])}`
    default:
      return undefined
  }
}

/** Whose yes an allowed action had, as the end of its line. */
export function describeConsent({ hold, facts }: Leaf): string {
  const { mandate } = fields(facts)
  const by = typeof hold === 'object' ? ` [approved: ${text(fields(hold)['id'])}]` : ''
  return mandate === undefined ? by : `${by} [mandate ${text(mandate)}]`
}

function describeAnswer({ signed, signer, result, why }: Leaf): string {
  const { hold, kind, answer, note, key } = fields(fields(signed)['statement'])
  const who = typeof signer === 'string' ? signer : `the unknown key ${text(key)}`
  const came = result === 'refused' ? `REFUSED, ${text(why)}` : text(result)
  const said = note === '' ? '' : `: ${text(note)}`
  return `${text(hold)} ${text(answer)} by ${who} as ${text(kind)}: ${came}${said}`
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(' and ') : ''
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
