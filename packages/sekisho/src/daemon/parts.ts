import { join } from 'node:path'
import { listenForDescriptors } from '../kernel/descriptors.ts'
import { type NetworkThread, openNetworkThread } from '../kernel/network-thread.ts'
import { createReactor, type Reactor } from '../kernel/reactor.ts'
import { type Disks, openDisks } from '../sandbox/disks.ts'
import type { SessionEnd, SessionPlan } from '../wire/control.ts'
import { Berths, USUAL_DISK } from './berths.ts'
import { Box, type SandboxKind } from './box.ts'
import { Children } from './children.ts'
import { Clients, refuseSecondDaemon } from './clients.ts'
import { prepareDirectories } from './directories.ts'
import { EndRecords } from './end-records.ts'
import { probeExecMonitor } from './exec-probe.ts'
import { Guardian } from './guardian.ts'
import { probeHost } from './health.ts'
import { HostIdBlocks, IS_ROOTLESS } from './identities.ts'
import { Roots } from './images.ts'
import { Networks } from './networks.ts'
import { BOX, type Paths, writePidFile } from './paths.ts'
import type { Platform } from './platform.ts'
import { watchSandboxes } from './sandbox-watch.ts'
import { Revocation, type RevocationOthers } from './revocation.ts'
import { runRestore } from './restore-session.ts'
import { Session } from './session.ts'
import { SessionTable } from './session-table.ts'
import { readSettings, type Settings } from './settings.ts'
import { openContainment } from './shut-out.ts'
import { SnapshotStore } from './snapshot-store.ts'
import { Snapshots } from './snapshots.ts'
import { usualNeeds } from './stage.ts'
import { StandingSandbox } from './standing-sandbox.ts'
import { plantTripwires } from './tripwire-files.ts'
import { platformVersion } from './version.ts'

type Options = { paths: Paths; warn: (line: string) => void }

/** The running platform, as its supervisor takes it down again. */
export type Parts = {
  table: SessionTable
  clients: Clients
  ends: EndRecords
  networks: Networks
  berths: Berths
  children: Children
  guardian: Guardian
  box: Box
  reactor: Reactor
  watches: readonly { close(): unknown }[]
}

/** This host's side of every session: what stands before any other process is started. */
type Ground = Pick<Parts, 'box' | 'guardian' | 'reactor' | 'table'> & {
  usual: SandboxKind
  disks: Disks
  hostDegraded: readonly string[]
  /** of a supervisor that could not come back from a session's network itself */
  thread: NetworkThread | undefined
}

/** Wires the platform and starts it. @throws SekishoError naming what is missing on this host */
export async function startParts(options: Options): Promise<Parts> {
  const settings = readSettings(options.paths.bundle)
  const own = openOwn(options.paths, () => platform, {
    control: () => children.control(),
    stop: (session, text) => ground.table.get(session)?.stop('stopped', text),
  })
  const ground = await openGround(options, settings)
  const { box, guardian, reactor, table } = ground
  const clients = new Clients()
  const children = makeChildren({ options, settings, ground, own, clients }, () => platform)
  const networks = makeNetworks(children, ground, options)
  const berths = makeBerths({ options, settings, ground, networks })
  const { watches, watchRoot } = watchSandboxes(ground)
  const threads = ground.thread === undefined ? [] : [ground.thread]
  const ends = new EndRecords({ keyholder: () => children.keyholder(), warn: options.warn })
  const platform: Platform = {
    ...own,
    paths: options.paths,
    warn: options.warn,
    box,
    reactor,
    disks: ground.disks,
    gates: children.gates,
    berths,
    clients,
    ends,
    watchRoot,
    roots: new Roots({ paths: options.paths, box, plant: plantTripwires }),
    policy: children.policy.installer,
    degraded: () => children.degraded,
    keyholder: () => children.keyholder(),
    record: (leaf) => children.keyholder().call('record', { leaf }),
    listenForDescriptors: (path, onReceived) =>
      listenForDescriptors(path, reactor, (_payload, fds) => onReceived(fds)),
  }
  table.onAttempt((session, attempt) => own.containment.attempted(session, attempt))
  await children.start(networks)
  if (IS_ROOTLESS) writePidFile(options.paths) // before: clients look for it first
  await clients.listen(options.paths.apiSocket, (client, socket) =>
    children.handClient(client, socket),
  )
  berths.fill()
  const running = { table, clients, ends, networks, berths, children, guardian, box, reactor }
  return { ...running, watches: [...watches, ...threads] }
}

