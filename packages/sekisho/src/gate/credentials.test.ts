import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Canary } from './testing/canary.ts'
import { talk } from './testing/rig.ts'
import {
  CREDENTIAL,
  get,
  HOST,
  head,
  NOTHING_LEAKED,
  OTHER,
  PLACEHOLDER,
  REAL,
  rule,
  Scene,
  type SceneOptions,
  STREAMING_RULES,
} from './testing/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start({ credentials: [CREDENTIAL] })
})
afterEach(() => scene.close())

const AUTH = `Authorization: Bearer ${PLACEHOLDER}`
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

function header(canary: Canary, name: string): (string | undefined)[] {
  const raw = canary.requests.at(-1)?.rawHeaders ?? []
  return raw.flatMap((key, index) =>
    index % 2 === 0 && key.toLowerCase() === name ? [raw[index + 1]] : [],
  )
}

test('the placeholder in its header becomes the value, at the bound host', async () => {
  const reply = await scene.rig.send(
    HOST,
    get('/me', AUTH, 'Accept-Encoding: gzip', 'Range: bytes=0-1'),
  )
  expect(reply).toContain('hello')
  expect(header(scene.canary, 'authorization')).toEqual([`Bearer ${REAL}`])
  expect(header(scene.canary, 'accept-encoding')).toEqual(['identity'])
  expect(header(scene.canary, 'range')).toEqual([])
  const intent = scene.rig.keyholder.intents().at(-1)
  expect(intent?.credentials).toEqual(['token'])
  expect(JSON.stringify(scene.rig.keyholder.leaves)).not.toContain(REAL)
})

test('git sends its token as a password', async () => {
  await scene.rig.send(
    HOST,
    get('/repo.git', `Authorization: ${basic('x-access-token', PLACEHOLDER)}`),
  )
  expect(header(scene.canary, 'authorization')).toEqual([basic('x-access-token', REAL)])
})

test('a request without a placeholder asks for no credential', async () => {
  await scene.rig.send(HOST, get('/me', 'Authorization: Bearer mine', 'Accept-Encoding: gzip'))
  expect(header(scene.canary, 'authorization')).toEqual(['Bearer mine'])
  expect(header(scene.canary, 'accept-encoding')).toEqual(['gzip'])
  expect(scene.rig.keyholder.intents().at(-1)?.credentials).toEqual([])
})

const hex = Buffer.from(PLACEHOLDER).toString('hex')
const base64 = Buffer.from(`x${PLACEHOLDER}`).toString('base64url')
const half = PLACEHOLDER.length / 2

const misuses: { name: string; host?: string; parts: string[]; where: string }[] = [
  {
    name: 'in its header to another allowed host',
    host: OTHER,
    parts: [head('GET /', `Host: ${OTHER}`, AUTH)],
    where: 'header authorization',
  },
  {
    name: 'in a Basic password to another host',
    host: OTHER,
    parts: [head('GET /', `Host: ${OTHER}`, `Authorization: ${basic('u', PLACEHOLDER)}`)],
    where: 'header authorization',
  },
  { name: 'in the path', parts: [get(`/x/${PLACEHOLDER}`)], where: 'url' },
  { name: 'in the query', parts: [get(`/x?k=${PLACEHOLDER}`)], where: 'url' },
  {
    name: 'percent-encoded in part in the query',
    parts: [get(`/x?k=${PLACEHOLDER.replace('PLACE', '%50L%41CE')}`)],
    where: 'url',
  },
  { name: 'in hexadecimal in the query', parts: [get(`/x?k=${hex}`)], where: 'url' },
  { name: 'in base64 in the path', parts: [get(`/x/${base64}`)], where: 'url' },
  { name: 'in another header', parts: [get('/x', `X-Key: ${PLACEHOLDER}`)], where: 'header x-key' },
  {
    name: 'in a cookie beside its own header',
    parts: [get('/x', AUTH, `Cookie: a=${PLACEHOLDER}`)],
    where: 'header cookie',
  },
  {
    name: 'as the name of a header',
    parts: [get('/x', `X-${hex}: 1`)],
    where: `header x-${hex}`.slice(0, 71),
  },
  {
    name: 'in the body to another allowed host',
    host: OTHER,
    parts: [head('POST /x', `Host: ${OTHER}`, 'Content-Length: 37'), PLACEHOLDER],
    where: 'body',
  },
  {
    name: 'in the body to another host, cut in two',
    host: OTHER,
    parts: [
      head('POST /x', `Host: ${OTHER}`, 'Content-Length: 37'),
      PLACEHOLDER.slice(0, half),
      PLACEHOLDER.slice(half),
    ],
    where: 'body',
  },
  {
    name: 'in the body to another host, over two chunks',
    host: OTHER,
    parts: [
      head('POST /x', `Host: ${OTHER}`, 'Transfer-Encoding: chunked'),
      `5\r\n${PLACEHOLDER.slice(0, 5)}\r\n`,
      `20\r\n${PLACEHOLDER.slice(5)}\r\n`,
      '0\r\n\r\n',
    ],
    where: 'body',
  },
  {
    name: 'in base64 in the body to another host',
    host: OTHER,
    parts: [head('POST /x', `Host: ${OTHER}`, `Content-Length: ${base64.length}`), base64],
    where: 'body',
  },
  {
    name: 'in another header beside a body that holds it too',
    parts: [
      head('POST /x', `Host: ${HOST}`, `X-Key: ${PLACEHOLDER}`, 'Content-Length: 37'),
      PLACEHOLDER,
    ],
    where: 'header x-key',
  },
]

