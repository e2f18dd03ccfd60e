import { afterEach, expect, test } from 'vitest'
import { signingKey, signRequest } from '../../src/core/sigv4.ts'
import { modelScene } from '../../src/gate/llm/testing/model-scene.ts'
import {
  get,
  HOST,
  head,
  NOTHING_LEAKED,
  OTHER,
  Scene,
  STREAMING_RULES,
} from '../../src/gate/testing/scene.ts'
import { Vault } from '../../src/keyholder/vault.ts'
import type { AwsPart } from '../../src/wire/aws.ts'
import type { LeafInput } from '../../src/wire/leaves.ts'
import type { PolicyRule } from '../../src/wire/policy.ts'
import { whyNotSigned } from './check-sigv4.ts'
import { TOKEN as PLANTED } from './planted.ts'

/** Requests that are signed with placeholders, and signed anew; and those that somebody else signs. */

const SCOPE = { region: 'us-east-1', service: 'bedrock' }
const PLACEHOLDERS = {
  id: `ASIA${'PLACEHOLDER00001'}`,
  key: 'placeholder0placeholder0placeholder0plac',
  token: 'placeholder-token-placeholder-token-0001',
}
/** Made up, and put together here so that nobody takes them for found ones. */
const REAL = {
  id: ['ASIA', 'REALREALREAL0001'].join(''),
  key: ['realKey/realKey+', 'realKey/realKey+realKey0'].join(''),
  token: ['real-token', 'of/temporary+keys=='].join('-'),
}
const NAMES = { id: 'aws', key: 'aws.aws.key', token: 'aws.aws.token' }
const HEADERS = { id: 'authorization', key: 'authorization', token: 'x-amz-security-token' }
const PARTS: readonly AwsPart['part'][] = ['id', 'key', 'token']

const bindings = PARTS.map((part) => ({
  part,
  binding: {
    name: NAMES[part],
    hosts: [HOST],
    port: 443,
    header: HEADERS[part],
    aws: { of: 'aws', part, ...SCOPE },
  },
}))

let scene: Scene | undefined
afterEach(async () => {
  await scene?.close()
  scene = undefined
})

const credentials = bindings.map(({ part, binding }) => ({
  ...binding,
  placeholder: PLACEHOLDERS[part],
}))

async function start(rules?: PolicyRule[]): Promise<Scene> {
  const more = rules === undefined ? {} : { rules }
  return withKey(await Scene.start({ credentials, ...more }))
}

function withKey(made: Scene): Scene {
  scene = made
  const vault = new Vault(bindings.map(({ part, binding }) => ({ binding, value: REAL[part] })))
  made.rig.keyholder.release = (names, leaf) => releaseBy(vault, names, leaf)
  return made
}

function releaseBy(vault: Vault, names: readonly string[], leaf: LeafInput) {
  if (leaf.type !== 'action.intent' || names.length === 0) return {}
  const released = vault.release(names, leaf.action)
  if (released.kind === 'deny') throw new Error(released.reason)
  return Object.fromEntries([...released.values].map(([name, value]) => [name, value.reveal()]))
}

/** As a client with the placeholders in its environment signs. */
function signed({ id = PLACEHOLDERS.id, region = SCOPE.region, service = SCOPE.service } = {}) {
  const date = '20261123T000000Z'
  const scope = { region, service }
  const key = signingKey(PLACEHOLDERS.key, date.slice(0, 8), scope)
  const headers = new Map([['host', [HOST]]])
  const request = { method: 'POST', path: '/', query: null, headers, bodyHash: '' }
  const signature = signRequest(request, { key, date, scope })
  return (
    `AWS4-HMAC-SHA256 Credential=${id}/${date.slice(0, 8)}/${region}/${service}/aws4_request, ` +
    `SignedHeaders=host;x-amz-date, Signature=${signature}`
  )
}

