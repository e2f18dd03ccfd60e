import { gzipSync, brotliCompressSync, zstdCompressSync, deflateSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { canaryPrints } from '../../detect/egress/canaries/canary-prints.ts'
import { makeCanary } from '../../detect/egress/canaries/make-canary.ts'
import { makeSecretPrints } from '../../detect/egress/secret-prints/make-secret-prints.ts'
import type { SecretPrints, SecretPrintSet } from '../../wire/secret-prints.ts'
import { talk } from '../testing/rig.ts'
import {
  get,
  HOST,
  head,
  NOTHING_LEAKED,
  rule,
  Scene,
  type SceneOptions,
} from '../testing/scene.ts'

let scene: Scene
afterEach(() => scene.close())

const KEY = Buffer.alloc(32, 7)
const CANARY = makeCanary(Buffer.from(Array.from({ length: 128 }, (_, index) => index * 7)))
const PLANTED = CANARY.tokens[0]?.value ?? ''
const REAL = 'correct-horse-battery-staple-42'
const PRINTS: SecretPrintSet = {
  key: KEY.toString('base64'),
  secrets: [...canaryPrints(CANARY, KEY), ...printsOf('deploy', REAL)],
}
/** made up, and only whole when it runs */
const TOKEN = ['glpat', '-A1b2C3d4E5f6G7h8J9k0'].join('')

function printsOf(name: string, value: string): SecretPrints[] {
  const made = makeSecretPrints(name, value, KEY)
  return made.kind === 'made' ? [made.prints] : []
}

async function start(options: SceneOptions = {}): Promise<Scene> {
  scene = await Scene.start({ prints: PRINTS, ...options })
  return scene
}

function post(body: string | Buffer, ...fields: string[]): Buffer {
  const bytes = Buffer.from(body)
  const length = `Content-Length: ${bytes.length}`
  return Buffer.concat([Buffer.from(head('POST /x', `Host: ${HOST}`, length, ...fields)), bytes])
}

const ZEROS = Buffer.alloc(64 * 1024 * 1024)
const FORM = 'Content-Type: multipart/form-data; boundary=xyz'
const multipart = (file: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('--xyz\r\nContent-Disposition: form-data; name="f"; filename="f.gz"\r\n\r\n'),
    file,
    Buffer.from('\r\n--xyz--\r\n'),
  ])
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test.for([
  ['as it is', post(`key=${PLANTED}`)],
  ['in base64', post(base64(`some text before ${PLANTED} and after it`))],
  ['in hexadecimal of base64', post(Buffer.from(base64(`x ${PLANTED} y`)).toString('hex'))],
  ['escaped in JSON', post(JSON.stringify({ a: PLANTED }).replace(/A/g, '\\u0041'))],
  ['in a gzip body', post(gzipSync(PLANTED), 'Content-Encoding: gzip')],
  ['in a brotli body', post(brotliCompressSync(PLANTED), 'Content-Encoding: br')],
  ['in a zstd body', post(zstdCompressSync(PLANTED), 'Content-Encoding: zstd')],
  ['in a gzip file', post(gzipSync(PLANTED))],
  ['in a zstd file, in base64', post(zstdCompressSync(base64(`x ${PLANTED} y`)))],
  ['in a gzip file of a form', post(multipart(gzipSync(PLANTED)), FORM)],
  ['in gzip in gzip', post(gzipSync(gzipSync(`x ${PLANTED}`)))],
  ['in gzip behind another byte', post(Buffer.concat([Buffer.from('x'), gzipSync(PLANTED)]))],
  ['in a deflate body', post(deflateSync(PLANTED), 'Content-Encoding: deflate')],
  ['in the path', Buffer.from(get(`/a/${PLANTED}/b`))],
  ['in the query, in base64', Buffer.from(get(`/a?q=${base64(`the key ${PLANTED}`)}`))],
  ['in a header', Buffer.from(get('/a', `X-Trace: ${PLANTED}`))],
  ['in a cookie', Buffer.from(get('/a', `Cookie: a=1; b=${encodeURIComponent(PLANTED)}`))],
] as const)('a canary %s: denied, recorded, alarmed, no byte outside', async ([, bytes]) => {
  const { rig } = await start()
  expect(await rig.send(HOST, bytes)).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.canary.aws-access-key-id'])
  await rig.keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'alert'))
  expect(rig.keyholder.leaves.find(({ type }) => type === 'alert')).toMatchObject({
    severity: 'high',
    rule: 'detect.canary.aws-access-key-id',
    about: rig.keyholder.intents().at(-1)?.id,
  })
  expect(JSON.stringify(rig.keyholder.leaves)).not.toContain(PLANTED)
})

