import { expect } from 'vitest'
import {
  allow,
  type Attack,
  EVIL,
  get,
  HOST,
  OTHER,
  overTcp,
  testFamily,
  type World,
} from './harness.ts'
import * as tls from './hello.ts'
import { TOKEN, TOKEN_RULE } from './planted.ts'

const DB = 5432
const INTERNAL = 'internal.example.com'

/** Each piece in a segment of its own, a moment apart. */
const pieces =
  (...sent: (string | Buffer)[]): Attack['run'] =>
  async ({ wire }) => {
    const socket = wire.dial(await wire.lookUp(HOST), DB)
    const ended = wire.talk(socket, [])
    for (const piece of sent) {
      socket.write(piece)
      await new Promise<void>((resolve) => void setImmediate(resolve))
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    return (await ended) === '' ? 'reset' : 'answered'
  }

const cut = { rule: TOKEN_RULE, record: ['allow db', `deny ${TOKEN_RULE}`, 'failed DATA_STOPPED'] }

const streams: Attack[] = [
  {
    name: 'a secret in the first bytes of a connection',
    run: pieces(TOKEN),
    told: 'reset',
    opened: 1,
    ...cut,
  },
  {
    name: 'a secret at the end of a long piece',
    run: pieces(`${'select 1; '.repeat(900)}${TOKEN}`),
    told: 'reset',
    opened: 1,
    ...cut,
  },
]

const passed = (sent: string | Buffer): Attack['run'] => overTcp(sent, { name: OTHER, port: 443 })

const hellos: Attack[] = [
  ['a hello for another name', tls.hello(tls.serverNames([EVIL])), 'invariant.sni-mismatch'],
  ['a hello without a name', tls.hello(tls.protocols('h2')), 'invariant.no-sni'],
  [
    'a hello that hides its name',
    tls.hello(tls.serverNames([OTHER]), tls.extension(tls.EXTENSION.ech, Buffer.alloc(32))),
    'invariant.ech',
  ],
  ['plain HTTP', get('/public/a'), 'invariant.tls-malformed'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', 'invariant.tls-malformed'],
].map(([what, sent, rule]) => ({
  name: `${String(what)} where TLS is passed through`,
  run: passed(typeof sent === 'string' || Buffer.isBuffer(sent) ? sent : ''),
  told: 'reset',
  rule: String(rule),
}))

const places: Attack[] = [
  {
    name: 'a stream to a name that resolves to a private address',
    run: overTcp('x', { name: INTERNAL, port: DB }),
    told: 'reset',
    rule: 'invariant.private-address',
    record: ['allow internal', 'refused invariant.private-address'],
    asked: [INTERNAL],
  },
  {
    name: 'a stream to another port of its name',
    run: overTcp('x', { port: 6379 }),
    told: 'reset',
    rule: 'default',
  },
]

const spoken = {
  name: 'a stream of bytes without secrets',
  run: async ({ wire, outside }: World): Promise<void> => {
    const socket = wire.dial(await wire.lookUp(HOST), DB)
    socket.end('select 1')
    await wire.talk(socket, [])
    expect(outside.heard).toBe('select 1')
  },
}

testFamily({
  rules: [
    allow(HOST, { id: 'db', scheme: 'tcp', port: DB }),
    allow(INTERNAL, { id: 'internal', scheme: 'tcp', port: DB }),
    allow(OTHER, { id: 'passed', scheme: 'tls' }),
  ],
  prepare: ({ outside }) => void outside.zone.answers.set(INTERNAL, ['192.168.7.7']),
  controls: [spoken],
  attacks: [...streams, ...hellos, ...places],
})