const OURS = `Authorization: ${signed()}`
const DATE = 'X-Amz-Date: 20261123T000000Z'
const TOKEN = `X-Amz-Security-Token: ${PLACEHOLDERS.token}`

function post(path: string, fields: readonly string[], body = '{}'): string {
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  return head(`POST ${path}`, `Host: ${HOST}`, ...fields, length) + body
}

function arrived({ canary }: Scene) {
  const { method = '', url = '', rawHeaders = [], body = '' } = canary.requests.at(-1) ?? {}
  return { method, target: url, fields: rawHeaders, body }
}

const KEY = { id: REAL.id, secretKey: REAL.key, sessionToken: REAL.token, ...SCOPE }

test.each<[string, string]>([
  [
    'with a body, a token and a path that is escaped',
    post('/model/a%3A0/invoke', [OURS, DATE, TOKEN, 'Content-Type: application/json'], '{"a":1}'),
  ],
  ['without its token', post('/', [OURS, DATE])],
  ['with a query in any order', get('/x?b=2&a=%2F&a=1&c', OURS, DATE, TOKEN)],
  ['whose body was to be left out', post('/', [OURS, 'X-Amz-Content-Sha256: UNSIGNED-PAYLOAD'])],
  ['of another body than it says', post('/', [OURS, `X-Amz-Content-Sha256: ${'0'.repeat(64)}`])],
  ['with a field of AWS of its own', get('/', OURS, 'X-Amz-Target:   a   b ', 'x-amz-target: c')],
])('a request %s is signed anew by the real key', async (_name, sent) => {
  const made = await start()
  const { keyholder } = made.rig
  expect(await made.rig.send(HOST, sent)).toContain('hello')
  expect(whyNotSigned(arrived(made), KEY)).toBeUndefined()
  expect(keyholder.intents().at(-1)?.credentials).toEqual(['aws'])
})

const MODEL_PATH = '/model/us.anthropic.claude-x-v1%3A0/invoke'
const MODEL_BODY = JSON.stringify({
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 10,
  messages: [{ role: 'user', content: 'hello' }],
})

async function startModels(): Promise<Scene> {
  const at = { scheme: 'https', host: HOST, port: 443, basePath: '' } as const
  const provider = { id: 'amazon', api: 'messages', flavour: 'bedrock', ...at } as const
  return withKey(await modelScene({ llm: { providers: [provider] }, more: { credentials } }))
}

test('a call of a model is signed anew, and recorded as one', async () => {
  const made = await startModels()
  const fields = [OURS, DATE, TOKEN, 'Content-Type: application/json']
  await made.rig.send(HOST, post(MODEL_PATH, fields, MODEL_BODY))
  expect(whyNotSigned(arrived(made), KEY)).toBeUndefined()
  expect(made.rig.keyholder.intents().at(-1)).toMatchObject({
    action: { kind: 'llm.generate', model: 'us.anthropic.claude-x-v1:0' },
    credentials: ['aws'],
  })
})

test.each<[string, string, string[]]>([
  [
    'by others',
    'invariant.foreign-key',
    [`Authorization: ${signed({ id: 'AKIAOFOTHERS00000000' })}`],
  ],
  [
    'for another service',
    'invariant.aws-signature',
    [`Authorization: ${signed({ service: 's3' })}`],
  ],
  ['with a token of others', 'invariant.foreign-key', [OURS, 'X-Amz-Security-Token: of-others']],
])(
  'a call of a model that is signed %s: denied, recorded, nothing leaves',
  async (...[, by, fields]) => {
    const made = await startModels()
    const type = 'Content-Type: application/json'
    const reply = await made.rig.send(HOST, post(MODEL_PATH, [...fields, DATE, type], MODEL_BODY))
    expect(reply).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(made.rig.keyholder.deniedBy()).toEqual([by])
    expect(made.leaked).toEqual(NOTHING_LEAKED)
  },
)