test('a secret of the platform in a chunked body, cut in two, is known by its prints', async () => {
  const { rig } = await start()
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
  const upload = head('POST /x', `Host: ${HOST}`, 'Transfer-Encoding: chunked')
  const socket = await rig.dialTls(HOST)
  const reply = await talk(socket, [
    upload,
    chunk(`x${REAL.slice(0, 9)}`),
    chunk(REAL.slice(9)),
    '0\r\n\r\n',
  ])
  expect(reply).toMatch(/^HTTP\/1\.1 403 /)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.platform.deploy'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a canary in a URL that no rule allows raises its alarm, and stands in no log', async () => {
  const { rig } = await start({ rules: [rule({ paths: ['/open/**'] })] })
  expect(await rig.send(HOST, get(`/closed/${PLANTED}`))).toMatch(/^HTTP\/1\.1 403 /)
  await rig.keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'alert'))
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    action: { path: `/closed/${'*'.repeat(PLANTED.length)}` },
    verdict: { kind: 'deny', rules: ['default'] },
    findings: expect.arrayContaining([
      { detector: 'canary.aws-access-key-id', place: 'url', count: 1, did: 'denied' },
    ]),
  })
  expect(JSON.stringify(rig.keyholder.leaves)).not.toContain(PLANTED)
})

test('no rule and no file weakens what is done about a canary', async () => {
  const treatments = { canary: 'record', 'canary.*': 'record' } as const
  const { rig } = await start({
    rules: [rule({ options: { treatments } })],
    egress: { inspection: { maxBodyBytes: 1e6, treatments } },
  })
  expect(await rig.send(HOST, post(PLANTED))).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('where a rule says redact, stars leave in its place, and the length stays true', async () => {
  const { rig } = await start({
    rules: [rule({ options: { treatments: { 'secret-format': 'redact' } } })],
  })
  const body = `{"before":1,"token":"${TOKEN}","after":"${TOKEN}"}`
  expect(await rig.send(HOST, post(body))).toMatch(/^HTTP\/1\.1 200 /)
  expect(scene.canary.requests.map((request) => request.body)).toEqual([
    body.replaceAll(TOKEN, '*'.repeat(TOKEN.length)),
  ])
  expect(rig.keyholder.intents().at(-1)?.findings).toEqual([
    { detector: 'secret.gitlab-pat', place: 'body', count: 2, did: 'redacted' },
  ])
})

test('a body with more to cover than is told of does not leave: the last would as it is', async () => {
  const { rig } = await start({
    rules: [rule({ options: { treatments: { 'secret-format': 'redact' } } })],
  })
  const body = Array.from({ length: 1_100 }, () => TOKEN).join(' ')
  expect(await rig.send(HOST, post(body))).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.secret.gitlab-pat'])
})

test('stars leave also in a body of which the rest passes unseen', async () => {
  const treatments = { 'secret-format': 'redact' } as const
  const options = { treatments, maxBodyBytes: 1_024, uninspected: true }
  const { rig } = await start({ rules: [rule({ options })] })
  const rest = '-'.repeat(8_000)
  expect(await rig.send(HOST, post(`${TOKEN}${rest}`))).toMatch(/^HTTP\/1\.1 200 /)
  expect(scene.canary.requests.map((request) => request.body)).toEqual([
    `${'*'.repeat(TOKEN.length)}${rest}`,
  ])
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    findings: [{ detector: 'secret.gitlab-pat', place: 'body', count: 1, did: 'redacted' }],
    uninspected: 'the body after 1024 bytes, until it had left',
  })
})

test.for([
  ['an encoding', post(gzipSync(TOKEN), 'Content-Encoding: gzip')],
  ['base64', post(base64(`before ${TOKEN} after, and more`))],
  ['a URL', Buffer.from(get(`/x?t=${TOKEN}`))],
  ['a header', Buffer.from(get('/x', `X-T: ${TOKEN}`))],
] as const)('what is to be redacted inside %s cannot be, so it is denied', async ([, bytes]) => {
  const { rig } = await start({
    rules: [rule({ options: { treatments: { 'secret-format': 'redact' } } })],
  })
  expect(await rig.send(HOST, bytes)).toMatch(/^HTTP\/1\.1 403 /)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.secret.gitlab-pat'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(JSON.stringify(rig.keyholder.leaves)).not.toContain(TOKEN)
})

