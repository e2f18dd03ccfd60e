import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { within } from '../kernel/deadline.ts'
import { DISK_FILE } from '../sandbox/disk-image.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Containment as ContainmentPolicy } from '../wire/sandbox.ts'
import type { Attendant, LiveSession } from './attendants/attendant.ts'
import { EvidenceFolder } from './evidence.ts'
import { listChanges } from './evidence-changes.ts'
import { pictureProcesses } from './evidence-processes.ts'
import { type Quarantine, setLeaf } from './quarantine.ts'

/**
 * What a sandbox did that no program needs: a refused system call, an opened tripwire, a canary
 * carried away; or somebody who spoke for it and was not it.
 */
export type Attempt = {
  kind: 'syscall' | 'tripwire' | 'identity' | 'canary'
  /** the call with what tells its kind, or the path */
  what: string
  /** names by which an agent file can tolerate it */
  names: readonly string[]
  pid: number
  /** as the process calls itself */
  command: string
  args: readonly string[]
  /** `performance.now()` when the kernel told of it */
  atMs: number
}

export type ContainmentOptions = {
  quarantine: Pick<Quarantine, 'refuse' | 'inForce' | 'set'>
  /** directories of the state */
  evidence: string
  sessions: string
  logSize: () => Promise<number>
  now: () => Date
  warn: (line: string) => void
  /** told of each session that is contained, at once; never throws */
  contained: (session: string, attempt: Attempt) => void
}

type Watched = { live: LiveSession; containing: Promise<void> | undefined; tolerated: number }

/** Freeze and process table together leave time for the kill within one second. */
const FREEZE_TIMEOUT_MS = 400
const PROCESSES_TIMEOUT_MS = 300
/** After the kill: what changed no longer changes. */
const CHANGES = { maxFiles: 20_000, maxBytes: 256 * 1024 * 1024, timeoutMs: 2000 } as const
const SCRATCH = { maxFiles: 5000, maxBytes: 64 * 1024 * 1024, timeoutMs: 1000 } as const
const STEP_TIMEOUT_MS = 3000

/**
 * Ends what tries to escape: freezes the whole session, keeps evidence, kills it, and shuts its
 * agent and image out until two operators let them in again. Other sessions of that agent are
 * stopped too: they run what is now in doubt.
 */
export class Containment {
  readonly #options: ContainmentOptions
  readonly #watched = new Map<string, Watched>()

  constructor(options: ContainmentOptions) {
    this.#options = options
  }

  /** @throws SekishoError QUARANTINED when its agent was shut out while it started */
  attend(live: LiveSession): Attendant {
    const error = this.#options.quarantine.refuse(live.plan)
    if (error !== undefined) throw error
    const { session } = live.plan
    const watched: Watched = { live, containing: undefined, tolerated: 0 }
    this.#watched.set(session, watched)
    return {
      end: async () => {
        await watched.containing
        this.#watched.delete(session)
        return { 'containment.tolerated': watched.tolerated }
      },
    }
  }

