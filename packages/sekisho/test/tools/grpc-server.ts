import grpc from '@grpc/grpc-js'
import { decode, encode } from '../../src/gate/testing/grpc-scene.ts'

/** What a service of one string in, one string out looks like on the wire. */
const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
}
const SERVICE = {
  unary: { path: '/tools.Echo/Unary', requestStream: false, responseStream: false, ...codec },
  talk: { path: '/tools.Echo/Talk', requestStream: true, responseStream: true, ...codec },
  hidden: { path: '/tools.Echo/Hidden', requestStream: false, responseStream: false, ...codec },
}

export type GrpcServer = { port: number; heard: string[]; close(): void }

/** Says in capitals what it hears. */
export async function startGrpcServer(certificate: {
  cert: Buffer
  key: Buffer
}): Promise<GrpcServer> {
  const heard: string[] = []
  const loud = (text: string): string => {
    heard.push(text)
    return text.toUpperCase()
  }
  const server = new grpc.Server()
  type Unary = grpc.ServerUnaryCall<string, string>
  const unary = (call: Unary, done: grpc.sendUnaryData<string>): void =>
    done(null, loud(call.request))
  server.addService(SERVICE, {
    unary,
    hidden: unary,
    talk: (call: grpc.ServerDuplexStream<string, string>) => {
      call.on('data', (text: string) => void call.write(loud(text)))
      call.on('end', () => call.end())
    },
  })
  const pair = { private_key: certificate.key, cert_chain: certificate.cert }
  const credentials = grpc.ServerCredentials.createSsl(null, [pair])
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  return { port, heard, close: () => server.forceShutdown() }
}
