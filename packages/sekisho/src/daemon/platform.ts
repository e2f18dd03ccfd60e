import type { Peer, Protocol } from '../wire/peer.ts'
import type { Reactor } from '../kernel/reactor.ts'
import type { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Disks } from '../sandbox/disks.ts'
import type { Berths } from './berths.ts'
import type { Box } from './box.ts'
import type { Clients } from './clients.ts'
import type { Containment } from './containment.ts'
import type { EndRecords } from './end-records.ts'
import type { Gates } from './gates.ts'
import type { Roots } from './images.ts'
import type { Paths } from './paths.ts'
import type { ApprovedFiles } from './operator-key.ts'
import type { Quarantine } from './quarantine.ts'
import type { Revocation } from './revocation.ts'
import type { Snapshots } from './snapshots.ts'

/** What a session needs of the running platform. */
export type Platform = {
  paths: Paths
  box: Box
  reactor: Reactor
  gates: Gates
  berths: Berths
  disks: Disks
  roots: Roots
  /** watches the tripwires of a root that is a file system of its own; undone before that goes */
  watchRoot: (root: string) => () => void
  clients: Clients
  ends: EndRecords
  quarantine: Quarantine
  containment: Containment
  revocation: Revocation
  snapshots: Snapshots
  /** the bundle in force */
  policy: ApprovedFiles
  degraded(): readonly string[]
  warn: (line: string) => void
  /** @throws SekishoError PEER_UNAVAILABLE while it is down */
  keyholder(): Peer<typeof supervisorToKeyholder, Protocol>
  record(leaf: LeafInput): Promise<unknown>
  /** a unix socket at `path` that takes one message with descriptors */
  listenForDescriptors(path: string, onReceived: (fds: number[]) => void): { close(): void }
}
