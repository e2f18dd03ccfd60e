import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { keyholderToSupervisor, supervisorToKeyholder } from '../wire/keyholder.ts'
import { type Handlers, Peer, type Transport } from '../wire/peer.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { ContentStore } from './blobs/content-store.ts'
import { KeptContents } from './blobs/kept-contents.ts'
import { GateService } from './gate-service.ts'
import { Identities } from './identity/identities.ts'
import { IdentityService } from './identity/identity-service.ts'
import { isFact, Keyholder } from './keyholder.ts'
import { Keys } from './keys.ts'
import { openLog } from './log/open-log.ts'
import { loadMasterKey } from './master-key.ts'
import { MandateUses } from './approvals/mandate-uses.ts'
import { RecordingStore } from './recordings/recording-store.ts'
import { Recordings } from './recordings/recordings.ts'
import { violation } from './session.ts'

/** The key is a file, readable by whoever becomes the keyholder's user: no hardware keeps it. */
const DEGRADED = ['software-key']

export type KeyholderOptions = {
  stateDir: string
  now: () => Date
  supervisor: Transport
  /** where the root of identities is: the master key's, or another process's; derived if absent */
  root?: 'derived' | 'external'
  /** of that root; absent: a name of this keyholder's own */
  trustDomain?: string | undefined
}

/**
 * The keyholder: keys, session authorities, secrets and the log, for one supervisor and the gates
 * that it attaches. Everything it keeps is below `stateDir`, which no other process may write.
 *
 * @throws SekishoError DAEMON_RUNNING, LOG_BROKEN, LOG_UNWRITABLE or CONFIG_INVALID: then it does
 * not serve at all
 */
export async function serveKeyholder(
  options: KeyholderOptions,
): Promise<{ stop(): Promise<void> }> {
  const { stateDir, now, root = 'derived', trustDomain } = options
  const keys = new Keys(loadMasterKey(join(stateDir, 'keys')))
  const log = await openLog({
    dir: join(stateDir, 'log'),
    signer: keys.logSigner(),
    postQuantum: keys.postQuantumSigner(),
    now,
  })
  const identities = await Identities.open({ stateDir, keys, log, now, root, trustDomain })
  await identities.recordAuthority() // before anything is signed by it
  const uses = new MandateUses(join(stateDir, 'mandate-uses.sqlite'), now())
  const supervisor = (): SupervisorPeer => peer
  const keyholder = new Keyholder({
    log,
    keys,
    now,
    uses,
    identities,
    tellConflict: (conflict) => {
      supervisor().call('identity.conflict', conflict).catch(report)
    },
  })
  const kept = openKept({ stateDir, keys, keyholder, now })
  const gates = new GateService({
    keyholder,
    ...kept,
    tellCanary: (hit) => {
      supervisor().call('canary.hit', hit).catch(report)
    },
  })
  const service = new Service({ keyholder, ...kept, gates })
  const peer: SupervisorPeer = new Peer('supervisor', options.supervisor, {
    out: keyholderToSupervisor,
    in: supervisorToKeyholder,
    handlers: service.supervisorHandlers(),
  })
  return { stop: () => service.stop() }
}

/** What sessions leave here, beside the log. */
function openKept(of: { stateDir: string; keys: Keys; keyholder: Keyholder; now: () => Date }): {
  contents: KeptContents
  recordings: Recordings
} {
  const { stateDir, keys, keyholder } = of
  const now = (): number => of.now().getTime()
  const parts = {
    running: (id: string) => keyholder.sessions.present(id),
    append: (leaf: LeafInput) => keyholder.log.append(leaf),
    now,
  }
  const contents = new ContentStore({ dir: join(stateDir, 'contents'), keys, now })
  const recordings = new RecordingStore({ dir: join(stateDir, 'recordings'), keys, now })
  return {
    contents: new KeptContents({ store: contents, ...parts }),
    recordings: new Recordings({ store: recordings, ...parts }),
  }
}

type SupervisorPeer = Peer<typeof keyholderToSupervisor, typeof supervisorToKeyholder>

