import type { Deny } from '../core/verdict.ts'
import { type Authorized, authorize, type Leaving } from './authorize.ts'
import type { CheckpointPorts, Clear, Decider, Stopped } from './ports.ts'

export type Consulting = Leaving & {
  /** whoever is to be asked has been: of what they say, `clear` has all */
  isConsulted?: boolean
}

export type Consulted<L extends Consulting> = {
  leaving: L
  /** as it stands now that all have been asked */
  found: Clear | Stopped
  authorized: Authorized
}

/**
 * Decides an action, takes what it counts for, and then lets its exchange ask others about it: what
 * is denied, waits for people or exceeds a sum has told them nothing. Where they have found something
 * it is decided again, with that, and people are asked again who did not know it.
 *
 * @param take what the action needs; a denial stops it
 */
export async function authorizeAll<L extends Consulting>(
  leaving: L,
  before: Decider,
  { ports, take }: { ports: CheckpointPorts; take: Take },
): Promise<Consulted<L>> {
  const first = await decideAndTake(leaving, before, { ports, take })
  const { exchange, clear } = leaving
  if (first.verdict.kind === 'deny' || leaving.isConsulted === true) return as(leaving, first)
  if (exchange.consult === undefined) return as(leaving, first)
  const release = (): void => ports.ledger?.release(leaving.id)
  const said = await exchange.consult(clear).catch((thrown: unknown) => {
    release()
    throw thrown
  })
  if (said.kind === 'clear' && !isNews(said, clear) && ports.labels.label === first.facts.label) {
    return as({ ...leaving, clear: said, isConsulted: true }, first)
  }
  release()
  if (said.kind === 'stopped') {
    const authorized = { ...first, verdict: said.verdict, hold: undefined }
    return { leaving: { ...leaving, isConsulted: true }, found: said, authorized }
  }
  const again = { ...leaving, id: ports.newId(), clear: said, isConsulted: true }
  return as(again, await decideAndTake(again, before, { ports, take }))
}

/** Why what was taken does not do; mostly nothing is to be taken, and so nothing waited for. */
export type Taking = Promise<Deny | undefined> | Deny | undefined
type Take = (id: string, authorized: Authorized) => Taking

async function decideAndTake(
  leaving: Leaving,
  before: Decider,
  { ports, take }: { ports: CheckpointPorts; take: Take },
): Promise<Authorized> {
  const authorized = await authorize(leaving, before, ports)
  const taking = take(leaving.id, authorized)
  const refused = taking instanceof Promise ? await taking : taking
  return refused === undefined ? authorized : { ...authorized, verdict: refused }
}

function as<L extends Consulting>(leaving: L, authorized: Authorized): Consulted<L> {
  return { leaving, found: leaving.clear, authorized }
}

/** What changes how an action is decided. */
function isNews(said: Clear, before: Clear): boolean {
  return said.hold !== before.hold || (said.findings?.length ?? 0) > (before.findings?.length ?? 0)
}
