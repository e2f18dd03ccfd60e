import { expect, test } from 'vitest'
import { AttemptSink } from './attempt-sink.ts'
import { NotingSink } from './testing/noting-sink.ts'

test.each([408, 429, 500, 503, 529])('a %i is swallowed where another may do better', (status) => {
  const client = new NotingSink()
  const sink = new AttemptSink(client, { isLast: false })
  sink.head(status, '', ['retry-after', '2'])
  sink.write(Buffer.from('busy'))
  sink.end('busy')
  sink.destroy()
  expect([sink.isSwallowed, sink.retryAfterMs, client.heads, client.text]).toEqual([
    true,
    2000,
    [],
    '',
  ])
  expect([client.isEnded, client.isGone]).toEqual([false, false])
})

test.each([200, 400, 401, 403, 404])('a %i is passed on', (status) => {
  const client = new NotingSink()
  const sink = new AttemptSink(client, { isLast: false })
  sink.head(status, '', ['a', 'b'])
  sink.end('body')
  expect([client.heads, client.text, client.isEnded]).toEqual([
    [{ status, fields: ['a', 'b'] }],
    'body',
    true,
  ])
})

test('the last target answers whatever it answers', () => {
  const client = new NotingSink()
  const sink = new AttemptSink(client, { isLast: true })
  sink.head(503, '', [])
  sink.end('busy')
  expect([sink.isSwallowed, client.text]).toEqual([false, 'busy'])
})

test('a reply in another format is translated, and its length forgotten', () => {
  const client = new NotingSink()
  const translate = () => ({
    contentType: 'text/event-stream',
    push: (bytes: Buffer) => Buffer.from(bytes.toString().toUpperCase()),
    end: () => Buffer.from('.'),
  })
  const sink = new AttemptSink(client, { isLast: true, translate })
  sink.head(200, '', ['content-type', 'application/json', 'content-length', '2', 'x-a', 'b'])
  sink.write(Buffer.from('a'))
  sink.end(Buffer.from('b'))
  expect(client.heads).toEqual([
    { status: 200, fields: ['x-a', 'b', 'content-type', 'text/event-stream'] },
  ])
  expect(client.text).toBe('AB.')
})