test('a bomb in a file is denied like one that says so', async () => {
  const { rig } = await start()
  expect(await rig.send(HOST, post(gzipSync(ZEROS)))).toMatch(/^HTTP\/1\.1 403 /)
  expect(rig.keyholder.deniedBy()).toEqual(['invariant.body-bomb'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('bytes that only begin like a compressed file leave as they are', async () => {
  await start()
  const body = Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(100, 7)])
  expect(await scene.rig.send(HOST, post(body))).toMatch(/^HTTP\/1\.1 200 /)
})

/** As git writes it: one blob, compressed by itself. */
function pushOf(text: string): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\x01')
  const object = Buffer.concat([Buffer.from([0xb0 | (text.length & 15), text.length >> 4])])
  return Buffer.concat([Buffer.from('0000'), head, object, deflateSync(text), Buffer.alloc(20)])
}
const PUSH = 'Content-Type: application/x-git-receive-pack-request'

test.for([
  ['in an object of a push', pushOf(`some text, ${PLANTED}, and more of it`)],
  ['in base64 in an object of a push', pushOf(base64(`${PLANTED} and more of it, and more`))],
] as const)('a canary %s: denied, recorded, no byte outside', async ([, body]) => {
  const { rig } = await start()
  expect(await rig.send(HOST, post(body, PUSH))).toMatch(/^HTTP\/1\.1 403 /)
  expect(rig.keyholder.deniedBy()).toEqual(['detect.canary.aws-access-key-id'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test('a push that cannot be read is denied, one that can is passed on as it is', async () => {
  const { rig } = await start()
  const broken = Buffer.concat([pushOf('x').subarray(0, 20), Buffer.alloc(60, 7)])
  expect(await rig.send(HOST, post(broken, PUSH))).toMatch(/^HTTP\/1\.1 403 /)
  expect(rig.keyholder.deniedBy()).toEqual(['invariant.body-encoding'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  const whole = pushOf('what everybody may read')
  expect(await rig.send(HOST, post(whole, PUSH))).toMatch(/^HTTP\/1\.1 200 /)
  expect(scene.canary.requests.map(({ body }) => body)).toEqual([whole.toString('latin1')])
})

test('what is only to be recorded leaves, and the leaf counts it', async () => {
  const { rig } = await start()
  const body = 'write to someone@somewhere.org and nobody@nowhere.net'
  expect(await rig.send(HOST, post(body))).toMatch(/^HTTP\/1\.1 200 /)
  expect(rig.keyholder.intents().at(-1)?.findings).toEqual([
    { detector: 'pii.email', place: 'body', count: 2, did: 'recorded' },
  ])
})

test('what wants an approval is denied while nobody can be asked', async () => {
  const treatments = { 'personal-data': 'hold' } as const
  const { rig } = await start({ egress: { inspection: { maxBodyBytes: 1e6, treatments } } })
  expect(await rig.send(HOST, post('someone@somewhere.org'))).toMatch(/^HTTP\/1\.1 403 /)
  expect(rig.keyholder.intents().at(-1)).toMatchObject({
    verdict: { kind: 'deny', rules: ['detect.pii.email'] },
    findings: [{ detector: 'pii.email', did: 'held' }],
  })
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

test.for([
  ['a bomb', gzipSync(ZEROS), 'gzip', /^invariant\.body-(?:bomb|encoding)$/],
  ['an unknown coding', Buffer.from('x'), 'rot13', /^invariant\.body-encoding$/],
  ['two codings', gzipSync(gzipSync('x')), 'gzip, gzip', /^invariant\.body-encoding$/],
  ['what it is not', Buffer.from('plain'), 'gzip', /^invariant\.body-encoding$/],
  [
    'a stream that is cut off',
    gzipSync('hello hello').subarray(0, 15),
    'gzip',
    /^invariant\.body-encoding$/,
  ],
  [
    'more behind its end',
    Buffer.concat([gzipSync('x'), Buffer.from('garbage')]),
    'gzip',
    /^invariant\.body-encoding$/,
  ],
] as const)('a body encoded as %s is denied, recorded, and does not leave', async (row) => {
  const [, body, coding, by] = row
  const { rig } = await start()
  expect(await rig.send(HOST, post(body, `Content-Encoding: ${coding}`))).toMatch(
    /^HTTP\/1\.1 403 /,
  )
  expect(rig.keyholder.deniedBy()).toEqual([expect.stringMatching(by)])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
