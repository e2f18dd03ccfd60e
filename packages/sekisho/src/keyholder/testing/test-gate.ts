import { createPublicKey, generateKeyPairSync, type KeyObject, randomInt, sign } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { joinForSigning } from '@sekisho/verify'
import { socketPair } from '../../gate/testing/socket-pair.ts'
import { canonicalJson } from '../../core/canonical-json.ts'
import { claimBytes, gateKeyBytes, type KeySignature, rotationBytes } from '../../wire/identity.ts'
import {
  gateToKeyholder,
  keyholderToGate,
  type keyholderToSupervisor,
  type supervisorToKeyholder,
} from '../../wire/keyholder.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { errorFromWire, Peer } from '../../wire/peer.ts'
import type { WireError } from '../../wire/tell.ts'
import { socketTransport } from '../../wire/transport.ts'
import { keyIdOf } from '../../x509/certificate.ts'
import type { GateService } from '../gate-service.ts'

type Supervisor = Peer<typeof supervisorToKeyholder, typeof keyholderToSupervisor>

/** Speaks to a keyholder as a gate does: with a key of its own, numbering its records. */
export class TestGate {
  readonly peer: Peer<typeof gateToKeyholder, typeof keyholderToGate>
  readonly revoked: string[] = []
  readonly key: KeyObject
  readonly spki: string
  seq = 0

  static async attach(
    supervisor: Supervisor,
    stateDir: string,
    { gate = 0, key }: { gate?: number; key?: KeyObject } = {},
  ): Promise<TestGate> {
    const own = new TestGate(await connectGate(supervisor, stateDir, gate), key)
    await own.identify()
    return own
  }

  /** At a keyholder in this process. */
  static async at(
    gates: Pick<GateService, 'attach'>,
    { gate = 0, key }: { gate?: number; key?: KeyObject } = {},
  ): Promise<TestGate> {
    const [ours, theirs] = await socketPair()
    gates.attach(gate, theirs)
    const own = new TestGate(ours, key)
    await own.identify()
    return own
  }

  constructor(socket: Duplex, key?: KeyObject) {
    this.key = key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    this.spki = createPublicKey(this.key).export({ format: 'der', type: 'spki' }).toString('base64')
    this.peer = new Peer('keyholder', socketTransport(socket), {
      out: gateToKeyholder,
      in: keyholderToGate,
      handlers: {
        'session.revoked': ({ session }) => {
          this.revoked.push(session)
          return {}
        },
      },
    })
  }

  get keyId(): string {
    return keyIdOf(Buffer.from(this.spki, 'base64'))
  }

  /** @param before the gate whose key this one's follows */
  identify(before?: TestGate): Promise<{ id: string; certificate: string; renewAt: number }> {
    const proof = signed(this.key, gateKeyBytes(this.spki))
    const asked = { spki: this.spki, proof, endorsed: before?.endorse(this.keyId) ?? null }
    return (before ?? this).peer.call('identify', asked)
  }

  endorse(after: string): KeySignature {
    return { by: this.keyId, value: signed(this.key, rotationBytes(this.keyId, after)) }
  }

  /** What actions came to is told; a number is the next one unless it is given. */
  async record(
    leaf: LeafInput,
    credentials: string[] = [],
    seq = ++this.seq,
  ): Promise<{ index: number; credentials: Record<string, string> }> {
    if (leaf.type !== 'action.outcome' && leaf.type !== 'llm.call') {
      return this.peer.call('record', { leaf, credentials, seq })
    }
    const [told] = await this.tell([leaf], undefined, seq)
    if (typeof told !== 'number') throw errorFromWire('keyholder', told)
    return { index: told, credentials: {} }
  }

  /** Under this gate's own signature unless another is given. */
  async tell(
    leaves: LeafInput[],
    claim: KeySignature | null = this.claim(...leaves),
    seq = ++this.seq,
  ): Promise<(number | WireError)[]> {
    return (await this.peer.call('tell', { leaves, claim, seq })).told
  }

  /** Over the outcomes among them. */
  claim(...leaves: LeafInput[]): KeySignature {
    const outcomes = leaves.filter(({ type }) => type === 'action.outcome')
    const texts = outcomes.map((leaf) => claimBytes(canonicalJson(leaf)))
    const [first = Buffer.alloc(0), ...more] = texts
    const message = more.length === 0 ? first : joinForSigning(texts).message
    return { by: this.keyId, value: signed(this.key, message) }
  }
}

/** A connected pair of unix sockets, one end handed to the keyholder. */
export async function connectGate(
  supervisor: Supervisor,
  stateDir: string,
  gate = 0,
): Promise<Socket> {
  const server = createServer({ pauseOnConnect: true })
  const path = join(stateDir, `gate-${randomInt(2 ** 32)}.sock`)
  server.listen(path)
  await once(server, 'listening')
  const ours = connect(path)
  const [theirs]: Socket[] = await once(server, 'connection')
  try {
    await supervisor.call('gate.attach', { gate }, { handle: theirs })
  } finally {
    theirs?.destroy() // the keyholder has its own
    server.close()
  }
  return ours
}

function signed(key: KeyObject, bytes: Buffer): string {
  return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64')
}
