import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { post } from '../client/post.ts'
import { formatRequest, MAX_REQUEST_BYTES } from '../request.ts'
import { TestLog } from '../testing/test-log.ts'
import { TestWitness } from '../testing/test-witness.ts'
import { type Listening, listen, type Timeouts } from './listen.ts'

const IMPATIENT: Timeouts = {
  headersTimeout: 100,
  requestTimeout: 200,
  keepAliveTimeout: 100,
  connectionsCheckingInterval: 20,
}

async function impatient(witness: TestWitness): Promise<Listening> {
  const at = { path: join(witness.dir, 'socket') }
  return listen({ at, witness: witness.witness, alarm: () => undefined, timeouts: IMPATIENT })
}

/** What a peer gets that sends exactly this and waits until it is hung up on. */
async function raw(witness: TestWitness, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(join(witness.dir, 'socket'))
  let got = ''
  socket.on('data', (bytes: Buffer) => {
    got += bytes.toString('utf8')
  })
  socket.on('error', () => undefined) // a reset is an end as well
  for (const piece of pieces) socket.write(piece)
  await once(socket, 'close')
  return got.split('\r\n')[0] ?? ''
}

const head = (length: number): string =>
  `POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: ${length}\r\n\r\n`

test('64 rivals at a time for one size: one is cosigned, and the log never has two', async () => {
  using witness = new TestWitness()
  const log = TestLog.named('log.example/a').grow('one')
  witness.watch(log)
  const listening = await witness.listen()
  const rivals = Array.from({ length: 64 }, (_, n) => log.fork().grow(`rival ${n}`))
  const answers = await Promise.all(
    rivals.map((rival) => post(listening.url, formatRequest(rival.request(0)))),
  )
  await listening.close()
  const winners = rivals.filter((_, n) => answers[n]?.kind === 'lines')
  expect(winners).toHaveLength(1)
  expect(witness.store.newest('log.example/a')?.root).toEqual(winners[0]?.root())
  expect(witness.store.log('log.example/a')).toMatchObject({ cosigned: 1, forks: 1 })
})

test('64 of the same log at a time are all answered, and what is kept only grows', async () => {
  using witness = new TestWitness()
  const log = TestLog.named('log.example/a').grow(...Array.from({ length: 64 }, (_, n) => `${n}`))
  witness.watch(log)
  const listening = await witness.listen()
  const sizes = Array.from({ length: 64 }, (_, n) => n + 1)
  const answers = await Promise.all(
    sizes.map((size) => post(listening.url, formatRequest(log.request(0, size)))),
  )
  await listening.close()
  expect(answers.filter(({ kind }) => kind === 'lines')).toHaveLength(1)
  expect(answers.filter(({ kind }) => kind === 'size')).toHaveLength(63)
})

test('a giant request is refused at its bound, whether it says how long it is or not', async () => {
  using witness = new TestWitness()
  const listening = await impatient(witness)
  const spy = vi.spyOn(witness.witness, 'addCheckpoint')
  const giant = Buffer.alloc(MAX_REQUEST_BYTES + 1, 'a')
  expect(await raw(witness, head(giant.length), giant)).toBe('HTTP/1.1 413 Payload Too Large')
  const chunked = 'POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ntransfer-encoding: chunked\r\n\r\n'
  const size = giant.length.toString(16)
  expect(await raw(witness, chunked, `${size}\r\n`, giant)).toBe('HTTP/1.1 413 Payload Too Large')
  expect(await raw(witness, `POST / HTTP/1.1\r\nx: ${'a'.repeat(9000)}\r\n\r\n`)).toBe(
    'HTTP/1.1 431 Request Header Fields Too Large',
  )
  await listening.close()
  expect(spy).not.toHaveBeenCalled()
})

test('a slow request is hung up on, in its head and in its body', async () => {
  using witness = new TestWitness()
  const listening = await impatient(witness)
  const spy = vi.spyOn(witness.witness, 'addCheckpoint')
  expect(await raw(witness, 'POST /add-checkpoint HTTP/1.1\r\nhost:')).toBe(
    'HTTP/1.1 408 Request Timeout',
  )
  expect(await raw(witness, head(1000), 'old 1\n')).toBe('HTTP/1.1 408 Request Timeout')
  expect(await raw(witness, '')).toBe('HTTP/1.1 408 Request Timeout')
  await listening.close()
  expect(spy).not.toHaveBeenCalled()
})

test.each([
  ['GET /add-checkpoint', 'HTTP/1.1 405 Method Not Allowed'],
  [`POST /${'a'.repeat(64)}/checkpoint`, 'HTTP/1.1 405 Method Not Allowed'],
  ['GET /', 'HTTP/1.1 404 Not Found'],
  ['GET /../checkpoint', 'HTTP/1.1 404 Not Found'],
  [`GET /w1/${'a'.repeat(64)}/checkpoint`, 'HTTP/1.1 404 Not Found'],
])('%s is answered', async (line, status) => {
  using witness = new TestWitness()
  const listening = await impatient(witness)
  expect(await raw(witness, `${line} HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n`)).toBe(
    status,
  )
  await listening.close()
})

test('a certificate makes it TLS', async () => {
  using witness = new TestWitness()
  const log = TestLog.named('log.example/a').grow('one')
  witness.watch(log)
  const [cert, key] = [join(witness.dir, 'cert.pem'), join(witness.dir, 'key.pem')]
  const ec = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1'
  const name = '-subj /CN=localhost -addext subjectAltName=DNS:localhost'
  const args = `req -x509 ${ec} ${name}`.split(' ')
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  const at = { host: '127.0.0.1', port: 0 }
  const listening = await listen({ at, witness: witness.witness, tls, alarm: () => undefined })
  expect(listening.url).toMatch(/^https:/)
  const { port } = new URL(listening.url)
  const request = requestHttps({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: tls.cert,
    method: 'POST',
    path: '/add-checkpoint',
  })
  request.end(log.body(0))
  const [response] = await once(request, 'response')
  expect(response.statusCode).toBe(200)
  response.resume()
  // nobody else's certificate is taken for it
  expect(await post(listening.url, formatRequest(log.request(0)))).toMatchObject({
    kind: 'unreachable',
    reason: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
  await listening.close()
})
