import net from 'node:net'
import { createSocketPair } from '../kernel/pipes.ts'
import type { supervisorToControl } from '../wire/control.ts'
import type { supervisorToGate } from '../wire/gate.ts'
import type { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { Peer, Protocol } from '../wire/peer.ts'

type KeyholderPeer = Peer<typeof supervisorToKeyholder, Protocol>
type ControlPeer = Peer<typeof supervisorToControl, Protocol>
type GatePeer = Peer<typeof supervisorToGate, Protocol>
type Warn = (line: string) => void

/** @throws SekishoError when both live and are not linked: then one of them starts anew */
export function linkGateToKeyholder(
  { index: gate, peer }: { index: number; peer: GatePeer },
  keyholder: KeyholderPeer,
  warn: Warn,
): Promise<void> {
  return link(peer, keyholder, {
    first: (handle) => keyholder.call('gate.attach', { gate }, { handle }),
    second: (handle) => peer.call('keyholder.attach', {}, { handle }),
    warn,
  })
}

/** @throws as {@link linkGateToKeyholder} */
export function linkGateToControl(gate: GatePeer, control: ControlPeer, warn: Warn): Promise<void> {
  return link(gate, control, {
    first: (handle) => control.call('gate.attach', {}, { handle }),
    second: (handle) => gate.call('control.attach', {}, { handle }),
    warn,
  })
}

type Attach = (handle: net.Socket) => Promise<unknown>
type Ends = { first: Attach; second: Attach; warn: Warn }

/**
 * Either of the two may die meanwhile: it is linked when it comes up again, and must not take the
 * other along.
 */
async function link(
  one: Pick<GatePeer, 'closed' | 'name'>,
  other: Pick<GatePeer, 'closed' | 'name'>,
  ends: Ends,
): Promise<void> {
  try {
    await handEnds(ends)
  } catch (error) {
    if (!one.closed && !other.closed) throw error
    ends.warn(`${one.name} and ${other.name} are not linked yet: ${String(error)}`)
  }
}

/**
 * The two ends of a socket pair. Who is at the other end needs no check: nobody else ever had these
 * descriptors.
 */
async function handEnds({ first, second }: Ends): Promise<void> {
  const [firstEnd, secondEnd] = createSocketPair()
  const forFirst = unread(firstEnd)
  const forSecond = unread(secondEnd)
  try {
    await first(forFirst)
    await second(forSecond)
  } finally {
    forFirst.destroy()
    forSecond.destroy()
  }
}

/** It stays open until it is taken: what comes before that is for who takes it. */
function unread(fd: number): net.Socket {
  return new net.Socket({ fd, readable: false, writable: true })
}
