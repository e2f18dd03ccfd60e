import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Label } from '../../core/label.ts'
import { KnownValues } from '../../policy/values/known-values.ts'
import type { Fields } from '../http-fields.ts'
import type { ReplySink } from '../reply-sink.ts'
import { teachingLabel, ValueSink } from './value-sink.ts'

const TRUSTED: Label = { integrity: 'trusted', confidentiality: 'internal' }
const UNTRUSTED: Label = { integrity: 'untrusted', confidentiality: 'public' }

class Agent implements ReplySink {
  readonly isGone = false
  readonly hasHead = true
  readonly isFinished = true
  readonly got: Buffer[] = []
  isEnded = false
  readonly ended = Promise.withResolvers<void>()

  proceed(): void {}
  hint(): void {}
  head(): void {}
  flush(): void {}
  trailers(): void {}
  destroy(): void {}
  onClose(): void {}
  onDrain(): void {}

  write(bytes: Buffer): boolean {
    this.got.push(bytes)
    return true
  }

  end(bytes?: Buffer | string): void {
    if (bytes !== undefined) this.got.push(Buffer.from(bytes))
    this.isEnded = true
    this.ended.resolve()
  }
}

const pass = async (
  body: Buffer | string,
  {
    fields = ['content-type', 'application/json'],
    label = TRUSTED,
  }: { fields?: Fields; label?: Label } = {},
): Promise<{ values: KnownValues; agent: Agent }> => {
  const values = new KnownValues()
  const agent = new Agent()
  const sink = new ValueSink(agent, () => values.read({ what: 'GET https://x.example', label }))
  sink.head(200, 'OK', fields)
  const bytes = Buffer.from(body)
  for (let at = 0; at < bytes.length; at += 7) sink.write(bytes.subarray(at, at + 7))
  sink.end()
  await agent.ended.promise
  expect(Buffer.concat(agent.got).equals(bytes)).toBe(true)
  return { values, agent }
}
const isKnown = (values: KnownValues): boolean =>
  values.originOf('recipient', 'ann@corp.example').isTrusted

const JSON_BODY = String.raw`{"from":"Ann\n\u003cann@corp.example\u003e"}`

test.for([
  ['plain', JSON_BODY, []],
  ['compressed', gzipSync(JSON_BODY), ['content-encoding', 'gzip']],
] as const)('a %s reply of a trusted source names what stands in it', async ([, body, coding]) => {
  const fields = ['content-type', 'application/vnd.x+json; charset=utf-8', ...coding]
  expect(isKnown((await pass(body, { fields })).values)).toBe(true)
})

test('the same reply of an untrusted source only says where the value comes from', async () => {
  const { values } = await pass(JSON_BODY, { label: UNTRUSTED })
  expect(values.originOf('recipient', 'ann@corp.example')).toEqual({
    isTrusted: false,
    origin: 'GET https://x.example',
  })
})

test.for([
  ['in an encoding that nobody undoes', JSON_BODY, ['content-encoding', 'x-unknown']],
  ['that is no text', JSON_BODY, ['content-type', 'image/png']],
  ['behind the first mebibyte', `${' '.repeat(1024 * 1024)}ann@corp.example`, []],
  ['that is a bomb', gzipSync(Buffer.alloc(64 * 1024 * 1024)), ['content-encoding', 'gzip']],
] as const)('what is %s is not known, and passes', async ([, body, more]) => {
  const fields = ['content-type', 'text/plain', ...more]
  expect(isKnown((await pass(body, { fields })).values)).toBe(false)
})

test.for([
  [
    'a trusted host teaches in a session without untrusted content',
    'trusted',
    TRUSTED,
    [],
    'trusted',
  ],
  ['a trusted host does not once such content is there', 'trusted', UNTRUSTED, [], 'untrusted'],
  ['an untrusted host does not', 'untrusted', TRUSTED, [], 'untrusted'],
  ['a model does not', 'trusted', TRUSTED, ['llm-providers'], 'untrusted'],
] as const)('%s', ([, integrity, session, groups, wanted]) => {
  const host = { integrity, confidentiality: 'internal' as const, groups: [...groups] }
  expect(teachingLabel(host, session).integrity).toBe(wanted)
})