function makeNetworks(
  { gates }: Pick<Children, 'gates'>,
  { thread }: Pick<Ground, 'thread'>,
  { warn }: Pick<Options, 'warn'>,
): Networks {
  return new Networks({
    gates,
    warn,
    ...(thread && { create: () => thread.create(), count: (fd: number) => thread.count(fd) }),
  })
}

type Own = Pick<Platform, 'quarantine' | 'containment' | 'snapshots' | 'revocation'>

/** What outlives sessions and is written to the log. */
function openOwn(paths: Paths, platform: () => Platform, others: RevocationOthers): Own {
  const snapshots = new Snapshots({
    store: new SnapshotStore(paths.state),
    sessions: paths.sessions,
    record: (leaf) => platform().record(leaf),
    now: () => new Date(),
  })
  const shutOut = openContainment(paths, platform)
  const revocation = new Revocation({
    ...others,
    containment: shutOut.containment,
    keyholder: () => platform().keyholder(),
    record: (leaf) => platform().record(leaf),
    killGate: (gate) => platform().gates.kill(gate),
    listFile: paths.crl,
    warn: (line) => platform().warn(line),
  })
  return { ...shutOut, snapshots, revocation }
}

async function openGround({ paths, warn }: Options, settings: Settings): Promise<Ground> {
  const thread = IS_ROOTLESS ? await openNetworkThread() : undefined
  const hostDegraded = await probeHost(thread)
  await refuseSecondDaemon(paths.apiSocket) // first: what comes next would tidy its sessions away
  prepareDirectories(paths)
  const box = await Box.open(paths, settings.runtime)
  const guardian = new Guardian({ code: paths.code, cgroupRoots: box.cgroups.roots, report: warn })
  await guardian.start()
  const reactor = createReactor({ onError: (error) => warn(`kernel event: ${String(error)}`) })
  const usual = await box.kind('standard')
  const disks = await openDisks({
    directory: paths.sessions,
    mounts: join(BOX, 'disks'),
    usual: USUAL_DISK,
    warn,
  })
  const table = new SessionTable(reactor, warn)
  return { box, guardian, reactor, table, usual, disks, hostDegraded, thread }
}

type Making = { options: Options; settings: Settings; ground: Ground }

function makeChildren(
  parts: Making & { own: Own; clients: Clients },
  platform: () => Platform,
): Children {
  const { options, settings, ground, own, clients } = parts
  const { box, table, guardian, usual, disks, hostDegraded } = ground
  return new Children({
    paths: options.paths,
    warn: options.warn,
    settings,
    table,
    version: platformVersion(options.paths.code),
    quarantine: own.quarantine,
    snapshots: own.snapshots,
    revocation: own.revocation,
    degraded: [
      ...hostDegraded,
      ...box.cgroups.degraded,
      ...usual.degraded,
      ...disks.degraded,
      ...(box.tellsOpens ? probeExecMonitor(ground.reactor) : []),
    ],
    onSession: (plan, ended) => startSession({ plan, ended, platform: platform(), table }),
    onRestore: (plan) => runRestore(plan, platform()),
    onClientGone: (connection) => clients.release(connection),
    onClientsGone: () => clients.releaseAll(),
    guardianPid: () => guardian.pid,
  })
}

function makeBerths({
  options,
  settings,
  ground,
  networks,
}: Making & { networks: Networks }): Berths {
  const { box, table, usual, disks } = ground
  return new Berths({
    networks,
    disks,
    empty: box.empty,
    cgroups: box.cgroups,
    warn: options.warn,
    hostIds: new HostIdBlocks(process.pid),
    readyCount: settings.readyBerths,
    raise: (place, needs) => StandingSandbox.raise(place, needs, { box, table }),
    forget: (name) => table.endTrials(name),
    usual: (berth) => usualNeeds(berth, usual, box.rootfs),
  })
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
