import {
  allow,
  arrives,
  each,
  get,
  HOST,
  OTHER,
  type Attack,
  dialling,
  overTcp,
  overTls,
  testFamily,
} from './harness.ts'
import * as tls from './hello.ts'

const hello = tls.hello(tls.serverNames([HOST]))

/** The name is allowed, the port is not. */
const ports: Attack[] = [22, 25, 53, 853, 2375, 3128, 5432, 6379, 8080, 8443, 65_535].map(
  (port) => ({
    name: `port ${port} of a name that is open at another`,
    run: overTcp(hello, { port }),
    told: 'reset',
    rule: 'default',
  }),
)

const otherTalk: Attack[] = [
  ...each(
    { told: 'reset', rule: 'invariant.tls-malformed', via: (sent) => overTcp(sent, { port: 443 }) },
    {
      'SSH at the port of https': 'SSH-2.0-OpenSSH_9.2\r\n',
      'mail at the port of https': 'EHLO a.example\r\n',
      'SOCKS 5 at the port of https': Buffer.from([5, 1, 0]),
      'SOCKS 4 at the port of https': Buffer.from([4, 1, 1, 187, 93, 184, 216, 34, 0]),
      'a DNS message at the port of https': Buffer.from('001d000001000001000000000000', 'hex'),
    },
  ),
  ...each(
    { told: 400, rule: 'invariant.http-malformed', via: (sent) => overTcp(sent, { port: 80 }) },
    {
      'TLS at the port of http': hello,
      'SSH at the port of http': 'SSH-2.0-OpenSSH_9.2\r\n',
      'SOCKS 5 at the port of http': Buffer.from([5, 1, 0]),
    },
  ),
  ...each(
    { told: 400, rule: 'invariant.http-malformed', via: overTls },
    {
      'SSH inside TLS': 'SSH-2.0-OpenSSH_9.2\r\n',
      'TLS inside TLS': hello,
      'bytes of no protocol inside TLS': Buffer.from([0, 255, 1, 2, 3, 4]),
    },
  ),
  {
    name: 'plain http to a name that is open over https alone',
    run: overTcp(get('/').replaceAll(HOST, OTHER), { name: OTHER, port: 80 }),
    told: 403,
    rule: 'default',
  },
]

const LITERALS = [
  ['a public address', '93.184.216.34', 443],
  ['the address of a name outside, at the port of http', '93.184.216.34', 80],
  ['a public IPv6 address', '2606:2800:220:1:248:1893:25c8:1946', 443],
  ['the metadata service', '169.254.169.254', 80],
  ['the metadata service over IPv6', 'fd00:ec2::254', 80],
  ['a private address', '10.0.0.1', 443],
  ['an address of a home network', '192.168.1.1', 80],
  ['an address of a container network', '172.17.0.1', 2375],
  ['a shared address', '100.64.0.1', 443],
  ['a unique local IPv6 address', 'fd00::1', 443],
  ['an IPv6 address that embeds one of IPv4', '64:ff9b::a9fe:a9fe', 80],
  ['a 6to4 address', '2002:a9fe:a9fe::1', 80],
  ['a Teredo address', '2001:0:4136:e378:8000:63bf:3fff:fdd2', 443],
  ['a made-up address that was never given out', '198.18.77.77', 443],
  ['the gate by its own address', '198.19.255.1', 443],
  ['another port of the resolver', '198.19.255.1', 80],
  ['the gate by its own IPv6 address', 'fd53:656b:6973:686f::1', 443],
  ['a resolver of the world, over TCP', '8.8.8.8', 53],
  ['a resolver of the world, over TLS', '1.1.1.1', 853],
  ['a resolver of the world, over https', '1.1.1.1', 443],
] as const

const literals: Attack[] = LITERALS.map(([what, address, port]) => ({
  name: `a connection to ${what}`,
  run: dialling(address, port, hello),
  told: 'reset',
  rule: 'invariant.literal-address',
}))

testFamily({
  rules: [allow(HOST), allow(HOST, { id: 'plain', scheme: 'http', port: 80 }), allow(OTHER)],
  controls: [arrives('https at its port')],
  attacks: [...ports, ...otherTalk, ...literals],
})
