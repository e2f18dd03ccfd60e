import {
  allow,
  arrives,
  type Attack,
  dialling,
  each,
  EVIL,
  get,
  head,
  HOST,
  OTHER,
  type Sent,
  testFamily,
  told,
  type World,
} from './harness.ts'
import { expect } from 'vitest'
import * as tls from './hello.ts'

const PROXY = '198.19.255.1'
const PORT = 3128
const INTERNAL = 'internal.example.com'

const via = (sent: Sent): Attack['run'] => dialling(PROXY, PORT, sent)
const connect = (to: string, ...fields: string[]): string =>
  `CONNECT ${to} HTTP/1.1\r\n${[`Host: ${to}`, ...fields].join('\r\n')}\r\n\r\n`
const ask = (target: string, ...fields: string[]): string => head(`GET ${target}`, ...fields)

const closed = each(
  { told: 403, rule: 'default', via },
  {
    'a tunnel to a name that no rule allows': connect(`${EVIL}:443`),
    'a tunnel to a port that no rule opens': connect(`${HOST}:22`),
    'a tunnel to the port of mail': connect(`${HOST}:25`),
    'a tunnel to a name below an allowed one': connect(`x.${HOST}:443`),
    'a request for a name that no rule allows': ask(`http://${EVIL}/public/a`, `Host: ${EVIL}`),
    'a request for a closed path': ask(`http://${HOST}/private`, `Host: ${HOST}`),
    'a request for another port': ask(`http://${HOST}:8080/public/a`, `Host: ${HOST}:8080`),
  },
)

const literal = each(
  { told: 403, rule: 'invariant.literal-address', via },
  Object.fromEntries(
    [
      '93.184.216.34:443',
      '169.254.169.254:80',
      '127.0.0.1:22',
      '10.0.0.1:443',
      '[2606:2800:220:1::1]:443',
      '[::1]:80',
      '[::ffff:127.0.0.1]:80',
      '[64:ff9b::a9fe:a9fe]:80',
      `${PROXY}:${PORT}`,
    ].map((address) => [`a tunnel to ${address}`, connect(address)]),
  ),
)

const malformed = each(
  { told: 400, rule: 'invariant.http-malformed', via },
  {
    'a tunnel to an address as one number': connect('2130706433:443'),
    'a tunnel to a short address': connect('127.1:80'),
    'a tunnel to an address in octal': connect('0177.0.0.01:80'),
    'a tunnel to an address in hexadecimal': connect('0x7f000001:80'),
    'a tunnel to a name without a port': connect(HOST),
    'a tunnel to port 0': connect(`${HOST}:0`),
    'a tunnel to a port above 65535': connect(`${HOST}:65979`),
    'a tunnel to a name with user information': connect(`${EVIL}@${HOST}:443`),
    'a tunnel to a URL': connect(`https://${HOST}:443/`),
    'a tunnel to a path': connect('/public/a'),
    'a tunnel without Host': `CONNECT ${HOST}:443 HTTP/1.1\r\n\r\n`,
    'a tunnel with two Hosts': connect(`${HOST}:443`, `Host: ${HOST}:443`),
    'a tunnel that brings a length': connect(`${HOST}:443`, 'Content-Length: 5'),
    'a tunnel that brings chunks': connect(`${HOST}:443`, 'Transfer-Encoding: chunked'),
    'bytes that are no request': Buffer.from([5, 1, 0]),
    'TLS to the proxy': tls.hello(tls.serverNames([HOST])),
  },
)

const old = each(
  { told: 505, rule: 'invariant.http-malformed', via },
  { 'a tunnel by HTTP/1.0': `CONNECT ${HOST}:443 HTTP/1.0\r\nHost: ${HOST}:443\r\n\r\n` },
)

const differing = each(
  { told: 400, rule: 'invariant.host-mismatch', via },
  {
    'a tunnel whose Host is another name': `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${EVIL}:443\r\n\r\n`,
    'a tunnel whose Host is another port': `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}:22\r\n\r\n`,
    'a tunnel to a closed name whose Host is open': `CONNECT ${EVIL}:443 HTTP/1.1\r\nHost: ${HOST}:443\r\n\r\n`,
  },
)

const confused = each(
  { told: 421, rule: 'invariant.host-mismatch', via },
  {
    'a request whose Host is another name': ask(`http://${HOST}/public/a`, `Host: ${EVIL}`),
    'a request for another name than its Host': ask(`http://${OTHER}/public/a`, `Host: ${HOST}`),
    'a request for https without a tunnel': ask(`https://${HOST}/public/a`, `Host: ${HOST}`),
    'a request with user information': ask(`http://${EVIL}@${HOST}/public/a`, `Host: ${HOST}`),
    'a request to the proxy itself': ask('/public/a', `Host: ${HOST}`),
    'a request for an address': ask('http://169.254.169.254/latest/', 'Host: 169.254.169.254'),
    'a request for an address in brackets': ask('http://[::1]/', 'Host: [::1]'),
  },
)

