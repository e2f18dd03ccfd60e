import { expect } from 'vitest'
import { FrameReader, writeFrame } from '../../src/gate/websocket/frames.ts'
import { allow, type Attack, EVIL, HOST, overTcp, testFamily, told, type World } from './harness.ts'
import { TOKEN, TOKEN_RULE } from './planted.ts'

const MASK = Buffer.from([1, 2, 3, 4])
const HALF = 12
const HANDSHAKE = [
  `Host: ${HOST}`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
]

const ask = (path: string, fields: readonly string[] = HANDSHAKE): string =>
  `GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`
const without = (name: string, ...more: string[]): string =>
  ask('/chat', [...HANDSHAKE.filter((field) => !field.startsWith(`${name}:`)), ...more])

type Kind = 'text' | 'binary' | 'ping' | 'pong' | 'close'
const say = (payload: string | Buffer, type: Kind = 'text'): Buffer =>
  writeFrame({ type, payload: bytesOf(payload) }, MASK)
const bytesOf = (text: string | Buffer): Buffer =>
  typeof text === 'string' ? Buffer.from(text, 'latin1') : text
/** @param head first byte: final bit, reserved bits, opcode */
const raw = (head: number, payload: string | Buffer, mask = 0x80): Buffer => {
  const bytes = bytesOf(payload)
  const masking = mask === 0 ? [] : [0, 0, 0, 0]
  return Buffer.concat([Buffer.from([head, mask | bytes.length, ...masking]), bytes])
}

/** Opens a WebSocket, sends frames, and tells how it ended. */
const inSocket =
  (...frames: Buffer[]): Attack['run'] =>
  async ({ wire }) => {
    const socket = wire.dial(await wire.lookUp(HOST), 80)
    const switched = new Promise<Buffer>((resolve) => void socket.once('data', resolve))
    socket.write(ask('/chat'))
    const first = told((await switched).toString('latin1'))
    const reader = new FrameReader('server', 2 ** 20)
    const rest = Buffer.from(await wire.talk(socket, frames), 'latin1')
    const codes = reader
      .push(rest)
      .filter(({ type }) => type === 'close')
      .map(({ payload }) => payload.readUInt16BE(0))
    return `${first}; ${codes.join() || 'reset'}`
  }

const stopped = {
  told: '101; 1008',
  rule: TOKEN_RULE,
  record: ['allow ws', `deny ${TOKEN_RULE}`, 'failed DATA_STOPPED'],
  arrived: [],
}

const messages: Attack[] = Object.entries<[Buffer[], string?]>({
  'a secret in a text message': [[say(`{"x":"${TOKEN}"}`)]],
  'a secret in a binary message': [[say(TOKEN, 'binary')]],
  'a secret in a ping': [[say(TOKEN, 'ping')]],
  'a secret in a pong': [[say(TOKEN, 'pong')]],
  'a secret in the reason of a close': [[say(`\x03\xe8${TOKEN}`, 'close')]],
  'a secret in fragments': [[raw(0x01, TOKEN.slice(0, HALF)), raw(0x80, TOKEN.slice(HALF))]],
  'a secret in fragments with a ping between': [
    [raw(0x01, TOKEN.slice(0, HALF)), say('hello', 'ping'), raw(0x80, TOKEN.slice(HALF))],
    'hello',
  ],
  'a secret over two messages': [
    [say(TOKEN.slice(0, HALF)), say(TOKEN.slice(HALF))],
    TOKEN.slice(0, HALF),
  ],
  'a secret behind harmless messages': [[say('one'), say('two'), say(TOKEN)], 'onetwo'],
}).map(([name, [frames, heard = '']]) => ({ ...stopped, name, run: inSocket(...frames), heard }))

const malformed: Attack[] = Object.entries({
  'a frame without a mask': raw(0x81, 'a', 0),
  'a reserved bit': raw(0xc1, 'a'),
  'a reserved opcode': raw(0x83, 'a'),
  'a reserved control opcode': raw(0x8b, 'a'),
  'a continuation of nothing': raw(0x80, 'a'),
  'a message inside a message': Buffer.concat([raw(0x01, 'a'), raw(0x81, 'b')]),
  'a control frame in fragments': raw(0x09, 'a'),
  'a long control frame': Buffer.concat([Buffer.from([0x89, 0xfe, 0, 126]), Buffer.alloc(130)]),
  'text that is no UTF-8': raw(0x81, Buffer.from([0xff])),
  'a length above any message': Buffer.from([0x82, 0xff, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  'a length in a longer form than it needs': Buffer.from([0x82, 0xfe, 0, 1, 0, 0, 0, 0, 97]),
}).map(([what, frame]) => ({
  name: `${what} in a WebSocket`,
  run: inSocket(frame),
  told: '101; 1002',
  rule: 'none',
  record: ['allow ws', 'deny invariant.websocket-malformed', 'failed DATA_STOPPED'],
  arrived: [],
}))

const upgrade = { told: 400, rule: 'invariant.upgrade' }
const handshakes: Attack[] = [
  { ...upgrade, name: 'a handshake by POST', sent: ask('/chat').replace('GET', 'POST') },
  { ...upgrade, name: 'a handshake without a key', sent: without('Sec-WebSocket-Key') },
  {
    ...upgrade,
    name: 'a handshake with two keys',
    sent: without('None', 'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=='),
  },
  {
    ...upgrade,
    name: 'a handshake with a key that carries data',
    sent: without('Sec-WebSocket-Key', `Sec-WebSocket-Key: ${TOKEN}`),
  },
  {
    ...upgrade,
    name: 'a handshake of another version',
    sent: without('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'),
  },
  {
    ...upgrade,
    name: 'a handshake for two protocols',
    sent: without('Upgrade', 'Upgrade: websocket', 'Upgrade: h2c'),
  },
  {
    told: 421,
    rule: 'invariant.host-mismatch',
    name: 'a handshake whose Host is another name',
    sent: without('Host', `Host: ${EVIL}`),
  },
  { told: 403, rule: 'default', name: 'a handshake for a closed path', sent: ask('/closed') },
  {
    told: 426,
    rule: 'invariant.upgrade',
    name: 'a handshake for a path that only requests may reach',
    sent: ask('/plain/a'),
  },
  {
    told: 403,
    rule: TOKEN_RULE,
    name: 'a handshake with a secret in its URL',
    sent: ask(`/chat?a=${TOKEN}`),
  },
  {
    told: 403,
    rule: TOKEN_RULE,
    name: 'a handshake with a secret in its protocols',
    sent: without('None', `Sec-WebSocket-Protocol: chat, ${TOKEN}`),
  },
].map(({ sent, ...attack }) => ({ ...attack, run: overTcp(sent) }))

async function talk(world: World): Promise<void> {
  const { outside } = world
  const before = outside.heard.length
  expect(await inSocket(say('hello'), say('\x03\xe8', 'close'))(world)).toBe('101; 1000')
  expect(outside.heard.slice(before)).toBe('hello\x03\xe8')
}

testFamily({
  rules: [
    allow(HOST, {
      id: 'ws',
      scheme: 'http',
      port: 80,
      paths: ['/chat'],
      options: { websocket: true },
    }),
    allow(HOST, { id: 'plain', scheme: 'http', port: 80, paths: ['/plain/**'] }),
  ],
  controls: [{ name: 'messages without secrets', run: talk }],
  attacks: [...messages, ...malformed, ...handshakes],
})
