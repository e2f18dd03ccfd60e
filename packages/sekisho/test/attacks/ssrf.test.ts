import {
  allow,
  arrives,
  type Attack,
  head,
  overTcp,
  overTls,
  testFamily,
  type World,
} from './harness.ts'

const RULE = 'invariant.private-address'
const ZONE = 'ssrf.example.com'
const REBOUND = `rebound.${ZONE}`
const ALIAS = `alias.${ZONE}`

/** What the attacker's zone answers for an allowed name; every one of them would be dialled. */
const ANSWERS: readonly (readonly [what: string, ...addresses: string[]])[] = [
  ['loopback', '127.0.0.1'],
  ['another address of loopback', '127.77.0.1'],
  ['loopback over IPv6', '::1'],
  ['the unspecified address, which is loopback too', '0.0.0.0'],
  ['the unspecified IPv6 address', '::'],
  ['an address of “this network”', '0.1.2.3'],
  ['a private address of class A', '10.1.2.3'],
  ['a private address of class B', '172.31.255.254'],
  ['a private address of class C', '192.168.0.1'],
  ['a shared address behind a carrier', '100.64.0.1'],
  ['a link-local address', '169.254.1.1'],
  ['a link-local IPv6 address', 'fe80::1'],
  ['a unique local address', 'fd12:3456:789a::1'],
  ['a site-local address', 'fec0::1'],
  ['the metadata service of most clouds', '169.254.169.254'],
  ['the credentials of a container', '169.254.170.2'],
  ['the metadata service of Alibaba', '100.100.100.200'],
  ['the platform of Azure, in public space', '168.63.129.16'],
  ['the metadata service over IPv6', 'fd00:ec2::254'],
  ['the metadata service of Google over IPv6', 'fd20:ce::254'],
  ['an IPv4 address mapped into IPv6', '::ffff:127.0.0.1'],
  ['a public IPv4 address mapped into IPv6', '::ffff:93.184.216.34'],
  ['an IPv4-compatible address', '::127.0.0.1'],
  ['NAT64 to the metadata service', '64:ff9b::a9fe:a9fe'],
  ['local NAT64 to a private address', '64:ff9b:1::a01:203'],
  ['6to4 to loopback', '2002:7f00:1::1'],
  ['Teredo', '2001:0:7f00:1::1'],
  ['ISATAP to loopback', '2606:2800:220:1:0:5efe:7f00:1'],
  ['SIIT to loopback', '::ffff:0:7f00:1'],
  ['an address for benchmarks, where made-up answers lie', '198.18.0.1'],
  ['an address for benchmarks of IPv6', '2001:2::1'],
  ['an address for documentation', '192.0.2.1'],
  ['an address for documentation of IPv6', '2001:db8::1'],
  ['a multicast address', '239.255.255.250'],
  ['a multicast IPv6 address', 'ff02::1'],
  ['the broadcast address', '255.255.255.255'],
  ['a reserved address', '240.0.0.1'],
  ['an IPv6 address outside global unicast', '4000::1'],
  ['a public address and loopback', '93.184.216.34', '127.0.0.1'],
  ['loopback and a public address', '127.0.0.1', '93.184.216.34'],
  ['a public address, and loopback over IPv6', '93.184.216.34', '::1'],
]

const nameOf = (index: number): string => `a${index}.${ZONE}`

const answers: Attack[] = ANSWERS.map(([what], index) => ({
  name: `an allowed name that resolves to ${what}`,
  run: overTls(head('GET /latest/meta-data/', `Host: ${nameOf(index)}`), nameOf(index)),
  told: 403,
  rule: RULE,
  record: [`allow ${ZONE}`, `refused ${RULE}`],
  asked: [nameOf(index)],
}))

const others: Attack[] = [
  {
    name: 'an alias of a name that resolves to a private address',
    run: overTls(head('GET /', `Host: ${ALIAS}`), ALIAS),
    told: 403,
    rule: RULE,
    record: [`allow ${ZONE}`, `refused ${RULE}`],
    asked: [ALIAS],
  },
  {
    name: 'plain http to a name that resolves to the metadata service',
    run: overTcp(head('GET /latest/', `Host: plain.${ZONE}`), { name: `plain.${ZONE}`, port: 80 }),
    told: 403,
    rule: RULE,
    record: ['allow plain', `refused ${RULE}`],
    asked: [`plain.${ZONE}`],
  },
]

/** Public while it is checked, private if it were asked for again. */
const rebound: Attack = {
  name: 'a name that leads to loopback once it has been checked',
  run: async (world) => {
    const before = world.outside.requests.length
    for (const path of ['/one', '/two']) {
      await overTls(head(`GET ${path}`, `Host: ${REBOUND}`), REBOUND)(world)
    }
    return world.outside.requests
      .slice(before)
      .map(({ address }) => address)
      .join()
  },
  told: '93.184.216.77,93.184.216.77',
  rule: RULE,
  record: [`allow ${ZONE}`, `allow ${ZONE}`],
  arrived: [`GET ${REBOUND}/one`, `GET ${REBOUND}/two`],
}

function prepare({ outside: { zone } }: World): void {
  for (const [index, [, ...addresses]] of ANSWERS.entries()) {
    zone.answers.set(nameOf(index), addresses)
  }
  zone.aliases.set(ALIAS, 'internal.example')
  zone.answers.set('internal.example', ['10.0.0.5'])
  zone.answers.set(`plain.${ZONE}`, ['169.254.169.254'])
  let questions = 0
  zone.answers.set(REBOUND, () => (questions++ < 2 ? ['93.184.216.77'] : ['127.0.0.1']))
}

testFamily({
  rules: [
    allow('api.example.com'),
    allow(`*.${ZONE}`, { id: ZONE }),
    allow(`*.${ZONE}`, { id: 'plain', scheme: 'http', port: 80 }),
  ],
  prepare,
  controls: [arrives('a name that resolves to a public address')],
  attacks: [...answers, ...others, rebound],
})