test.for(misuses)(
  'a placeholder $name: denied, recorded, nothing leaves',
  async ({ host = HOST, parts, where }) => {
    const reply = await scene.rig.send(host, ...parts)
    expect(reply).toMatch(/^HTTP\/1\.1 403 /)
    expect(reply).toContain('x-sekisho-rule: invariant.placeholder-misuse\r\n')
    const intent = scene.rig.keyholder.intents().at(-1)
    expect(intent?.credentials).toEqual([])
    expect(intent?.verdict).toEqual({
      kind: 'deny',
      rules: ['invariant.placeholder-misuse'],
      reason: `the placeholder of token in ${where}, to ${host}`,
    })
    expect(scene.leaked).toEqual(NOTHING_LEAKED)
  },
)

// an agent that prints its environment sends it to its model with every later call
test.for([
  ['as it is', PLACEHOLDER],
  ['in base64', base64],
  ['late in a long body', 'a'.repeat(600 * 1024) + PLACEHOLDER],
] as const)(
  'a placeholder %s in the body to its own host passes as the placeholder it is',
  async ([, body]) => {
    const reply = await scene.rig.send(
      HOST,
      head('POST /x', `Host: ${HOST}`, AUTH, `Content-Length: ${body.length}`) + body,
    )
    expect(reply).toContain('hello')
    expect(header(scene.canary, 'authorization')).toEqual([`Bearer ${REAL}`])
    expect(scene.canary.requests.at(-1)?.body).toBe(body)
    const intent = scene.rig.keyholder.intents().at(-1)
    expect(intent?.verdict).toEqual({ kind: 'allow', rules: ['api'] })
    expect(intent?.credentials).toEqual(['token'])
  },
)

async function postTo(port: number, options: SceneOptions): Promise<string[]> {
  const other = await Scene.start({ rules: [rule({ port })], ...options })
  try {
    const host = port === 443 ? HOST : `${HOST}:${port}`
    const secure = await other.rig.dialTls(HOST, { port })
    const post = head('POST /x', `Host: ${host}`, `Content-Length: ${PLACEHOLDER.length}`)
    const [status = ''] = (await talk(secure, [post, PLACEHOLDER])).split('\r\n')
    expect(other.leaked).toEqual(NOTHING_LEAKED)
    const verdict = other.rig.keyholder.intents().at(-1)?.verdict
    return [status, ...(verdict?.kind === 'deny' ? [verdict.reason] : [])]
  } finally {
    await other.close()
  }
}

test('a placeholder in the body to another port of its host is denied', async () => {
  expect(await postTo(8443, { credentials: [CREDENTIAL] })).toEqual([
    'HTTP/1.1 403 Forbidden',
    `the placeholder of token in body, to ${HOST}`,
  ])
})

test("another credential's placeholder in the body to a bound host passes as it is", async () => {
  const own = { ...CREDENTIAL, name: 'own', placeholder: 'sk-0123456789PLACEHOLDER0123456789' }
  const foreign = { ...CREDENTIAL, hosts: [OTHER] }
  const two = await Scene.start({ rules: [rule({ port: 443 })], credentials: [own, foreign] })
  try {
    const secure = await two.rig.dialTls(HOST)
    const post = head('POST /x', `Host: ${HOST}`, `Content-Length: ${PLACEHOLDER.length}`)
    expect(await talk(secure, [post, PLACEHOLDER])).toContain('hello')
    expect(two.canary.requests.at(-1)?.body).toBe(PLACEHOLDER)
  } finally {
    await two.close()
  }
})

const LATE = ['a'.repeat(600 * 1024), PLACEHOLDER, 'b'.repeat(10)].join('')

test('a placeholder late in a long body leaves no byte of it', async () => {
  const upload = head('POST /x', `Host: ${OTHER}`, `Content-Length: ${LATE.length}`)
  expect(await scene.rig.send(OTHER, upload + LATE)).toMatch(/^HTTP\/1\.1 403 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
  expect(scene.rig.keyholder.deniedBy()).toEqual(['invariant.placeholder-misuse'])
})

test('where a rule lets bodies stream, it cuts the request and gets a denial of its own', async () => {
  const streaming = await Scene.start({ credentials: [CREDENTIAL], rules: STREAMING_RULES })
  const { rig, other } = streaming
  const upload = head('POST /x', `Host: ${OTHER}`, `Content-Length: ${LATE.length}`)
  const reply = await rig.send(OTHER, upload + LATE)
  await rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  await streaming.close()
  expect(reply).not.toContain('hello')
  expect(other.requests).toEqual([]) // it never was whole
  const [intent, misuse] = rig.keyholder.intents().slice(-2)
  expect(intent).toMatchObject({
    verdict: { kind: 'allow' },
    uninspected: 'the body after 1024 bytes, until it had left',
  })
  expect(rig.keyholder.outcomes().at(-1)?.outcome).toEqual({
    kind: 'failed',
    code: 'PLACEHOLDER_MISUSE',
    message: 'cut: token in body',
  })
  expect(misuse?.action).toEqual({
    kind: 'secret.use',
    secret: 'token',
    host: OTHER,
    where: 'body',
  })
})
