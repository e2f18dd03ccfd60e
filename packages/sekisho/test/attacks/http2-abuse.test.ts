import { FRAME } from '../../src/gate/http2-frames.ts'
import { allow, arrives, type Attack, HOST, testFamily } from './harness.ts'
import {
  asHttp2,
  encode,
  type Field,
  FLAG,
  frame,
  framedRows,
  pseudo,
  PSEUDO,
  request,
} from './http2-client.ts'

const ABUSE = 'invariant.http2-abuse'
const POST = pseudo({ ':method': 'POST' })

const many = (count: number, make: (index: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, index) => make(index))
const headers = (flags: number, fields: readonly Field[]): Buffer =>
  frame(FRAME.headers, { flags, stream: 1 }, encode(fields))
const CLOSED = pseudo({ ':path': '/private' })
const RESET = Buffer.from([0, 0, 0, 8])

const floods: Attack[] = [
  ...framedRows(
    { told: 'reset', rule: ABUSE, record: ['deny default', `deny ${ABUSE}`], isFlood: true },
    {
      'requests that are reset at once, by the thousand': many(3_000, (index) =>
        Buffer.concat([
          request(CLOSED, 2 * index + 3),
          frame(FRAME.rstStream, { stream: 2 * index + 3 }, RESET),
        ]),
      ),
    },
  ),
  ...framedRows(
    { told: 'reset', rule: ABUSE, isFlood: true },
    {
      'settings, by the thousand': many(5_000, () => frame(FRAME.settings, {})),
      'pings, by the thousand': many(5_000, () => frame(FRAME.ping, {}, Buffer.alloc(8))),
      'priorities, by the thousand': many(5_000, () =>
        frame(FRAME.priority, { stream: 3 }, Buffer.from([0, 0, 0, 1, 0])),
      ),
      'window updates, by the thousand': many(9_000, () =>
        frame(FRAME.windowUpdate, {}, Buffer.from([0, 0, 0, 1])),
      ),
      'empty data, by the thousand': [
        headers(FLAG.endHeaders, POST),
        ...many(5_000, () => frame(FRAME.data, { stream: 1 })),
      ],
      'frames of an unknown type, by the thousand': many(5_000, () =>
        frame(77, {}, Buffer.alloc(4)),
      ),
      'a head in thousands of frames': [
        headers(FLAG.endStream, PSEUDO),
        ...many(5_000, () =>
          frame(FRAME.continuation, { stream: 1 }, encode([['x', 'yyyyyyyyyy']])),
        ),
      ],
      'a head in thousands of empty frames': [
        headers(FLAG.endStream, PSEUDO),
        ...many(5_000, () => frame(FRAME.continuation, { stream: 1 })),
      ],
    },
  ),
]

const broken: Attack[] = [
  ...framedRows(
    { told: 'GOAWAY FRAME_SIZE_ERROR', rule: ABUSE },
    {
      'a frame above the size that was told': [
        frame(FRAME.data, { stream: 1 }, Buffer.alloc(20_000)),
      ],
      'settings cut short': [frame(FRAME.settings, {}, Buffer.alloc(5))],
      'an acknowledgement of settings that brings some': [
        frame(FRAME.settings, { flags: FLAG.ack }, Buffer.alloc(6)),
      ],
      'a ping cut short': [frame(FRAME.ping, {}, Buffer.alloc(5))],
    },
  ),
  ...framedRows(
    { told: 'GOAWAY PROTOCOL_ERROR', rule: ABUSE },
    {
      'data of a stream that was never opened': [frame(FRAME.data, { stream: 5 }, Buffer.alloc(2))],
      'a continuation of nothing': [
        frame(FRAME.continuation, { stream: 1, flags: FLAG.endHeaders }, encode(PSEUDO)),
      ],
      'a ping inside a head': [headers(0, PSEUDO), frame(FRAME.ping, {}, Buffer.alloc(8))],
    },
  ),
  ...framedRows(
    { told: 'GOAWAY COMPRESSION_ERROR', rule: ABUSE },
    {
      'a head that is no HPACK': [
        frame(FRAME.headers, { flags: 5, stream: 1 }, Buffer.alloc(5, 0xff)),
      ],
      'a head that asks for a larger table': [
        frame(
          FRAME.headers,
          { flags: 5, stream: 1 },
          Buffer.concat([Buffer.from([0x3f, 0xff, 0xff, 0x3f]), encode(PSEUDO)]),
        ),
      ],
    },
  ),
  ...framedRows(
    { told: 'reset', rule: ABUSE },
    {
      'a window that overflows': [
        frame(FRAME.windowUpdate, {}, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      ],
      'a window that grows by nothing': [frame(FRAME.windowUpdate, {}, Buffer.alloc(4))],
      'a stream with the number of a server’s': [request(PSEUDO, 2)],
      'a promise from a client': [
        frame(
          FRAME.pushPromise,
          { stream: 1, flags: FLAG.endHeaders },
          Buffer.concat([Buffer.from([0, 0, 0, 2]), encode(PSEUDO)]),
        ),
      ],
    },
  ),
  {
    name: 'HTTP/1.1 where HTTP/2 was agreed on',
    run: asHttp2(Buffer.from(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)),
    told: 'GOAWAY INTERNAL_ERROR',
    rule: ABUSE,
  },
]

testFamily({
  rules: [allow(HOST, { paths: ['/public/**'] })],
  controls: [arrives('a request by HTTP/1.1')],
  attacks: [...floods, ...broken],
})
