import { hash } from 'node:crypto'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import type { CheckpointPorts, Decider } from '../../flow/ports.ts'
import type { GateSession } from '../../wire/gate.ts'
import { RestoreRecipe } from '../../wire/recovery.ts'
import type { RestoreOutcome } from '../../wire/restore.ts'
import { Counters, countingRecorder } from '../counters.ts'
import { DestinationMeter } from '../destination-meter.ts'
import { EgressMeter } from '../egress-meter.ts'
import type { KeyholderLink } from '../keyholder-link.ts'
import type { SessionRecorder } from '../session-recorder.ts'
import { Placeholders } from '../placeholders.ts'
import { type GateParts, makeContext, makePerformer } from '../session-parts.ts'
import type { Upstreams } from '../upstream.ts'
import { operatorRules } from './operator-rules.ts'
import {
  type KeptSource,
  type RestoreAsked,
  restoreItem,
  type RestoreParts,
} from './restore-item.ts'

/** Restores that are open at once in one gate. */
const MAX_RESTORES = 16

type Open = {
  parts: RestoreParts
  counters: Counters
  recorder: SessionRecorder
  upstreams: Upstreams
  meter: EgressMeter
}

/** Sessions without a sandbox or network of their own, in which operators take back what agents did. */
export class Restores {
  readonly #parts: GateParts
  readonly #open = new Map<string, Open>()

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /**
   * @param of the session whose actions are taken back
   * @throws SekishoError PROTOCOL_VIOLATION for one that is open, or one too many
   */
  open(config: GateSession, of: string): void {
    if (this.#open.has(config.session) || this.#open.size >= MAX_RESTORES) {
      throw new SekishoError('PROTOCOL_VIOLATION', `restore ${config.session} cannot be opened`)
    }
    this.#open.set(config.session, openRestore(config, of, this.#parts))
  }

  /** @throws SekishoError SESSION_UNKNOWN */
  async restore(session: string, asked: RestoreAsked): Promise<RestoreOutcome> {
    const { parts } = this.#find(session)
    return restoreItem(asked, parts)
  }

  /** @returns the session's counters. @throws SekishoError SESSION_UNKNOWN */
  async close(session: string): Promise<Record<string, number>> {
    const { counters, recorder, upstreams, meter } = this.#find(session)
    this.#open.delete(session)
    await upstreams.destroy()
    await recorder.settled() // the session's end leaf comes after its outcomes
    const { bytes, requests } = meter.used
    Object.assign(counters, { egressBytes: bytes, egressRequests: requests, requests })
    return counters.toRecord()
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((session) => this.close(session)))
  }

  #find(session: string): Open {
    const open = this.#open.get(session)
    if (open !== undefined) return open
    throw new SekishoError('SESSION_UNKNOWN', `restore ${session} is not open here`)
  }
}

function openRestore(config: GateSession, of: string, parts: GateParts): Open {
  const counters = new Counters()
  const made = makeContext(config, parts, counters)
  const { limits, egressUsed: used, decision, session, credentials } = config
  const meter = new EgressMeter({ limits, used }, (breach) => {
    made.recorder.breach(breach).catch(() => (counters.unavailable += 1))
  })
  const { upstreams, budgets } = makePerformer(config, parts, { ...made, meter })
  // by the newest rules with each action: whoever is struck off stops in the middle
  const rules = (): Decider =>
    operatorRules(parts.policies.current(), decision.uid, () => parts.now())
  const ports: CheckpointPorts = {
    ...made.context.ports,
    recorder: countingRecorder(made.recorder, counters),
    decide: (action) => rules().decide(action),
    current: rules,
  }
  const exchangeParts: RestoreParts['exchangeParts'] = ({ host, placeholders }) => ({
    placeholders: new Placeholders(asInRecipe(credentials, placeholders)),
    upstreams,
    meter: new DestinationMeter(host, meter, budgets),
  })
  const kept = keptSource({ session, of }, parts.keyholder)
  return {
    parts: { kept, ports, exchangeParts },
    counters,
    recorder: made.recorder,
    upstreams,
    meter,
  }
}

/** @throws SekishoError SECRET_MISSING for a credential that the agent has not any more */
function asInRecipe(
  credentials: GateSession['credentials'],
  placeholders: RestoreRecipe['placeholders'],
): GateSession['credentials'] {
  return Object.entries(placeholders).map(([name, placeholder]) => {
    const credential = credentials.find((each) => each.name === name)
    if (credential !== undefined) return { ...credential, placeholder }
    throw new SekishoError('SECRET_MISSING', `the agent has no secret ${name} any more`, {
      hint: 'give the agent file that secret again, for the time of the restore',
    })
  })
}

function keptSource(
  { session, of }: { session: string; of: string },
  link: KeyholderLink,
): KeptSource {
  const content = async (digest: string): Promise<Buffer> => {
    const pieces: Buffer[] = []
    for (let offset = 0; ; ) {
      const { totalBytes, piece } = await link.getContent({ session, of, digest, offset })
      const bytes = Buffer.from(piece, 'base64')
      pieces.push(bytes)
      offset += bytes.length
      if (offset >= totalBytes || bytes.length === 0) return Buffer.concat(pieces)
    }
  }
  return {
    content,
    recipe: async (digest) => {
      const text = (await content(digest)).toString('utf8')
      return RestoreRecipe.parse(parseJson(text))
    },
    nameOf: (bytes) => link.nameContent({ session, of, sha256: `sha256:${hash('sha256', bytes)}` }),
  }
}
