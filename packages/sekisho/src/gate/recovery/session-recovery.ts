import type { CheckpointPorts } from '../../flow/ports.ts'
import type { BudgetLedger } from '../../policy/provenance/budget-ledger.ts'
import type { GateSession } from '../../wire/gate.ts'
import { DestinationMeter } from '../destination-meter.ts'
import type { EgressMeter } from '../egress-meter.ts'
import type { KeyholderLink } from '../keyholder-link.ts'
import type { Placeholders } from '../placeholders.ts'
import type { Upstreams } from '../upstream.ts'
import type { CaptureParts } from './capture.ts'
import { contentKeeper } from './content-keeper.ts'

export type SessionRecoveryParts = {
  link: KeyholderLink
  ports: CheckpointPorts
  placeholders: Placeholders
  upstreams: Upstreams
  meter: EgressMeter
  budgets: BudgetLedger
}

/** What takes the pre-images of one session. */
export function captureParts(
  { session, credentials }: Pick<GateSession, 'session' | 'credentials'>,
  { link, ports, placeholders, upstreams, meter, budgets }: SessionRecoveryParts,
): CaptureParts {
  return {
    session,
    credentials,
    placeholders,
    upstreams,
    keeper: contentKeeper(session, link),
    meterFor: (host) => new DestinationMeter(host, meter, budgets),
    recorder: ports.recorder,
    resolver: ports.resolver,
    generation: () => ports.current().generation,
    newId: () => ports.newId(),
    outcomeLost: (error) => ports.outcomeLost(error),
  }
}
