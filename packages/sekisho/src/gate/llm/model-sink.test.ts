import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Judged, ProposedCall, ReplyHold, ReplyStep } from '../../llm/format.ts'
import { ModelSink, type ModelSinkParts } from './model-sink.ts'
import { NotingSink } from './testing/noting-sink.ts'

const EVENTS = ['content-type', 'text/event-stream', 'content-length', '99']
const DOCUMENT = ['content-type', 'application/json', 'etag', '"x"']

/** Holds what begins with `!` until it is settled; refuses what begins with `?`. */
class LetterHold implements ReplyHold {
  readonly keepAlive = Buffer.from('.')
  readonly facts = {
    model: null,
    usage: null,
    rawUsage: '',
    stop: null,
    bytes: new Map<string, number>(),
    unsupported: [],
    serverCalls: [],
  }
  #calls = 0

  push(bytes: Buffer): readonly ReplyStep[] {
    const text = bytes.toString()
    if (text.startsWith('?')) return [write('END'), { kind: 'refuse', rule: 'r', reason: 'why' }]
    if (text.startsWith('!')) return [{ kind: 'judge', call: proposed(this.#calls++, text) }]
    return [write(text)]
  }

  end(): readonly ReplyStep[] {
    return []
  }

  settle(index: number, judged: Judged): readonly ReplyStep[] {
    return [write(judged.kind === 'release' ? `call${index}` : judged.say)]
  }

  cutOff(say: string): readonly ReplyStep[] {
    return [write(say)]
  }
}

const write = (text: string): ReplyStep => ({ kind: 'write', bytes: Buffer.from(text) })

function proposed(index: number, text: string): ProposedCall {
  return {
    index,
    callId: null,
    tool: text.slice(1),
    type: 'tool_use',
    arguments: '{}',
    format: 'json',
  }
}

type Scene = {
  client: NotingSink
  sink: ModelSink
  refused: string[]
  settle: (judged: Judged) => Promise<void>
  fail: (error: Error) => Promise<void>
}

function scene(over: Partial<ModelSinkParts> = {}): Scene {
  const client = new NotingSink()
  const refused: string[] = []
  const asked = Promise.withResolvers<Judged>()
  const sink = new ModelSink(client, {
    newHold: () => new LetterHold(),
    judge: () => asked.promise,
    seen: () => undefined,
    refused: (rule) => refused.push(rule),
    refusal: (reason) => ({ status: 403, fields: [], body: reason }),
    ...over,
  })
  const settle = async (judged: Judged): Promise<void> => {
    asked.resolve(judged)
    await turn()
  }
  const fail = async (error: Error): Promise<void> => {
    asked.reject(error)
    await turn()
  }
  return { client, sink, refused, settle, fail }
}

test('text passes as it comes, and no length is promised', () => {
  const { client, sink } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('hello'))
  expect(client.heads).toEqual([{ status: 200, fields: ['content-type', 'text/event-stream'] }])
  expect(client.text).toBe('hello')
})

test('an end of the upstream waits for a call that is being judged', async () => {
  const { client, sink, settle } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!ls'))
  sink.end()
  expect([client.text, client.isEnded]).toEqual(['', false])
  await settle({ kind: 'release' })
  await sink.settled
  expect([client.text, client.isEnded]).toEqual(['call0', true])
})

test('a call that could not be recorded is not released', async () => {
  const { client, sink, fail } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!ls'))
  await fail(new Error('disk full'))
  expect(client.text).toBe('The call of ls could not be recorded (INTERNAL).')
})

test('a verdict that comes after the upstream broke off releases nothing', async () => {
  const { client, sink, settle } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!ls'))
  sink.destroy()
  await settle({ kind: 'release' })
  expect([client.text, client.isGone]).toEqual(['', true])
})

test('a document leaves when all of it is settled, with its length', async () => {
  const { client, sink, settle } = scene()
  sink.head(200, 'OK', [...DOCUMENT])
  sink.write(Buffer.from('{'))
  sink.write(Buffer.from('!ls'))
  sink.end()
  expect(client.heads).toEqual([])
  await settle({ kind: 'replace', say: 'no}' })
  const fields = ['content-type', 'application/json', 'content-length', '4']
  expect([client.heads, client.text]).toEqual([[{ status: 200, fields }], '{no}'])
})

test('a document that breaks off is answered by the gate', () => {
  const { client, sink } = scene()
  sink.head(200, 'OK', [...DOCUMENT])
  sink.write(Buffer.from('{'))
  expect(sink.hasHead).toBe(false)
  sink.head(502, 'Bad Gateway', ['content-type', 'application/json'])
  sink.end('failed')
  expect([client.heads.map(({ status }) => status), client.text]).toEqual([[502], 'failed'])
})

test('an error of the provider passes as it is', () => {
  const { client, sink } = scene()
  sink.head(429, 'Too Many', [...EVENTS])
  sink.end(Buffer.from('!slow down'))
  expect([client.heads, client.text]).toEqual([[{ status: 429, fields: EVENTS }], '!slow down'])
})

test.each([
  ['a coding', ['content-type', 'text/event-stream', 'content-encoding', 'gzip']],
  ['another type', ['content-type', 'application/vnd.amazon.eventstream']],
  ['no type', []],
  ['two types', ['content-type', 'application/json', 'content-type', 'text/event-stream']],
  ['two codings', [...EVENTS, 'content-encoding', 'br', 'content-encoding', 'identity']],
])('a reply that cannot be read is refused: %s', (_, fields) => {
  const { client, sink, refused } = scene()
  sink.head(200, 'OK', fields)
  sink.write(Buffer.from('hello'))
  sink.end()
  expect(refused).toEqual(['llm.unreadable-reply'])
  expect(client.heads.map(({ status }) => status)).toEqual([403])
  expect(client.text).not.toContain('hello')
})

test('what the hold refuses ends the reply, and nothing more leaves', () => {
  const { client, sink, refused } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('?'))
  sink.write(Buffer.from('more'))
  expect([client.text, client.isEnded, refused]).toEqual(['END', true, ['r']])
})

test('a cut says so, ends, and releases nothing', async () => {
  const { client, sink, settle } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!ls'))
  sink.cutOff('over')
  await settle({ kind: 'release' })
  sink.destroy()
  expect([client.text, client.isEnded, client.isGone]).toEqual(['over', true, false])
})

test('settled when the client has gone', async () => {
  const { client, sink } = scene()
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!ls'))
  client.destroy()
  await sink.settled
  expect(client.text).toBe('')
})

test('a verdict that cannot be written ends this reply, and nothing else', async () => {
  const hold = new LetterHold()
  hold.settle = () => {
    throw new RangeError('too deep')
  }
  const { client, sink, refused, settle } = scene({ newHold: () => hold })
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!ls'))
  await settle({ kind: 'release' })
  await sink.settled
  expect([client.text, client.isGone, refused]).toEqual(['', true, ['llm.unreadable-reply']])
})

test('a document that is empty is refused, and its client is told', async () => {
  const { client, sink, refused } = scene()
  sink.head(200, 'OK', [...DOCUMENT])
  sink.end()
  await sink.settled
  expect([client.heads.map(({ status }) => status), client.isEnded]).toEqual([[403], true])
  expect(refused).toEqual(['llm.unreadable-reply'])
})

test('a call is judged when it can leave: what comes before it may change what is allowed', async () => {
  const asked: string[] = []
  const answers = [Promise.withResolvers<Judged>(), Promise.withResolvers<Judged>()]
  const { client, sink } = scene({
    judge: ({ tool, index }) => {
      asked.push(tool)
      return answers[index]?.promise ?? Promise.reject(new Error('one too many'))
    },
  })
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!first'))
  sink.write(Buffer.from('!second'))
  await turn()
  expect(asked).toEqual(['first'])
  answers[0]?.resolve({ kind: 'release' })
  await turn()
  expect([asked, client.text]).toEqual([['first', 'second'], 'call0'])
  answers[1]?.resolve({ kind: 'replace', say: 'no' })
  await turn()
  expect(client.text).toBe('call0no')
})

test('what waits behind another is not judged for a client that has gone', async () => {
  const asked: string[] = []
  const first = Promise.withResolvers<Judged>()
  const { client, sink } = scene({
    judge: ({ tool }) => {
      asked.push(tool)
      return first.promise
    },
  })
  sink.head(200, 'OK', [...EVENTS])
  sink.write(Buffer.from('!first'))
  sink.write(Buffer.from('!second'))
  await turn()
  client.destroy()
  first.resolve({ kind: 'release' })
  await turn()
  expect([asked, client.text]).toEqual([['first'], ''])
})
