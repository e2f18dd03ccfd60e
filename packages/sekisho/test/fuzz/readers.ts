import { DETECTORS } from '../../src/detect/egress/all.ts'
import { compileDetectors } from '../../src/detect/egress/engine.ts'
import { ViewedScan } from '../../src/detect/egress/views/viewed-scan.ts'
import { NpmMetadata } from '../../src/detect/packages/npm-metadata.ts'
import { NpmTarball } from '../../src/detect/packages/npm-tarball.ts'
import { PypiMetadata } from '../../src/detect/packages/pypi-metadata.ts'
import { readClientHello } from '../../src/gate/client-hello.ts'
import { readQuery } from '../../src/gate/dns-message.ts'
import { readHead } from '../../src/gate/http-head.ts'
import { FrameBudget, FrameReader as Http2FrameReader } from '../../src/gate/http2-frames.ts'
import { readHttp2Head } from '../../src/gate/http2-head.ts'
import { BodyReading } from '../../src/gate/inspection/body-reading.ts'
import { describePacket } from '../../src/gate/packet.ts'
import { protobufLeaves } from '../../src/gate/protobuf-leaves.ts'
import { FrameError, FrameReader } from '../../src/gate/websocket/frames.ts'
import { UrlExtractor } from '../../src/policy/provenance/extract-urls.ts'
import { readTemplate } from '../../src/policy/provenance/templates.ts'
import { frameReader } from '../../src/wire/transport.ts'
import { BOUNDARY, bodyBytes, CODINGS, codedBytes } from './body-grammar.ts'
import { dnsBytes, frameBytes, packetBytes } from './datagram-grammar.ts'
import { packumentBytes, projectBytes, tarBytes } from './document-grammar.ts'
import { http2Bytes, protobufBytes, webSocketBytes } from './frame-grammar.ts'
import { helloBytes } from './hello-grammar.ts'
import { connectionBytes } from './http-grammar.ts'
import { HttpReader } from './http-reader.ts'
import { linkFamily } from './families/link.ts'
import { fieldsText, rawFields } from './http2-grammar.ts'
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
  { name: 'h2', generate: http2FieldBytes, read: readHttp2 },
  { name: 'h2-frames', generate: http2Bytes, read: readHttp2Frames },
  { name: 'ws', generate: webSocketBytes, read: readWebSocket },
  { name: 'protobuf', generate: protobufBytes, read: readProtobuf },
  { name: 'detect', generate: bodyBytes, read: (bytes) => scan(bytes, 'text/plain') },
  { name: 'json', generate: bodyBytes, read: (bytes) => scan(bytes, 'application/json') },
  {
    name: 'form',
    generate: bodyBytes,
    read: (bytes) => scan(bytes, 'application/x-www-form-urlencoded'),
  },
  {
    name: 'multipart',
    generate: bodyBytes,
    read: (bytes) => scan(bytes, `multipart/form-data; boundary=${BOUNDARY}`),
  },
  { name: 'links', generate: documentBytes, read: readLinks },
  {
    name: 'templates',
    generate: templateBytes,
    read: (bytes) => ('value' in readTemplate(bytes.toString('latin1')) ? 'read' : 'refused'),
  },
  { name: 'coded-body', generate: codedBytes, read: readCoded },
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

const detectors = compileDetectors(DETECTORS)

/** Everything that is looked for in a body, in every view of it; the same however it is cut. */
function scan(bytes: Buffer, contentType: string): string {
  const half = bytes.length >> 1
  const found = scanPieces([bytes], contentType)
  const again = scanPieces([bytes.subarray(0, half), bytes.subarray(half)], contentType)
  if (found.join() !== again.join())
    throw new Error(`whole: ${found.join()}; in two: ${again.join()}`)
  return found.length === 0 ? 'nothing' : 'findings'
}

function scanPieces(pieces: readonly Buffer[], contentType: string): string[] {
  const viewed = new ViewedScan(contentType, () => detectors.scan())
  const findings = [...pieces.flatMap((piece) => [...viewed.push(piece)]), ...viewed.end()]
  return findings
    .map(({ detector, start, end, view }) => `${detector} ${start}-${end} ${view ?? ''}`)
    .sort()
}

/** Links in what surrounds them in HTML, Markdown and JSON. */
function documentBytes(random: Random): Buffer {
  const link = (): string => {
    const url = linkFamily.generate(random)
    return random.pick([
      `<a href="${url}">`,
      `[x](${url})`,
      `"${url}",`,
      ` ${url} `,
      `url(${url})`,
      `<base href='${url}'>`,
      `\n[a]: ${url}\n`,
      url.replaceAll('/', '\\/'),
    ])
  }
  return Buffer.from(random.some(link, 0, 6))
}

/** The same links however the document is cut. */
function readLinks(bytes: Buffer): string {
  const half = bytes.length >> 1
  const whole = linksIn([bytes])
  const again = linksIn([bytes.subarray(0, half), bytes.subarray(half)])
  if (whole.join() !== again.join())
    throw new Error(`whole: ${whole.join()}; in two: ${again.join()}`)
  return whole.length === 0 ? 'none' : 'links'
}

function linksIn(pieces: readonly Buffer[]): string[] {
  const extractor = new UrlExtractor(`https://${GOOD}/page`)
  return [...pieces.flatMap((piece) => [...extractor.push(piece)]), ...extractor.end()]
}

function templateBytes(random: Random): Buffer {
  const part = (): string =>
    random.pick([
      '/a',
      '/{id}',
      '{id:int}',
      '?q={text}',
      '*',
      '/**',
      '{',
      '}',
      '{id:',
      `https://${GOOD}`,
      ':443',
      '//',
      '%2e',
      '&x={x}',
    ])
  return Buffer.from(`${random.once(2) ? `https://${GOOD}` : ''}${random.some(part, 0, 6)}`)
}

async function readCoded(bytes: Buffer): Promise<string> {
  const coding = CODINGS[bytes[0] ?? 0] ?? 'unknown'
  let seen = 0
  const reading = new BodyReading(coding, (piece) => (seen += piece.length), 64 * 1024)
  await reading.write(bytes.subarray(1))
  await reading.end()
  const { problem } = reading
  reading.destroy()
  return problem?.rules.join() ?? (seen === 0 ? 'empty' : 'read')
}

function http2FieldBytes(random: Random): Buffer {
  return Buffer.from(fieldsText(random), 'latin1')
}

function readHttp2(bytes: Buffer): string {
  const raw = rawFields(bytes.toString('latin1'))
  return readHttp2Head({ raw, isWhole: true }, { scheme: 'https', host: GOOD, port: 443 }).head.kind
}

function readHttp2Frames(bytes: Buffer): string {
  const budget = new FrameBudget(() => 0)
  let verdict = 'no frame'
  const reader = new Http2FrameReader({ hasPreface: true }, (frame) => {
    verdict = budget.incoming(frame) ? 'frames' : 'refused'
  })
  for (let at = 0; at < bytes.length; at += 100) reader.push(bytes.subarray(at, at + 100))
  return verdict
}

function readWebSocket(bytes: Buffer): string {
  const reader = new FrameReader('client', 64 * 1024)
  try {
    let messages = 0
    for (let at = 0; at < bytes.length; at += 50)
      messages += reader.push(bytes.subarray(at, at + 50)).length
    return messages === 0 ? 'more' : 'messages'
  } catch (thrown) {
    if (thrown instanceof FrameError) return 'refused'
    throw thrown
  }
}

function readProtobuf(bytes: Buffer): string {
  return protobufLeaves(bytes).length === 0 ? 'none' : 'leaves'
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
