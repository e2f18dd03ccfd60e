/** What the leaves of recoverability say, in words; undefined for any other leaf. */
export function describeRecovery(leaf: Readonly<Record<string, unknown>>): string | undefined {
  switch (leaf['type']) {
    case 'action.preimage': {
      const { content, bytes } = membersOf(leaf['preimage'])
      const what = content === null ? 'that nothing was there' : `${String(bytes)} bytes`
      const { method, host, path } = membersOf(leaf['action'])
      return `kept ${what} before ${String(leaf['id'])}, ${String(method)} ${String(host)}${String(path)}`
    }
    case 'content.removed':
      return `removed ${String(leaf['contents'])} contents that were kept, ${String(leaf['bytes'])} bytes: ${String(leaf['reason'])}`
    default:
      return undefined
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
