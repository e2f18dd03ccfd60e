import { expect, test } from 'vitest'
import { MODEL_APIS } from '../../../core/action.ts'
import { CLEAN } from '../../../core/label.ts'
import type { SessionLabels } from '../../../flow/ports.ts'
import { makeReplyHold } from '../../../llm/hold/make-reply-hold.ts'
import { transcriptOf } from '../../../llm/hold/testing/transcript.ts'
import { GUARD } from '../testing/filter-scene.ts'
import { CallFilters } from './call-filters.ts'
import type { FilterPost } from './service-filter.ts'
import { SessionFilters } from './session-filters.ts'

const LABELS: SessionLabels = {
  label: CLEAN,
  sources: [],
  after: () => CLEAN,
  enter: () => undefined,
  raise: () => undefined,
}
const BOUNDS = { unsupported: 'deny', maxCallBytes: 10_000, maxHeldBytes: 100_000 } as const
const SAME = { push: (_: string, text: string): string => text, end: (): string => '' }

test.for(MODEL_APIS)('all texts of a reply of %s are asked about, each once', async (api) => {
  const asked: unknown[] = []
  const post: FilterPost = ({ body }) => {
    asked.push(JSON.parse(body.toString()))
    const answer = Buffer.from(JSON.stringify({ action: 'NONE', assessments: [] }))
    return Promise.resolve({ status: 200, body: answer })
  }
  const filters = new SessionFilters({ settings: () => [GUARD], post, elapsedMs: () => 0 })
  const call = new CallFilters(filters, LABELS)
  const filter = call.gathering(SAME)
  const hold = makeReplyHold(api, { ...BOUNDS, stream: true, filter })
  const { events } = transcriptOf(api, [
    { kind: 'text', pieces: ['It is ', 'in the ', 'other file.'] },
    {
      kind: 'calls',
      calls: [{ id: 'c1', name: 'Bash', pieces: ['{"command":"ls"}'] }],
      isInterleaved: false,
    },
  ])
  for (const event of events) hold.push(Buffer.from(event))
  hold.settle(0, { kind: 'release' })
  hold.end()
  expect(await call.lookAtReply()).toBeUndefined()
  expect(asked).toEqual([
    { source: 'OUTPUT', content: [{ text: { text: 'It is in the other file.' } }] },
  ])
  expect(call.names.reply).toEqual(['filter:armor'])
})
