import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Conversation, Item } from './conversation.ts'
import { Reading } from './members.ts'
import { readChat } from './read-chat.ts'
import { readMessages } from './read-messages.ts'
import { readResponses } from './read-responses.ts'
import { TRANSLATED_APIS, type TranslatedApi, translateRequest } from './translate-request.ts'
import { writeChat } from './write-chat.ts'
import { writeMessages } from './write-messages.ts'
import { writeResponses } from './write-responses.ts'

const SCHEMA = { type: 'object', properties: { command: { type: 'string' } } }

const word = fc.stringMatching(/^[a-zé"\\ ]{1,8}[a-z]$/)
const text = fc.record({ kind: fc.constant('text' as const), text: word })
const picture = fc.record({
  kind: fc.constant('image' as const),
  mediaType: fc.constantFrom('image/png', 'image/jpeg'),
  base64: fc.constantFrom('AAAA', 'c2Vr'),
})
const id = fc.stringMatching(/^call_[a-z]{4}$/)
const asked = fc
  .tuple(fc.array(fc.oneof(text, picture), { minLength: 1, maxLength: 2 }))
  .map(([parts]): Item => {
    return { kind: 'said', role: 'user', parts }
  })
const answered = fc
  .record({
    says: fc.array(text, { minLength: 1, maxLength: 1 }),
    ids: fc.uniqueArray(id, { maxLength: 2 }),
    input: word,
  })
  .map(({ says, ids, input }): Item[] => [
    { kind: 'said', role: 'assistant', parts: says },
    ...ids.map(
      (each): Item => ({
        kind: 'call',
        id: each,
        tool: 'bash',
        arguments: JSON.stringify({ input }),
      }),
    ),
    ...ids.map(
      (each): Item => ({ kind: 'result', id: each, parts: [{ kind: 'text', text: input }] }),
    ),
  ])
/** What all three formats can say. */
const conversation: fc.Arbitrary<Conversation> = fc.record({
  model: fc.constant('m'),
  stream: fc.boolean(),
  maxOutputTokens: fc.integer({ min: 1, max: 9999 }),
  items: fc
    .tuple(
      fc.array(text, { maxLength: 1 }),
      fc.array(
        fc.tuple(asked, answered).map(([one, others]) => [one, ...others]),
        { maxLength: 3 },
      ),
    )
    .map(([rules, turns]): Item[] => [
      ...rules.map((part): Item => ({ kind: 'said', role: 'system', parts: [part] })),
      ...turns.flat(),
    ]),
  tools: fc.constant([{ name: 'bash', description: 'runs', schema: SCHEMA, isStrict: null }]),
  choice: fc.constantFrom('auto' as const, 'required' as const, { tool: 'bash' }),
  isParallel: fc.constantFrom(false, null),
  temperature: fc.constantFrom(null, 0, 1),
  topP: fc.constantFrom(null, 0.5),
  stop: fc.constant([]),
  format: fc.constantFrom(null, {
    kind: 'schema' as const,
    name: 'reply',
    schema: SCHEMA,
    isStrict: null,
  }),
})

const WRITERS: Readonly<Record<TranslatedApi, (from: Conversation) => object>> = {
  messages: (from) => writeMessages(from, { defaultMaxTokens: 1, dropped: new Set() }),
  responses: writeResponses,
  chat: (from) => writeChat(from, 'max_completion_tokens'),
}
const READERS: Readonly<Record<TranslatedApi, (body: unknown) => Conversation>> = {
  messages: (body) => readMessages(body, new Reading()),
  responses: (body) => readResponses(body, new Reading()).conversation,
  chat: (body) => readChat(body, new Reading()),
}

/** Items of one speaker in a row may have been put together. */
function meaning(of: Conversation): object {
  const tools = of.tools.map((tool) => ({ ...tool, isStrict: tool.isStrict ?? false }))
  const items = of.items.flatMap((item): object[] =>
    item.kind === 'said' ? item.parts.map((part) => ({ role: item.role, part })) : [item],
  )
  return { ...of, tools, items }
}

test('what all formats can say means the same in another, and back in the first', () => {
  fc.assert(
    fc.property(
      conversation,
      fc.constantFrom(...TRANSLATED_APIS),
      fc.constantFrom(...TRANSLATED_APIS),
      (said, from, to) => {
        const written = WRITERS[from](said)
        expect(meaning(READERS[from](written))).toEqual(meaning(said))
        const bytes = Buffer.from(JSON.stringify(written))
        const there = translateRequest({ from, to }, bytes, { model: 'm' })
        if (there.kind === 'untranslatable') throw new Error(`${there.path}: ${there.reason}`)
        expect(meaning(READERS[to](JSON.parse(there.body.toString())))).toEqual(meaning(said))
      },
    ),
    { numRuns: 400 },
  )
})