test('nothing of the real key is in a reply or the log, and nothing of its secret leaves', async () => {
  const made = await start()
  made.canary.handler = (request, response) => void response.end(JSON.stringify(request.headers))
  const reply = await made.rig.send(HOST, get('/', OURS, DATE, TOKEN))
  const written = JSON.stringify(made.rig.keyholder.leaves)
  for (const real of [REAL.id, REAL.key, REAL.token]) {
    expect(reply).not.toContain(real)
    expect(written).not.toContain(real)
  }
  expect(JSON.stringify(arrived(made))).not.toContain(REAL.key)
  expect(JSON.stringify(arrived(made))).not.toContain('PLACEHOLDER')
})

test('a body that the platform changes is signed as it leaves', async () => {
  const redacted: PolicyRule = {
    id: 'api',
    effect: 'allow',
    scheme: 'https',
    host: HOST,
    port: 443,
    methods: [],
    paths: [],
    options: { treatments: { 'secret-format': 'redact' } },
  }
  const made = await start([redacted])
  const fields = [OURS, DATE, 'Content-Type: text/plain']
  await made.rig.send(HOST, post('/', fields, `token: ${PLANTED} it was`))
  const request = arrived(made)
  expect(request.body).not.toContain(PLANTED)
  expect(request.body).toContain('it was')
  expect(whyNotSigned(request, KEY)).toBeUndefined()
})

test('allowed: a request that nobody signed stays one', async () => {
  const made = await start()
  await made.rig.send(HOST, get('/'))
  expect(arrived(made).fields.join('\n').toLowerCase()).not.toMatch(/authorization|x-amz-/)
  expect(made.rig.keyholder.intents().at(-1)?.credentials).toEqual([])
})

