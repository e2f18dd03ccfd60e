import type { controlToSupervisor } from '../../wire/control.ts'
import type { Peer, Protocol } from '../../wire/peer.ts'
import type { GenerationInForce, PolicyReloaded, PolicyStatus } from '../../wire/policy-status.ts'
import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'

/** @throws SekishoError why the files may not come into force */
export async function reloadPolicy(generations: Generations): Promise<PolicyReloaded> {
  const { generation, isNew } = await generations.reload()
  return { ...describeGeneration(generation), isNew }
}

export async function policyStatus(
  generations: Pick<Generations, 'inForce' | 'refusal' | 'judges'>,
  supervisor: Pick<Peer<typeof controlToSupervisor, Protocol>, 'call'>,
): Promise<PolicyStatus> {
  const { inForce, refusal, judges } = generations
  return {
    inForce: inForce === undefined ? null : describeGeneration(inForce),
    refused:
      refusal === undefined
        ? null
        : {
            digest: refusal.digest,
            reason: refusal.error.message,
            hint: refusal.error.hint ?? null,
          },
    operators: judges?.operators.map(({ name }) => name) ?? null,
    isFirst: judges?.isFirst ?? false,
    ...(await supervisor.call('policy.running', {})),
  }
}

/** One line each, for the list of what is not as it should be. */
export function policyDegraded({ refusal }: Pick<Generations, 'refusal'>): string[] {
  if (refusal === undefined) return []
  const [first = ''] = refusal.error.message.split('\n')
  return [`policy-refused: ${first}; no session begins until it is mended (sekisho policy status)`]
}

function describeGeneration(generation: Generation): GenerationInForce {
  const { number, digest, admitted, closed, since } = generation
  return {
    generation: number,
    digest,
    change: admitted.change,
    detail: admitted.detail,
    signers: admitted.signers.map(({ name }) => name),
    closed,
    since: since.toISOString(),
  }
}