  /**
   * Called when the attempt's denial is on its way into the log and before it is answered. When
   * this returns, the session has been told to stop where it is: not one more instruction of it
   * runs in user mode, whatever the answer.
   *
   * @returns whether it is contained, by this attempt or one before
   */
  attempted(session: string, attempt: Attempt): boolean {
    const watched = this.#watched.get(session)
    if (watched === undefined) return false
    if (watched.containing !== undefined) return true
    if (!isEscape(attempt, watched.live.plan.containment)) {
      watched.tolerated += 1
      return false
    }
    const frozen = watched.live.cgroup.freeze()
    frozen.catch(() => undefined) // looked at below; an earlier failure must not leave it loose
    this.#options.contained(session, attempt)
    watched.containing = this.#contain(watched.live, attempt, frozen).catch((error: unknown) => {
      watched.live.cgroup.kill() // whatever failed, nothing of it goes on
      this.#options.warn(`containment of ${session}: ${String(error)}`)
    })
    return true
  }

  async #contain(live: LiveSession, attempt: Attempt, freezing: Promise<void>): Promise<void> {
    const { session, agent } = live.plan
    const { quarantine, now, evidence } = this.#options
    const at = now().toISOString()
    const folder = new EvidenceFolder(evidence, `${session}-${at.replaceAll(/[^0-9TZ]/g, '')}`)
    const { entry, isNew } = quarantine.set(live.plan, {
      session,
      reason: `${reasonOf(attempt)} in session ${session}`,
      evidence: folder.name,
    })
    this.#stopOthers(session, entry.id)
    await folder.attempt('evidence directory', STEP_TIMEOUT_MS, () => folder.make())
    const isFrozen = await isStopped(freezing)
    const frozenAfterMs = Math.round(performance.now() - attempt.atMs)
    const table = await folder.attempt('process table', PROCESSES_TIMEOUT_MS * 2, () =>
      pictureProcesses({
        procsFile: live.cgroup.processesFile,
        first: [attempt.pid, live.initPid],
        isFrozen,
        timeoutMs: PROCESSES_TIMEOUT_MS,
      }),
    )
    live.stop('contained', {
      message: `${reasonOf(attempt)}, which is how escapes begin: it is contained, and its agent in quarantine`,
      hint: `look with \`sekisho quarantine show ${entry.id}\``,
    })
    live.cgroup.kill()
    if (isNew) await this.#record(live, setLeaf(entry))
    const range = { firstLeaf: live.firstLeaf, lastLeaf: await this.#lastLeaf(folder) }
    await this.#keep(live, folder, {
      'trigger.json': { ...attempt, at, frozenAfterMs, agent },
      'plan.json': withoutSecrets(live.plan),
      'processes.json': table ?? null,
      'log.json': range,
    })
    await this.#record(live, {
      type: 'session.contained',
      session,
      trigger: { kind: attempt.kind, what: attempt.what, pid: attempt.pid },
      evidence: {
        name: folder.name,
        digest: await folder.seal({ session, at, quarantine: entry.id }),
        processes: table?.processes.length ?? 0,
        ...range,
        failures: folder.failures,
      },
      quarantine: entry.id,
      frozenAfterMs,
    })
  }

  async #keep(
    live: LiveSession,
    folder: EvidenceFolder,
    files: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    for (const [name, value] of Object.entries(files)) {
      await folder.attempt(name, STEP_TIMEOUT_MS, () => folder.write(name, value))
    }
    const { changes, scratch } = live.places
    const image = join(this.#options.sessions, live.plan.session, DISK_FILE)
    const hasImage = existsSync(image)
    if (hasImage)
      await folder.attempt(DISK_FILE, STEP_TIMEOUT_MS, () => folder.keep(DISK_FILE, image))
    await folder.attempt('changes.json', STEP_TIMEOUT_MS, async () => {
      const keepIn = hasImage ? null : join(folder.directory, 'changes')
      await folder.write('changes.json', await listChanges(changes, CHANGES, keepIn))
    })
    // what lives in memory is gone with the session: /tmp is where payloads are put together
    await folder.attempt('scratch.json', STEP_TIMEOUT_MS, async () => {
      const keepIn = join(folder.directory, 'scratch')
      await folder.write('scratch.json', await listChanges(scratch, SCRATCH, keepIn))
    })
  }

  #stopOthers(session: string, id: string): void {
    for (const { live } of this.#watched.values()) {
      if (live.plan.session === session) continue
      if (this.#options.quarantine.inForce(live.plan) === undefined) continue
      live.cgroup.freeze().catch(() => undefined) // it is killed next, and hears no signal before
      live.stop('contained', {
        message: `session ${session} of its agent tried to escape: the agent is in quarantine`,
        hint: `look with \`sekisho quarantine show ${id}\``,
      })
      live.cgroup.kill()
    }
  }

  /** The newest leaf: the denial is durable by then, since the keyholder answers in order. */
  async #lastLeaf(folder: EvidenceFolder): Promise<number | null> {
    const size = await folder.attempt('log range', STEP_TIMEOUT_MS, () => this.#options.logSize())
    return size === undefined ? null : size - 1
  }

  /** A log that cannot be written stops no containment. */
  async #record(live: LiveSession, leaf: LeafInput): Promise<void> {
    try {
      await live.record(leaf)
    } catch (error) {
      this.#options.warn(`${leaf.type} of ${live.plan.session} is not in the log: ${String(error)}`)
    }
  }
}

function isEscape({ kind, names }: Attempt, policy: ContainmentPolicy): boolean {
  const { onEscape, onCanary, tolerated } = policy
  if (kind === 'identity') return true // no program can want it, and no agent file say so
  if (kind === 'canary') return onCanary === 'contain'
  return onEscape === 'contain' && !names.some((name) => tolerated.includes(name))
}

function reasonOf({ kind, what }: Attempt): string {
  switch (kind) {
    case 'syscall':
      return `it called ${what}`
    case 'tripwire':
      return `it opened ${what}`
    case 'identity':
      return `its identity was in conflict (${what})`
    case 'canary':
      return `it carried a canary (${what})`
  }
}

async function isStopped(freezing: Promise<void>): Promise<boolean> {
  try {
    await within(FREEZE_TIMEOUT_MS, 'the freeze', freezing)
    return true
  } catch {
    return false // it is killed all the same; the process table says so
  }
}

/** Secrets are references in a plan; what an agent file puts into variables may be one too. */
function withoutSecrets(plan: SessionPlan): Record<string, unknown> {
  return {
    ...plan,
    secrets: plan.secrets.map(({ binding }) => ({ binding })),
    environment: Object.keys(plan.environment),
  }
}
