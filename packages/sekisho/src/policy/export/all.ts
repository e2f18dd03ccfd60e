import { writeCiliumPolicy } from './cilium.ts'
import { type Fence, type FenceInput, fenceOf } from './fence.ts'
import { writeGcpFirewall } from './gcp-ngfw-terraform.ts'
import { writeNetworkPolicy } from './k8s-networkpolicy.ts'

export type { FenceInput, FenceSource } from './fence.ts'

/** Every kind of outer fence, by the name that `sekisho policy export --to` takes. */
const WRITERS = {
  'k8s-networkpolicy': writeNetworkPolicy,
  cilium: writeCiliumPolicy,
  'gcp-ngfw-terraform': writeGcpFirewall,
} as const satisfies Record<string, (fence: Fence) => string>

export type FenceKind = keyof typeof WRITERS

export const FENCE_KINDS: readonly FenceKind[] = Object.keys(WRITERS).filter(isFenceKind)

export function isFenceKind(text: string): text is FenceKind {
  return Object.hasOwn(WRITERS, text)
}

/**
 * The coarse outer fence for the allow-list of one or more agents, as text for a reader of that
 * kind; its comments say what the policy says and the fence cannot. The same input is the same
 * text.
 */
export function writeFence(kind: FenceKind, input: FenceInput): string {
  return WRITERS[kind](fenceOf(input))
}