const FOREIGN = 'invariant.foreign-key'
const SIGNATURE = 'invariant.aws-signature'
const MISUSE = 'invariant.placeholder-misuse'
const THEIRS = { id: ['AKIA', 'ATTACKERATTACKER'].join('') }
const PRESIGNED = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${THEIRS.id}%2Fx&X-Amz-Signature=00`
const FORM = 'Content-Type: application/x-www-form-urlencoded'

test.each<[string, string, string, host?: string]>([
  ['a key of others', FOREIGN, post('/', [`Authorization: ${signed(THEIRS)}`, DATE])],
  ['a key of others by the version before', FOREIGN, get('/', `Authorization: AWS ${THEIRS.id}:x`)],
  ['a bearer key of others', FOREIGN, get('/', 'Authorization: Bearer ABSKothers')],
  ['a key of others as a password', FOREIGN, get('/', 'Authorization: Basic dTpw')],
  ['a key of others behind ours', SIGNATURE, get('/', OURS, `Authorization: ${signed(THEIRS)}`)],
  ['two signatures in one field', SIGNATURE, get('/', `${OURS}, ${signed(THEIRS)}`)],
  ['a session token of others', FOREIGN, get('/', OURS, 'X-Amz-Security-Token: of-others')],
  ['a session token of others alone', FOREIGN, get('/', 'X-Amz-Security-Token: of-others')],
  ['two session tokens', FOREIGN, get('/', OURS, TOKEN, 'X-Amz-Security-Token: of-others')],
  ['a session of S3 Express', FOREIGN, get('/', 'X-Amz-S3Session-Token: of-others')],
  ['a URL that others have signed', FOREIGN, get(`/?${PRESIGNED}`)],
  ['a URL that others have signed, escaped', FOREIGN, get('/?x%2Damz%2Dsignature=00')],
  ['a URL that others have signed, beside ours', FOREIGN, get(`/?${PRESIGNED}`, OURS)],
  ['a URL that is signed as before', FOREIGN, get(`/?AWSAccessKeyId=${THEIRS.id}&Signature=x`)],
  ['a form that others have signed', FOREIGN, post('/', [FORM], `AWSAccessKeyId=${THEIRS.id}`)],
  ['such a form beside our signature', FOREIGN, post('/', [OURS, FORM], PRESIGNED)],
  ['a form with a file', FOREIGN, post('/', ['Content-Type: multipart/form-data; boundary=x'])],
  ['ours for another service', SIGNATURE, get('/', `Authorization: ${signed({ service: 'sts' })}`)],
  [
    'ours for another region',
    SIGNATURE,
    get('/', `Authorization: ${signed({ region: 'eu-west-1' })}`),
  ],
  ['ours in another form', SIGNATURE, get('/', OURS.replace('HMAC', 'ECDSA-P256'))],
  ['ours with more behind it', SIGNATURE, get('/', `${OURS}, x=y`)],
  ['ours that leaves its host out', SIGNATURE, get('/', OURS.replace('host;', ''))],
  [
    'a body that signs itself in pieces',
    SIGNATURE,
    post('/', [OURS, 'X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD']),
  ],
  ['a body in chunks of their own', SIGNATURE, post('/', [OURS, 'Content-Encoding: aws-chunked'])],
  ['the placeholder at another host', MISUSE, get('/', OURS).replace(HOST, OTHER), OTHER],
  ['the placeholder in a URL', MISUSE, get(`/?k=${PLACEHOLDERS.id}`)],
  ['the placeholder in another field', MISUSE, get('/', OURS, `X-Id: ${PLACEHOLDERS.id}`)],
  ['the placeholder of the secret key', MISUSE, get('/', OURS, `X-Key: ${PLACEHOLDERS.key}`)],
  [
    'the placeholder of the token in a body elsewhere',
    MISUSE,
    post('/', [], PLACEHOLDERS.token).replace(HOST, OTHER),
    OTHER,
  ],
])('%s: denied, recorded, nothing leaves', async (...[, by, sent, host = HOST]) => {
  const made = await start()
  expect(await made.rig.send(host, sent)).toMatch(/^HTTP\/1\.1 403 /)
  expect(made.rig.keyholder.deniedBy()).toEqual([by])
  expect(made.leaked).toEqual(NOTHING_LEAKED)
})

test('a body that streams is signed by nobody', async () => {
  const made = await start(STREAMING_RULES)
  const reply = await made.rig.send(HOST, post('/', [OURS, DATE], 'a'.repeat(4096)))
  expect(reply).toMatch(/^HTTP\/1\.1 403 /)
  expect(made.rig.keyholder.deniedBy()).toEqual([SIGNATURE])
  expect(made.leaked).toEqual(NOTHING_LEAKED)
})

test.each([
  ['a secret key', ['aws.aws.key'], HOST],
  ['a session token alone', ['aws.aws.token'], HOST],
  ['a key for another host', ['aws'], OTHER],
])('the keyholder releases %s to no gate', (_name, names, host) => {
  const vault = new Vault(bindings.map(({ part, binding }) => ({ binding, value: REAL[part] })))
  const action = { kind: 'http.request', scheme: 'https', method: 'GET', host, port: 443 } as const
  expect(vault.release(names, { ...action, path: '/', query: null }).kind).toBe('deny')
})

test('what the keyholder releases has the secret key nowhere', () => {
  const vault = new Vault(
    bindings.map(({ part, binding }) => ({ binding, value: REAL[part] })),
    () => Date.UTC(2026, 10, 23),
  )
  const action = { kind: 'http.request', scheme: 'https', method: 'GET', host: HOST } as const
  const released = vault.release(['aws'], { ...action, port: 443, path: '/', query: null })
  const values = released.kind === 'deny' ? [] : [...released.values.values()]
  const key = signingKey(REAL.key, '20261123', SCOPE).toString('hex')
  expect(values.map((value) => value.reveal())).toEqual([
    REAL.id,
    `20261123T000000Z/us-east-1/bedrock/${key}`,
    REAL.token,
  ])
})
