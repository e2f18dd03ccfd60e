import { createHash } from 'node:crypto'
import type { ToolCallAction } from './action.ts'
import { canonicalJson } from './canonical-json.ts'

/** A call of a tool that was handed to a client, as far as the client's own log is held against it. */
export type ToolRelease = {
  /** the provider's id of it; null where the format has none */
  callId: string | null
  tool: string
  /** over its arguments */
  digest: string
  /** over what it does, by which arguments are compared that a client has rewritten */
  deed: string
}

export function toolRelease(action: ToolCallAction): ToolRelease {
  const { callId, tool, digest, does, commands, paths, urls } = action
  const deed = createHash('sha256').update(canonicalJson({ does, commands, paths, urls }))
  return { callId, tool, digest, deed: `sha256:${deed.digest('hex')}` }
}
