import grpc from '@grpc/grpc-js'
import type { EgressPlan } from '../../wire/egress.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import { makeIdentity, makeTestCa } from './certificates.ts'
import { Rig } from './rig.ts'
import { HOST, rule } from './scene.ts'

const OUTSIDE = makeTestCa()
const IDENTITY = makeIdentity(OUTSIDE, HOST)

/** A message with one string, field 1, as protobuf writes it. */
export function encode(text: string | Buffer): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const length: number[] = []
  for (let rest = bytes.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest)
      break
    }
    length.push((rest % 128) + 128)
  }
  return Buffer.concat([Buffer.from([0x0a, ...length]), bytes])
}

export function decode(message: Buffer): string {
  let at = 1
  while ((message[at] ?? 0) >= 0x80) at += 1
  return message.subarray(at + 1).toString()
}

const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
}
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/sekisho.Echo/${name}`,
  requestStream,
  responseStream,
  ...codec,
})
const SERVICE = {
  unary: method('Unary', false, false),
  gather: method('Gather', true, false),
  spread: method('Spread', false, true),
  talk: method('Talk', true, true),
}

export class GrpcServer {
  readonly heard: string[] = []
  /** calls that ended before they were through */
  cancelled = 0
  readonly port: number
  readonly caPem = OUTSIDE.pem
  readonly #server: grpc.Server

  static async start(): Promise<GrpcServer> {
    const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 })
    const pair = { private_key: Buffer.from(IDENTITY.key), cert_chain: Buffer.from(IDENTITY.cert) }
    const credentials = grpc.ServerCredentials.createSsl(null, [pair])
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
        if (error === null) resolve(bound)
        else reject(error)
      }),
    )
    return new GrpcServer(server, port)
  }

  private constructor(server: grpc.Server, port: number) {
    this.#server = server
    this.port = port
    server.addService(SERVICE, {
      unary: (call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>) =>
        this.#unary(call, done),
      gather: (
        call: grpc.ServerReadableStream<string, string>,
        done: grpc.sendUnaryData<string>,
      ) => {
        const all: string[] = []
        call.on('data', (text: string) => all.push(this.#hear(text)))
        call.on('end', () => done(null, all.join(',')))
      },
      spread: (call: grpc.ServerWritableStream<string, string>) => {
        for (const part of this.#hear(call.request).split(',')) call.write(part)
        call.end()
      },
      talk: (call: grpc.ServerDuplexStream<string, string>) => {
        call.sendMetadata(new grpc.Metadata())
        call.on('cancelled', () => (this.cancelled += 1))
        call.on('data', (text: string) => void call.write(this.#hear(text).toUpperCase()))
        call.on('end', () => call.end())
      },
    })
  }

  close(): void {
    this.#server.forceShutdown()
  }

  #hear(text: string): string {
    this.heard.push(text)
    return text
  }

  #unary(call: grpc.ServerUnaryCall<string, string>, done: grpc.sendUnaryData<string>): void {
    const text = this.#hear(call.request)
    if (text === 'wait') return void call.on('cancelled', () => (this.cancelled += 1))
    if (text === 'fail') return done({ code: grpc.status.NOT_FOUND, details: 'no such thing' })
    const trailer = new grpc.Metadata()
    trailer.set('x-length', String(text.length))
    done(null, text.toUpperCase(), trailer)
  }
}

export type GrpcSceneOptions = {
  rules?: PolicyRule[]
  egress?: Partial<EgressPlan>
  channel?: grpc.ChannelOptions
  /** of an upstream in place of the scene's own server */
  upstreamPort?: number
  upstreamCaPem?: string
}

/** A gRPC client, a gate, and a gRPC server behind it. */
export class GrpcScene {
  readonly rig: Rig
  readonly server: GrpcServer
  readonly client: grpc.Client

  static async start(options: GrpcSceneOptions = {}): Promise<GrpcScene> {
    const server = await GrpcServer.start()
    const rig = await Rig.start({
      rules: options.rules ?? [rule()],
      upstreams: [
        {
          host: HOST,
          port: 443,
          address: '127.0.0.1',
          dialPort: options.upstreamPort ?? server.port,
          caPem: options.upstreamCaPem ?? OUTSIDE.pem,
        },
      ],
      ...(options.egress === undefined ? {} : { egress: options.egress }),
    })
    const { host, port } = await rig.whereIs(HOST, 443)
    const credentials = grpc.ChannelCredentials.createSsl(Buffer.from(rig.keyholder.ca.pem))
    const client = new grpc.Client(`${host}:${port}`, credentials, {
      'grpc.ssl_target_name_override': HOST,
      'grpc.default_authority': HOST,
      'grpc.max_receive_message_length': -1,
      ...options.channel,
    })
    return new GrpcScene(rig, server, client)
  }

  private constructor(rig: Rig, server: GrpcServer, client: grpc.Client) {
    this.rig = rig
    this.server = server
    this.client = client
  }

  async close(): Promise<void> {
    this.client.close()
    await this.rig.close()
    this.server.close()
  }

  /** @throws ServiceError */
  unary(
    text: string,
    options: grpc.CallOptions = {},
  ): Promise<{ message: string; trailer: string }> {
    return new Promise((resolve, reject) => {
      let trailer = ''
      const call = this.client.makeUnaryRequest(
        SERVICE.unary.path,
        encode,
        decode,
        text,
        new grpc.Metadata(),
        options,
        (error, message = '') => {
          if (error === null) setImmediate(() => resolve({ message, trailer }))
          else reject(error)
        },
      )
      call.on('status', ({ metadata }) => (trailer = String(metadata.get('x-length')[0] ?? '')))
    })
  }

  gather(texts: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = this.client.makeClientStreamRequest(
        SERVICE.gather.path,
        encode,
        decode,
        (error, message = '') => {
          if (error === null) resolve(message)
          else reject(error)
        },
      )
      for (const text of texts) call.write(text)
      call.end()
    })
  }

  spread(text: string): grpc.ClientReadableStream<string> {
    return this.client.makeServerStreamRequest(SERVICE.spread.path, encode, decode, text)
  }

  talk(): grpc.ClientDuplexStream<string, string> {
    return this.client.makeBidiStreamRequest(SERVICE.talk.path, encode, decode)
  }
}
