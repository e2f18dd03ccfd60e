import { join } from 'node:path'
import { openDisks } from '../sandbox/disks.ts'
import { createReactor, type Reactor } from '../kernel/reactor.ts'
import { listenForDescriptors } from '../kernel/descriptors.ts'
import { watchTripwires } from '../kernel/fanotify.ts'
import type { SessionEnd, SessionPlan } from '../wire/control.ts'
import { Berths, USUAL_DISK } from './berths.ts'
import { Box } from './box.ts'
import { Children } from './children.ts'
import { Clients, refuseSecondDaemon } from './clients.ts'
import { EndRecords } from './end-records.ts'
import { Guardian } from './guardian.ts'
import { probeHost } from './health.ts'
import { HostIdBlocks } from './identities.ts'
import { Networks } from './networks.ts'
import { Roots } from './images.ts'
import { BOX, type Paths } from './paths.ts'
import type { Platform } from './platform.ts'
import { Session } from './session.ts'
import { SessionTable } from './session-table.ts'
import { openContainment } from './shut-out.ts'
import { readSettings, type Settings } from './settings.ts'
import { usualNeeds } from './stage.ts'
import { StandingSandbox } from './standing-sandbox.ts'
import { SnapshotStore } from './snapshot-store.ts'
import { Snapshots } from './snapshots.ts'
import { prepareDirectories } from './directories.ts'
import { plantTripwires, tripwiresBelow } from './tripwire-files.ts'
import { platformVersion } from './version.ts'

const CHILD_STOP_GRACE_MS = 3000
const SESSIONS_STOP_TIMEOUT_MS = 8000

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
    for (const line of parts.children.healthy) say(`  ok        ${line}`)
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

type Parts = {
  table: SessionTable
  clients: Clients
  ends: EndRecords
  networks: Networks
  berths: Berths
  children: Children
  guardian: Guardian
  box: Box
  reactor: Reactor
  watches: readonly { close(): void }[]
}

async function startParts({ paths, warn }: Options): Promise<Parts> {
  const settings = readSettings(paths.bundle)
  const shutOut = openContainment(paths, () => platform)
  const snapshots = new Snapshots({
    store: new SnapshotStore(paths.state),
    sessions: paths.sessions,
    record: (leaf) => platform.record(leaf),
    now: () => new Date(),
  })
  const hostDegraded = await probeHost()
  const { box, guardian, reactor, table } = await openGround({ paths, warn }, settings.runtime)
  const usual = await box.kind('standard')
  const disks = await openDisks({
    directory: paths.sessions,
    mounts: join(BOX, 'disks'),
    usual: USUAL_DISK,
    warn,
  })
  const clients = new Clients()
  const children = new Children({
    paths,
    settings,
    version: platformVersion(paths.code),
    quarantine: shutOut.quarantine,
    snapshots,
    degraded: [...hostDegraded, ...usual.degraded, ...disks.degraded],
    warn,
    table,
    onSession: (plan, ended) => startSession({ plan, ended, platform, table }),
    onClientGone: (connection) => clients.release(connection),
    onClientsGone: () => clients.releaseAll(),
    guardianPid: () => guardian.pid,
  })
  const networks = new Networks({ gates: children.gates, warn })
  const berths = new Berths({
    disks,
    empty: box.empty,
    raise: (ground, needs) => StandingSandbox.raise(ground, needs, { box, table }),
    forget: (name) => table.endTrials(name),
    usual: (berth) => usualNeeds(berth, usual, box.rootfs),
    networks,
    cgroups: box.cgroups,
    hostIds: new HostIdBlocks(process.pid),
    readyCount: settings.readyBerths,
    warn,
  })
  const watched = watchSandboxes({ box, reactor, table })
  const ends = new EndRecords({ keyholder: () => children.keyholder(), warn })
  const platform: Platform = {
    paths,
    box,
    reactor,
    gates: children.gates,
    berths,
    disks,
    roots: new Roots({ paths, box, plant: plantTripwires }),
    watchRoot: watched.watchRoot,
    clients,
    ends,
    ...shutOut,
    snapshots,
    degraded: () => children.degraded,
    warn,
    keyholder: () => children.keyholder(),
    record: (leaf) => children.keyholder().call('record', { leaf }),
    listenForDescriptors: (path, onReceived) =>
      listenForDescriptors(path, reactor, (_payload, fds) => onReceived(fds)),
  }
  table.onAttempt((session, attempt) => shutOut.containment.attempted(session, attempt))
  await children.start(networks)
  await clients.listen(paths.apiSocket, (client, socket) => children.handClient(client, socket))
  berths.fill()
  return {
    table,
    clients,
    ends,
    networks,
    berths,
    children,
    guardian,
    box,
    reactor,
    watches: watched.watches,
  }
}

/** What stands before any other process is started: this host's side of every session. */
async function openGround(
  { paths, warn }: Pick<Options, 'paths' | 'warn'>,
  runtime: Settings['runtime'],
): Promise<Pick<Parts, 'box' | 'guardian' | 'reactor' | 'table'>> {
  await refuseSecondDaemon(paths.apiSocket) // first: what comes next would tidy its sessions away
  prepareDirectories(paths)
  const box = await Box.open(paths, runtime)
  const guardian = new Guardian({ code: paths.code, cgroupRoots: box.cgroups.roots, report: warn })
  await guardian.start()
  const reactor = createReactor({ onError: (error) => warn(`kernel event: ${String(error)}`) })
  return { box, guardian, reactor, table: new SessionTable(reactor, warn) }
}

/** What the kernel tells of sandboxes without being asked: forbidden calls and tripwires. */
function watchSandboxes(
  parts: Pick<Parts, 'box' | 'reactor' | 'table'>,
): Pick<Parts, 'watches'> & Pick<Platform, 'watchRoot'> {
  const { box, reactor, table } = parts
  const places = new Map(box.tripwires)
  const tripwires = watchTripwires({
    reactor,
    onOpen: ({ path, pid }) => table.takeTripwire(places.get(path) ?? path, pid),
  })
  for (const path of places.keys()) tripwires.add(path)
  const seccomp = listenForDescriptors(box.seccompSocket, reactor, (payload, fds) =>
    table.takeSeccomp(payload, fds),
  )
  const watchRoot = (root: string): (() => void) => {
    const below = tripwiresBelow(root)
    for (const [path, inside] of below) {
      places.set(path, inside)
      tripwires.add(path)
    }
    return () => {
      for (const path of below.keys()) {
        tripwires.remove(path)
        places.delete(path)
      }
    }
  }
  return { watches: [tripwires, seccomp], watchRoot }
}

async function startSession(options: {
  plan: SessionPlan
  ended: (end: SessionEnd) => void
  platform: Platform
  table: SessionTable
}): Promise<number> {
  const { plan, ended, platform, table } = options
  const session = new Session(plan, platform, {
    ended,
    gone: () => {
      table.delete(plan.session)
      platform.berths.fill() // now, and not at the start: the command needed the processor
    },
  })
  table.add(session)
  try {
    return await session.start()
  } catch (thrown) {
    table.delete(plan.session)
    platform.berths.fill()
    throw thrown
  }
}

/** SIGTERM to all at once, then whatever it takes. */
async function endSessions(table: SessionTable): Promise<void> {
  for (const session of table.all()) session.stop('stopped')
  const deadline = AbortSignal.timeout(SESSIONS_STOP_TIMEOUT_MS)
  while (table.all().length > 0 && !deadline.aborted) await table.changed(deadline)
  for (const session of table.all()) session.killNow()
}
