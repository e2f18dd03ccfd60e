import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  answering,
  bodyOf,
  call,
  MESSAGES_BODY,
  messagesEvents,
} from '../../src/gate/llm/testing/model-scene.ts'
import { modelScenes } from '../../src/gate/llm/testing/model-scenes.ts'
import { HOST, NOTHING_LEAKED, rule, type Scene } from '../../src/gate/testing/scene.ts'
import type { Treatments } from '../../src/wire/policy.ts'

/**
 * What is hidden from those who look at what models are told, at what they say, and at what is kept of
 * both: personal data that was to be a token, secrets in recordings, images that tell their host.
 */

const make = modelScenes()
/** Made up; put together here so that no scanner takes it for one that was lost. */
const TOKEN = ['glpat', 'x7Q2zB9rKd4mTw8vLc3p'].join('-')
const ADDRESS = 'taro.yamada@example.jp'
const MANY = 1_100
const EVIL = '//evil.test/a'

async function scene(treatments: Treatments): Promise<Scene> {
  const rules = [{ ...rule({ options: { effect: 'none', treatments } }), paths: ['/v1/**'] }]
  const made = await make({ more: { rules, decision: { policy: { rules } } } })
  made.canary.handler = answering(messagesEvents())
  return made
}

const ofText = (content: string): typeof MESSAGES_BODY => ({
  ...MESSAGES_BODY,
  messages: [{ role: 'user', content }],
})
/** @param escaped as it stands in the JSON that leaves */
function escapedCall(escaped: string): string {
  const stead = '-'.repeat(escaped.length)
  return call(ofText(stead)).replace(stead, () => escaped)
}
const escapeOf = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const TOKENIZE: Treatments = { 'personal-data': 'tokenize' }

test('allowed: personal data that is a token by the time that it leaves', async () => {
  const { rig, canary } = await scene(TOKENIZE)
  expect(await rig.send(HOST, call(ofText(`to ${ADDRESS}`)))).toContain('I will look.')
  expect(canary.requests.map(({ body }) => body.includes(ADDRESS))).toEqual([false])
})

test.each([
  ['with its sign in an escape of JSON', escapedCall(`taro.yamada\\u0040example.jp`)],
  ['in escapes of JSON', escapedCall(Array.from(ADDRESS, escapeOf).join(''))],
  ['in an escape of JSON in JSON', escapedCall(`taro.yamada\\\\u0040example.jp`)],
  ['in a header', call(ofText('hi')).replace('\r\n\r\n', `\r\nX-From: ${ADDRESS}\r\n\r\n`)],
])('personal data %s: denied, recorded, nothing leaves', async (_, request) => {
  const made = await scene(TOKENIZE)
  expect(await made.rig.send(HOST, request)).toMatch(/^HTTP\/1\.1 403 /)
  expect(made.rig.keyholder.deniedBy()).toEqual(['llm.personal-data'])
  expect(made.leaked).toEqual(NOTHING_LEAKED)
})

const FAKES = Array.from({ length: MANY }, () => TOKEN).join(' ')

test('more secrets to cover than are told of: denied, recorded, nothing leaves', async () => {
  const made = await scene({ 'secret-format': 'redact' })
  expect(await made.rig.send(HOST, call(ofText(FAKES)))).toMatch(/^HTTP\/1\.1 403 /)
  expect(made.rig.keyholder.deniedBy()).toEqual(['detect.secret.gitlab-pat'])
  expect(made.leaked).toEqual(NOTHING_LEAKED)
})

test('a secret that stood behind more than are told of does not leave once they are gone', async () => {
  const { rig, canary } = await scene({ 'secret-format': 'redact' })
  const said = (one: string): unknown =>
    ofText(`${'it is '.repeat(5_000)}" ${one} "${'it is '.repeat(1_500)}" ${TOKEN}`)
  await rig.send(HOST, call(said(FAKES)))
  await rig.send(HOST, call(said('none')))
  expect(canary.requests.map(({ body }) => body.includes(TOKEN))).toEqual([false])
})

