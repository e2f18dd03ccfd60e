import net from 'node:net'
import { createSocketPair } from '../kernel/pipes.ts'
import type { supervisorToGate } from '../wire/gate.ts'
import type { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { Peer, Protocol } from '../wire/peer.ts'

type KeyholderPeer = Peer<typeof supervisorToKeyholder, Protocol>
type GatePeer = Peer<typeof supervisorToGate, Protocol>

/**
 * Gives a gate and the keyholder the two ends of a socket pair. Who is at the other end needs no
 * check: nobody else ever had these descriptors.
 */
export async function linkGateToKeyholder(gate: GatePeer, keyholder: KeyholderPeer): Promise<void> {
  const [gateEnd, keyholderEnd] = createSocketPair()
  const forGate = new net.Socket({ fd: gateEnd, readable: true, writable: true })
  const forKeyholder = new net.Socket({ fd: keyholderEnd, readable: true, writable: true })
  forGate.pause()
  forKeyholder.pause()
  try {
    await keyholder.call('gate.attach', {}, { handle: forKeyholder })
    await gate.call('keyholder.attach', {}, { handle: forGate })
  } finally {
    forGate.destroy()
    forKeyholder.destroy()
  }
}
