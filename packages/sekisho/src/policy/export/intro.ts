import type { Fence } from './fence.ts'

/** The label that the pods of gates must carry for a fence to stand around them. */
export const SELECTED = { 'app.kubernetes.io/name': 'sekisho' }

/** What a fence is, from which bundle, and how the list after it is to be read. */
export function intro(fence: Fence, kind: string): string[] {
  const agents = fence.sources.map(({ agent }) => agent.name).join(', ')
  return [
    `The coarse outer fence around the gates of Sekisho, as ${kind}.`,
    `Agents: ${agents}. Bundle: ${fence.digest}.`,
    'Written by `sekisho policy export`; write it again when the bundle changes.',
    '',
    ...(fence.endpoints.length + fence.dials.length === 0
      ? ['These agents have no network: everything is closed.']
      : ['It stands behind the gate, not in its place. It CANNOT say:']),
  ]
}
