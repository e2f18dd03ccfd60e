import { rmSync } from 'node:fs'
import { type Parts, startParts } from './parts.ts'
import type { Paths } from './paths.ts'
import type { SessionTable } from './session-table.ts'

const CHILD_STOP_GRACE_MS = 3000
const SESSIONS_STOP_TIMEOUT_MS = 8000
/** Where a change has to be proven to narrow, its proof takes up to 10 s. */
const FIRST_POLICY_TIMEOUT_MS = 15_000

type Options = { paths: Paths; say: (line: string) => void; warn: (line: string) => void }

/**
 * The root of the process tree: the only one with privilege, and the one that reads nothing an
 * agent or the network wrote. It makes namespaces, mounts, cgroups and sockets, hands them to the
 * processes that use them, and takes everything down again.
 */
export class Supervisor {
  readonly #options: Options
  #parts: Parts | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** Resolves when clients are served. @throws SekishoError naming what is missing on this host */
  async start(): Promise<void> {
    const { paths, say } = this.#options
    const startedAtMs = performance.now()
    const parts = await startParts(this.#options)
    this.#parts = parts
    const refusal = await parts.children.policy.first.describeRefusal(
      paths.bundle,
      FIRST_POLICY_TIMEOUT_MS,
    )
    for (const line of parts.children.healthy) say(`  ok        ${line}`)
    for (const line of refusal) say(line)
    for (const line of parts.children.degraded) say(`  degraded  ${line}`)
    const took = ((performance.now() - startedAtMs) / 1000).toFixed(1)
    say(`ready in ${took} s at ${paths.apiSocket}`)
    say('next: npx sekisho drill        (attacks from inside a session, and what stops each)')
    say('      npx sekisho run -- bash  (a shell in a session of its own)')
  }

  /** Sessions first, then children, the log last; nothing is left. */
  async stop(reason: string): Promise<void> {
    const parts = this.#parts
    if (parts === undefined) return
    this.#options.say(`stopping: ${reason}`)
    parts.clients.close()
    rmSync(this.#options.paths.supervisorPid, { force: true })
    await endSessions(parts.table)
    await parts.ends.settle()
    await parts.children.recordStop(reason)
    await parts.berths.closeAll()
    await parts.networks.closeAll()
    await parts.children.stop(CHILD_STOP_GRACE_MS)
    for (const watch of parts.watches) watch.close()
    parts.reactor.close()
    parts.box.close()
    await parts.guardian.stop()
  }
}

/** SIGTERM to all at once, then whatever it takes. */
async function endSessions(table: SessionTable): Promise<void> {
  for (const session of table.all()) session.stop('stopped')
  const deadline = AbortSignal.timeout(SESSIONS_STOP_TIMEOUT_MS)
  while (table.all().length > 0 && !deadline.aborted) await table.changed(deadline)
  for (const session of table.all()) session.killNow()
}
