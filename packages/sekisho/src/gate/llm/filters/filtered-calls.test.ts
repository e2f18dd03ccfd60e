import { describe, expect, test } from 'vitest'
import { HOST, type Scene } from '../../testing/scene.ts'
import {
  ARMOR,
  ASKED,
  BROKEN_SERVICES,
  callOf,
  FILTER_KEY,
  filterScene,
  GUARD,
  guard,
  judged,
  type Service,
  shield,
} from '../testing/filter-scene.ts'
import { bodyOf, call, MESSAGES_BODY, messagesEvents } from '../testing/model-scene.ts'
import { modelScenes } from '../testing/model-scenes.ts'

// What is refused by filters is in test/attacks/model-filters.test.ts; here is what passes, and what is told of it.

const begin = modelScenes()
const start = (filter: typeof ARMOR, service: Service): Promise<Scene> =>
  filterScene(begin, { filters: [filter], service })

test('what a filter is asked about goes out with its credential, which no request of the agent has', async () => {
  const scene = await start(ARMOR, shield(false))
  const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(bodyOf(reply)).toContain('I will look.')
  expect(scene.other.requests).toEqual([
    {
      method: 'POST',
      url: '/base/contentsafety/text:shieldPrompt?api-version=2024-09-01',
      rawHeaders: expect.arrayContaining(['ocp-apim-subscription-key', FILTER_KEY]),
      body: JSON.stringify({ userPrompt: 'list the files', documents: [] }),
    },
  ])
  expect(JSON.stringify(scene.canary.requests)).not.toContain(FILTER_KEY)
})

test('the leaf of a call says what each filter was asked and what it said', async () => {
  const scene = await start(ARMOR, shield(false))
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  const { filters, coverage } = (await callOf(scene)) ?? {}
  const durationMs = expect.any(Number)
  const asked = { bytes: 14, knownBytes: 0, questions: 1 }
  expect(filters).toEqual([
    { filter: 'armor', side: 'request', ...asked, said: 'nothing', durationMs },
  ])
  expect(coverage?.[0]?.by).toContain('filter:armor')
  expect(judged(scene)).toEqual([ASKED, 'allow llm.generate api'])
  const [question] = scene.rig.keyholder
    .intents()
    .filter(({ credentials }) => credentials[0] === 'filter.armor')
  expect(
    scene.rig.keyholder.outcomes().find(({ id }) => id === question?.id)?.outcome,
  ).toMatchObject({
    kind: 'performed',
    status: 200,
    address: '127.0.0.1',
  })
})

test('what was looked at is not asked about again', async () => {
  const scene = await start(ARMOR, shield(false))
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(scene.other.requests).toHaveLength(1)
  expect(scene.canary.requests).toHaveLength(2)
})

test.for(BROKEN_SERVICES)(
  'a filter that %s is on record as one that has not looked where it is set to pass',
  async ([, service]) => {
    const scene = await start({ ...ARMOR, timeoutMs: 200, onFailure: 'pass' }, service)
    await scene.rig.send(HOST, call(MESSAGES_BODY))
    expect(scene.canary.requests).toHaveLength(1)
    const { filters, coverage } = (await callOf(scene)) ?? {}
    expect(filters).toMatchObject([{ filter: 'armor', said: 'failed', bytes: 14 }])
    expect(coverage?.[0]?.by).not.toContain('filter:armor')
    expect(scene.rig.keyholder.intents().at(-1)?.uninspected).toContain('has not looked')
  },
)

test('what is no call passes where no filter has to have looked, and says so', async () => {
  const scene = await start({ ...ARMOR, onFailure: 'pass' }, shield(false))
  await scene.rig.send(HOST, call({ input: 'a text' }, { path: '/v1/embeddings' }))
  expect(scene.canary.requests).toHaveLength(1)
  expect(scene.rig.keyholder.intents().at(-1)?.uninspected).toBe(
    'the filter armor has not looked: nobody here can read what such a request says',
  )
  const { model, messages } = MESSAGES_BODY
  await scene.rig.send(HOST, call({ model, messages }, { path: '/v1/messages/count_tokens' }))
  expect(scene.rig.keyholder.intents().at(-1)?.uninspected).toBeUndefined()
  expect(scene.canary.requests).toHaveLength(2)
})

test('what only raises labels passes, and the call is decided by the raised label', async () => {
  const scene = await start({ ...ARMOR, onMatch: 'label', onFailure: 'pass' }, shield(true))
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(scene.canary.requests).toHaveLength(1)
  const intent = scene.rig.keyholder.intents().at(-1)
  expect(intent?.facts?.label).toMatchObject({ integrity: 'untrusted' })
  expect(intent?.findings).toEqual([
    { detector: 'prompt-shields.user-prompt', place: 'user, by armor', count: 1, did: 'recorded' },
  ])
})

test('what people have said yes to is not asked about again', async () => {
  const scene = await start({ ...ARMOR, onMatch: 'hold' }, shield(true))
  scene.rig.control.answer = () => ({ kind: 'approved', by: ['approver'] })
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(scene.rig.control.held).toMatchObject([
    {
      rules: ['filter.armor'],
      findings: [{ detector: 'prompt-shields.user-prompt', did: 'held' }],
    },
  ])
  expect(scene.canary.requests).toHaveLength(2)
})

describe('a reply', () => {
  test('passes byte for byte when a filter has found nothing in all of it', async () => {
    const scene = await start(GUARD, guard('NONE'))
    const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
    expect(bodyOf(reply)).toBe(messagesEvents().join(''))
    expect(scene.other.requests.map(({ body }) => body)).toEqual([
      JSON.stringify({ source: 'OUTPUT', content: [{ text: { text: 'I will look.' } }] }),
    ])
    const { filters, coverage } = (await callOf(scene)) ?? {}
    expect(filters).toMatchObject([{ filter: 'armor', side: 'reply', bytes: 12, said: 'nothing' }])
    expect(coverage?.find(({ part }) => part === 'reply text')?.by).toContain('filter:armor')
  })

  test('is on its way when a filter only raises labels by it', async () => {
    const filter = { ...GUARD, onMatch: 'label', onFailure: 'pass' } as const
    const scene = await start(filter, guard('GUARDRAIL_INTERVENED'))
    const reply = await scene.rig.send(HOST, call(MESSAGES_BODY))
    expect(bodyOf(reply)).toBe(messagesEvents().join(''))
    expect((await callOf(scene))?.findings).toMatchObject([
      { detector: 'bedrock-guardrail.topic', place: 'reply, by armor', did: 'recorded' },
    ])
  })
})
