import {
  arrives,
  each,
  EVIL,
  HOST,
  OTHER,
  overTcp,
  testFamily,
  type Sent,
  type Attack,
} from './harness.ts'
import * as tls from './hello.ts'

const via = (sent: Sent): Attack['run'] => overTcp(sent, { port: 443 })
const reset = (rule: string): { told: string; rule: string; via: typeof via } => ({
  told: 'reset',
  rule,
  via,
})

const named = (...more: Buffer[]): Buffer => tls.hello(tls.serverNames([HOST]), ...more)

const nameless = each(reset('invariant.no-sni'), {
  'a hello without a server name': tls.hello(tls.protocols('http/1.1')),
  'a hello without any extension': tls.record(tls.message(tls.helloBody([]).subarray(0, -2))),
})

const names = each(
  reset('invariant.sni-mismatch'),
  Object.fromEntries(
    [
      ['another allowed name', OTHER],
      ['a name that no rule allows', EVIL],
      ['a name below the dialled one', `x.${HOST}`],
      ['the dialled name below another', `${HOST}.${EVIL}`],
      ['the dialled name, NUL and another', `${HOST}\0.${EVIL}`],
      ['another name, NUL and the dialled one', `${EVIL}\0.${HOST}`],
      ['the dialled name and two dots', `${HOST}..`],
      ['the dialled name with a port', `${HOST}:443`],
      ['an IPv4 address', '93.184.216.34'],
      ['an IPv6 address', '2606:2800:220:1::1'],
      ['a wildcard', '*.example.com'],
      ['nothing, at no length', ''],
      ['a homograph of the dialled name', Buffer.from('аpi.example.com').toString('latin1')],
      ['two names in one, by a line break', `${HOST}\r\n${EVIL}`],
    ].map(([what = '', name = '']) => [
      `a server name that is ${what}`,
      tls.hello(tls.serverNames([name])),
    ]),
  ),
)

const hidden = each(reset('invariant.ech'), {
  'an encrypted ClientHello': named(tls.extension(tls.EXTENSION.ech, Buffer.alloc(64))),
  'an encrypted ClientHello, empty': named(tls.extension(tls.EXTENSION.ech, Buffer.alloc(0))),
})

const foreign = each(reset('invariant.alpn'), {
  'HTTP/3 as the only protocol': named(tls.protocols('h3')),
  'SPDY as the only protocol': named(tls.protocols('spdy/3.1')),
  'the challenge of a certificate as the only protocol': named(tls.protocols('acme-tls/1')),
  'IMAP and mail protocols': named(tls.protocols('imap', 'managesieve')),
  'DNS over TLS': named(tls.protocols('dot')),
})

const twice = tls.extension(tls.EXTENSION.alpn, tls.sized(2, tls.sized(1, Buffer.from('http/1.1'))))

const malformed = each(reset('invariant.tls-malformed'), {
  'two server names in one list': tls.hello(tls.serverNames([HOST, EVIL])),
  'two lists of server names': named(tls.serverNames([EVIL])),
  'a server name of another kind': tls.hello(tls.serverNames([HOST], 1)),
  'an extension twice': named(twice, twice),
  'bytes after the extensions': tls.record(
    tls.message(Buffer.concat([tls.helloBody([tls.serverNames([HOST])]), Buffer.alloc(3)])),
  ),
  'an extension longer than the hello': tls.hello(Buffer.from([0, 0, 0xff, 0xff, 1])),
  'a record of no length': tls.record(Buffer.alloc(0)),
  'a record longer than any hello': Buffer.from([22, 3, 1, 0xff, 0xff, 1]),
  'a message longer than any hello': tls.record(Buffer.from([1, 0xff, 0xff, 0xff, 3, 3])),
  'a ServerHello': tls.record(tls.message(tls.helloBody([]), 2)),
  'an alert': tls.record(Buffer.from([2, 40]), [21, 3, 1]),
  'application data': tls.record(Buffer.from('GET / HTTP/1.1'), [23, 3, 3]),
  'an SSL 2 hello': Buffer.from('802e0100020015000000100100800300', 'hex'),
  'a TLS record of a version before SSL 3': tls.record(tls.message(tls.helloBody([])), [22, 2, 0]),
  'plain HTTP': `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
  'a hello that never ends, in tiny records': Buffer.concat(
    Array.from({ length: 7_000 }, () => tls.record(Buffer.from([1]))),
  ),
})

testFamily({
  controls: [arrives('a hello that says what was dialled')],
  attacks: [...nameless, ...names, ...hidden, ...foreign, ...malformed],
})
