import { NpmMetadata } from '../../src/detect/packages/npm-metadata.ts'
import { NpmTarball } from '../../src/detect/packages/npm-tarball.ts'
import { PypiMetadata } from '../../src/detect/packages/pypi-metadata.ts'
import { readClientHello } from '../../src/gate/client-hello.ts'
import { readQuery } from '../../src/gate/dns-message.ts'
import { readHead } from '../../src/gate/http-head.ts'
import { describePacket } from '../../src/gate/packet.ts'
import { frameReader } from '../../src/wire/transport.ts'
import { dnsBytes, frameBytes, packetBytes } from './datagram-grammar.ts'
import { packumentBytes, projectBytes, tarBytes } from './document-grammar.ts'
import { helloBytes } from './hello-grammar.ts'
import { connectionBytes } from './http-grammar.ts'
import { HttpReader } from './http-reader.ts'
import { mutateBytes } from './mutate.ts'
import type { Random } from './random.ts'
import { GOOD } from './spellings.ts'

/** Something of ours that reads bytes which an agent, or the world, has written. */
export type Reader = {
  name: string
  /** bytes that it takes, as often as not; noise and mutations are added to them */
  generate(random: Random): Buffer
  /** Its one verdict, in a word. Throwing is a crash. */
  read(bytes: Buffer): string | Promise<string>
}

const llhttp = new HttpReader()

/** Every reader at the edge. A new one is a line here. */
export const READERS: readonly Reader[] = [
  { name: 'hello', generate: helloBytes, read: (bytes) => readClientHello(bytes).kind },
  { name: 'dns', generate: dnsBytes, read: (bytes) => readQuery(bytes).kind },
  { name: 'packet', generate: packetBytes, read: (bytes) => describePacket(bytes).transport },
  { name: 'http', generate: httpBytes, read: readHttp },
  { name: 'frames', generate: frameBytes, read: readFrames },
  { name: 'packument', generate: packumentBytes, read: readPackument },
  { name: 'pypi-page', generate: projectBytes, read: readProject },
  { name: 'tarball', generate: tarBytes, read: readTarball },
]

/** A third as it is, a third bent, the rest noise of some length. */
export function inputFor(reader: Reader, random: Random): Buffer {
  const kind = random.below(8)
  if (kind === 0) return random.bytes(random.below(random.pick([8, 64, 600])))
  const good = reader.generate(random)
  return kind < 3 ? good : mutateBytes(random, good)
}

function httpBytes(random: Random): Buffer {
  return Buffer.from(connectionBytes(random), 'latin1')
}

/** The verdict on the first request, as the gate ends the connection with the first that it refuses. */
async function readHttp(bytes: Buffer): Promise<string> {
  const { requests, error } = await llhttp.read(bytes)
  const [first] = requests
  if (first === undefined) return error ?? 'nothing'
  return readHead(first, { scheme: 'https', host: GOOD, port: 443 }).kind
}

function readFrames(bytes: Buffer): string {
  let verdict = 'more'
  const read = frameReader(
    () => (verdict = 'frame'),
    () => (verdict = 'failed'),
  )
  for (let at = 0; at < bytes.length; at += 100) read(bytes.subarray(at, at + 100))
  return verdict
}

function readPackument(bytes: Buffer): string {
  return factsOf(new NpmMetadata('left-pad', 1_000), bytes)
}

function readProject(bytes: Buffer): string {
  return factsOf(new PypiMetadata('left-pad', 1_000), bytes)
}

function factsOf(metadata: NpmMetadata | PypiMetadata, bytes: Buffer): string {
  metadata.push(bytes.subarray(0, bytes.length >> 1))
  metadata.push(bytes.subarray(bytes.length >> 1))
  return metadata.end()?.status ?? 'unreadable'
}

function readTarball(bytes: Buffer): string {
  const tarball = new NpmTarball()
  tarball.push(bytes.subarray(0, bytes.length >> 1))
  tarball.push(bytes.subarray(bytes.length >> 1))
  return tarball.end().kind
}