type ServiceParts = {
  keyholder: Keyholder
  contents: KeptContents
  recordings: Recordings
  gates: GateService
}

class Service {
  readonly #keyholder: Keyholder
  readonly #contents: KeptContents
  readonly #recordings: Recordings
  readonly #gates: GateService
  readonly #identity: IdentityService
  #stopped: Promise<void> | undefined

  constructor({ keyholder, contents, recordings, gates }: ServiceParts) {
    this.#keyholder = keyholder
    this.#contents = contents
    this.#recordings = recordings
    this.#gates = gates
    this.#identity = new IdentityService({ keyholder, gates, report })
    this.#identity.workRegularly()
  }

  /** What is queued is written and answered; then the gates are let go. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#contents.stop()
    this.#recordings.stop()
    this.#identity.stop()
    await this.#keyholder.shut()
    await nextTurn() // the answers of the last batch leave first
    this.#gates.closeAll()
  }

  supervisorHandlers(): Handlers<typeof supervisorToKeyholder> {
    const keyholder = this.#keyholder
    return {
      'session.open': ({ session, ...opening }) => keyholder.open(session, opening),
      'session.close': async ({ session, leaf }) => {
        this.#contents.forget(session)
        const index = await keyholder.close(session, leaf)
        await this.#recordings.forget(session)
        return { index }
      },
      record: async ({ leaf }) => ({ index: await this.#recordForSupervisor(leaf) }),
      'content.put': async (piece) => ({ digest: await this.#contents.put(piece) }),
      'content.get': (asked) => this.#contents.read(asked),
      'session.releases': ({ session }) => keyholder.sessions.present(session).released.all,
      'recording.get': (asked) => this.#recordings.read(asked),
      'recording.erase': (asked) => this.#recordings.erase(asked),
      'policy.set': async (policy) => {
        const { recordingDays, ...rest } = policy
        await keyholder.approvals.setPolicy(rest)
        if (recordingDays !== undefined) this.#recordings.keepFor(recordingDays)
        return {}
      },
      'approval.answer': (signed) => keyholder.approvals.answer(signed),
      'gate.attach': ({ gate }, handle) => {
        if (this.#stopped !== undefined) {
          throw new SekishoError('PEER_UNAVAILABLE', 'the keyholder is stopping')
        }
        this.#gates.attach(gate, handle)
        return {}
      },
      ...this.#identity.handlers(),
      status: () => ({
        logSize: keyholder.log.size,
        logKey: keyholder.log.vkey,
        degraded: DEGRADED,
        sessions: keyholder.sessions.size,
        policy: keyholder.approvals.policyDigest,
      }),
      stop: async () => {
        await this.stop()
        return {}
      },
    }
  }

  async #recordForSupervisor(leaf: LeafInput): Promise<number> {
    if (isFact(leaf)) return this.#keyholder.recordFact(leaf)
    if (isOthers(leaf)) throw violation(`${leaf.type} is not the supervisor’s to record`)
    switch (leaf.type) {
      case 'platform.start':
        this.#contents.sweepRegularly()
        this.#recordings.sweepRegularly()
        return this.#keyholder.recordPlatform(leaf)
      case 'platform.stop':
      case 'gap':
        return this.#keyholder.recordPlatform(leaf)
      case 'action.intent':
        return (await this.#keyholder.recordIntent(leaf, [])).index
      case 'action.outcome':
        return this.#keyholder.recordOutcome(leaf)
      case 'session.state':
        return this.#keyholder.recordOfSession(leaf)
    }
  }
}

/** Written with what they tell of, or by a gate. */
const OTHERS = [
  'session.start',
  'session.end',
  'action.held',
  'action.preimage',
  'approval.answer',
  'approval.ended',
  'content.removed',
  'llm.call',
  'recording.removed',
  'identity.authority',
  'identity.issued',
  'identity.revoked',
  'identity.conflict',
] as const

function isOthers(leaf: LeafInput): leaf is Extract<LeafInput, { type: (typeof OTHERS)[number] }> {
  return OTHERS.some((type) => type === leaf.type)
}

function report(error: unknown): void {
  process.stderr.write(`keyholder: ${String(error)}\n`)
}
