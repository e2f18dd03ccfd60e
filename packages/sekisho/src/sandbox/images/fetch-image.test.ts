import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { blobsOf, type TestImages, testImages } from './testing/images.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const BASIC = `Basic ${Buffer.from('user:secret').toString('base64')}`

let images: TestImages
let source: string
let server: https.Server
let asked: { path: string; authorization: string | undefined }[] = []
let isPrivate = false
let served: (path: string) => string | undefined
beforeAll(async () => {
  images = testImages()
  source = images.layout([images.root()])
  makeCertificate()
  const at = (name: string): Buffer => readFileSync(join(images.directory, name))
  server = https.createServer({ key: at('key.pem'), cert: at('ca.pem') }, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  images.remove()
})
beforeEach(() => {
  asked = []
  isPrivate = false
  served = (path) => blobsOf(source).find(({ digest }) => path.endsWith(digest))?.path
})

/** Whom the registry was told that it speaks with; empty names are nobody's. */
const credentials = (): (string | undefined)[] =>
  asked.map(({ authorization }) => authorization).filter((one) => one !== ANYBODY && one)
const ANYBODY = `Basic ${Buffer.from(':').toString('base64')}`

/** Just enough of the distribution-spec: one repository, one tag. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? ''
  const { authorization } = request.headers
  asked.push({ path, authorization })
  if (isPrivate && authorization !== BASIC) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
    return
  }
  if (path === '/v2/') return void response.end('{}')
  const [manifest] = blobsOf(source)
  const file = path.endsWith('/manifests/1') ? manifest?.path : served(path)
  if (file === undefined) return void response.writeHead(404).end()
  if (path.includes('/manifests/')) response.setHeader('content-type', MANIFEST)
  response.end(readFileSync(file))
}

function makeCertificate(): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const out = ['-keyout', 'key.pem', '-out', 'ca.pem', '-days', '2']
  const options = { cwd: images.directory, stdio: 'pipe' as const }
  execFileSync('openssl', ['req', '-x509', ...key, ...names, ...out], options)
}

const port = (): number => {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const pull = (reference: string, authFile: string | null = null): Promise<{ digest: string }> =>
  images.import(`docker://localhost:${port()}/team/builder${reference}`, {
    name: 'pulled',
    authFile,
    environment: { SSL_CERT_FILE: join(images.directory, 'ca.pem') },
  })

test('an image of a registry, by tag and by digest, has the digest of its manifest', async () => {
  const [manifest] = blobsOf(source)
  expect((await pull(':1')).digest).toBe(manifest?.digest)
  expect((await pull(`@${manifest?.digest}`)).digest).toBe(manifest?.digest)
  expect(credentials()).toEqual([])
})

test('a registry that serves another image under the digest that was asked for is refused', async () => {
  const other = images.layout([images.root('echo other > etc/other')])
  const wanted = blobsOf(other)[0]?.digest ?? ''
  served = (path) =>
    path.includes('/manifests/')
      ? blobsOf(source)[0]?.path
      : blobsOf(source).find(({ digest }) => path.endsWith(digest))?.path
  await expect(pull(`@${wanted}`)).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(images.store.has(wanted)).toBe(false)
})

test('a registry that serves other bytes for a layer is refused', async () => {
  const spoilt = join(images.directory, 'spoilt')
  writeFileSync(spoilt, 'spoilt')
  images.store.remove('pulled')
  const layer = blobsOf(source)[2]?.digest ?? ''
  served = (path) =>
    path.endsWith(layer)
      ? spoilt
      : blobsOf(source).find(({ digest }) => path.endsWith(digest))?.path
  await expect(pull(':1')).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(images.store.list()).toEqual([])
})

test('a private registry is asked as anybody, unless a file of credentials is named', async () => {
  isPrivate = true
  await expect(pull(':1')).rejects.toMatchObject({ code: 'ROOTFS_INVALID' })
  expect(credentials()).toEqual([])
  const authFile = join(images.directory, 'auth.json')
  const auth = BASIC.slice('Basic '.length)
  writeFileSync(authFile, JSON.stringify({ auths: { [`localhost:${port()}`]: { auth } } }), {
    mode: 0o600,
  })
  expect((await pull(':1', authFile)).digest).toBe(blobsOf(source)[0]?.digest)
})

test('a server that nobody vouches for is refused', async () => {
  const reference = `docker://localhost:${port()}/team/builder:1`
  await expect(images.import(reference)).rejects.toThrow(/certificate|x509/)
  expect(asked).toEqual([])
})