const traced = each(
  { told: 405, rule: 'invariant.http-malformed', via },
  { 'TRACE through the proxy': head(`TRACE http://${HOST}/public/a`, `Host: ${HOST}`) },
)

/** A tunnel that is allowed, and what the agent does in it. */
const inTunnel =
  (sent: Sent, servername?: string): Attack['run'] =>
  async (world) => {
    const { wire } = world
    const socket = wire.dial(PROXY, PORT)
    const opened = new Promise<Buffer>((resolve) => socket.once('data', resolve))
    socket.write(connect(servername === INTERNAL ? `${INTERNAL}:443` : `${HOST}:443`))
    const first = told((await opened).toString('latin1'))
    if (servername === undefined) return `${first}; ${await dialOn(world, socket, sent)}`
    const secure = await wire.secure(socket, { servername })
    return `${first}; ${await dialOn(world, secure, sent)}`
  }

type Socket = Parameters<World['wire']['talk']>[0]

async function dialOn({ wire }: World, socket: Socket, sent: Sent): Promise<string> {
  return told(
    await wire.talk(socket, typeof sent === 'string' || Buffer.isBuffer(sent) ? [sent] : sent),
  )
}

const tunnelled: Attack[] = [
  {
    name: 'a tunnel in which the hello names another host',
    run: inTunnel(tls.hello(tls.serverNames([EVIL]))),
    told: '200; reset',
    rule: 'invariant.sni-mismatch',
  },
  {
    name: 'a tunnel in which the hello names nobody',
    run: inTunnel(tls.hello(tls.protocols('http/1.1'))),
    told: '200; reset',
    rule: 'invariant.no-sni',
  },
  {
    name: 'a tunnel to https in which plain HTTP is spoken',
    run: inTunnel(get('/public/a')),
    told: '200; reset',
    rule: 'invariant.tls-malformed',
  },
  {
    name: 'a tunnel in which SSH is spoken',
    run: inTunnel('SSH-2.0-OpenSSH_9.2\r\n'),
    told: '200; reset',
    rule: 'invariant.tls-malformed',
  },
  {
    name: 'a tunnel in which Host is another name',
    run: inTunnel(ask('/public/a', `Host: ${EVIL}`), HOST),
    told: '200; 421 invariant.host-mismatch',
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'a tunnel in which a closed path is asked for',
    run: inTunnel(get('/private'), HOST),
    told: '200; 403 default',
    rule: 'default',
  },
  {
    name: 'a tunnel in a tunnel',
    run: inTunnel(connect(`${EVIL}:443`), HOST),
    told: '200; 405 invariant.http-malformed',
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a tunnel to a name that resolves to a private address',
    run: inTunnel(head('GET /', `Host: ${INTERNAL}`), INTERNAL),
    told: '200; 403 invariant.private-address',
    rule: 'invariant.private-address',
    record: ['allow internal', 'refused invariant.private-address'],
    asked: [INTERNAL],
  },
]

const relayed: Attack[] = [
  {
    name: 'a second request for another name behind one that is allowed',
    run: via(
      `GET http://${HOST}/public/a HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${ask(`http://${EVIL}/a`, `Host: ${EVIL}`)}`,
    ),
    told: '200; 403 default',
    rule: 'default',
    record: ['allow plain', 'deny default'],
    arrived: [`GET ${HOST}/public/a`],
  },
  {
    name: 'a tunnel behind a request that is still being answered',
    run: via(
      `GET http://${HOST}/private HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${connect(`${EVIL}:443`)}`,
    ),
    told: 'reset',
    rule: 'invariant.http-malformed',
    record: ['deny default', 'deny invariant.http-malformed'],
  },
]

const proxied = (
  name: string,
  sent: Sent,
): { name: string; run: (world: World) => Promise<void> } => ({
  name,
  run: async (world) => expect(await via(sent)(world)).toBe('200'),
})

const throughTunnel = {
  name: 'a request in a tunnel',
  run: async (world: World) => {
    expect(await inTunnel(get('/public/a'), HOST)(world)).toBe('200; 200')
  },
}

testFamily({
  rules: [
    allow(HOST, { paths: ['/public/**'] }),
    allow(HOST, { id: 'plain', scheme: 'http', port: 80, paths: ['/public/**'] }),
    allow(INTERNAL, { id: 'internal' }),
  ],
  prepare: ({ outside }) => void outside.zone.answers.set(INTERNAL, ['10.1.2.3']),
  controls: [
    arrives('a request without a proxy'),
    proxied('a request through the proxy', ask(`http://${HOST}/public/a`, `Host: ${HOST}`)),
    throughTunnel,
  ],
  attacks: [
    ...closed,
    ...literal,
    ...malformed,
    ...old,
    ...differing,
    ...confused,
    ...traced,
    ...tunnelled,
    ...relayed,
  ],
})