/** What was kept of requests. */
async function keptOf(...bodies: readonly unknown[]): Promise<string[]> {
  const { rig } = await scene({ 'secret-format': 'record' })
  for (const body of bodies) await rig.send(HOST, call(body))
  const { kept } = rig.keyholder.recordings
  return kept.filter(({ side }) => side === 'request').map(({ content }) => content.toString())
}

test('allowed: a recording with a secret covered, and all else as it was said', async () => {
  const body = ofText(`use ${TOKEN} here`)
  const covered = JSON.stringify(body).replace(TOKEN, '*'.repeat(TOKEN.length))
  expect(await keptOf(body)).toEqual([covered])
})

test('a secret behind more than are told of is in no recording', async () => {
  const [kept = TOKEN] = await keptOf(ofText(FAKES))
  expect(kept).not.toContain(TOKEN)
})

test('a secret in gzip that a recording before began is in no recording', async () => {
  const lines = Array.from({ length: 900 }, (_, line) => `she reads line ${line * 7_919}`)
  const hidden = gzipSync(`${lines.join('\n')} ${TOKEN} and more`).toString('base64')
  const said = (end: string): unknown => ofText(`${'it is '.repeat(100_000)}" ${end}`)
  const kept = await keptOf(said(hidden.slice(0, -160)), said(hidden))
  expect(kept.map((one) => one.includes(hidden.slice(-100, -20)))).toEqual([false, false])
})

test('a secret in short lines of base64 is in no recording', async () => {
  const hidden = Buffer.from(`the token is ${TOKEN}, ok`).toString('base64')
  const [kept = hidden] = await keptOf(ofText(hidden.replace(/.{20}/g, '$&\n      ')))
  expect([0, 20, 40].map((at) => kept.includes(hidden.slice(at, at + 20)))).toEqual([
    false,
    false,
    false,
  ])
})

test('a secret in pieces of a refusal is in no recording', async () => {
  const made = await make({ api: 'chat' })
  const chunk = (delta: object, finish: string | null = null): string => {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    const about = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
    return `data: ${JSON.stringify({ ...about, choices })}\n\n`
  }
  const pieces = [TOKEN.slice(0, 9), TOKEN.slice(9)].map((refusal) => chunk({ refusal }))
  made.canary.handler = answering([...pieces, chunk({}, 'stop'), 'data: [DONE]\n\n'])
  const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'go' }] }
  await made.rig.send(HOST, call(body, { path: '/v1/chat/completions' }))
  const { keyholder } = made.rig
  await keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'llm.call'))
  const kept = keyholder.recordings.kept.find(({ side }) => side === 'reply')?.content.toString()
  expect(kept).toContain('"refusal":"*')
  expect(kept).not.toContain(TOKEN.slice(9))
})

const saying = (text: string): string[] =>
  messagesEvents().map((event) => event.replace('"I will look."', JSON.stringify(text)))

test('allowed: a link that is followed by whoever chooses to', async () => {
  const { rig, canary } = await scene({})
  canary.handler = answering(saying('![a] and [docs](https://evil.test/a)'))
  expect(bodyOf(await rig.send(HOST, call(MESSAGES_BODY)))).toContain('evil.test')
})

test.each([
  ['as it is', `![a](${EVIL})`],
  ['behind a bracket in code', `![\`]\`](${EVIL})`],
  ['behind an escaped bracket', `![a \\[ b](${EVIL})`],
  ['behind an escaped bracket and a parenthesis', `![a\\](b](${EVIL})`],
  ['behind many spaces', `<img src${' '.repeat(60)}="${EVIL}">`],
])('an image that tells its host what the model wrote: %s', async (_, text) => {
  const { rig, canary } = await scene({})
  canary.handler = answering(saying(text))
  const body = bodyOf(await rig.send(HOST, call(MESSAGES_BODY)))
  expect(body).not.toContain('evil.test')
  expect(body).toContain('link-removed.invalid')
  const { keyholder } = rig
  await keyholder.until(({ leaves }) => leaves.some(({ type }) => type === 'llm.call'))
  const leaf = keyholder.leaves.find(({ type }) => type === 'llm.call')
  expect(JSON.stringify(leaf)).toContain('exfiltration.image')
})
