import { PLAIN_EGRESS } from '../../src/gate/testing/rig.ts'
import { allow, arrives, type Attack, get, overTls, testFamily } from './harness.ts'

/** What the operator gave `10.1.0.0/16`, and names below which the attacker answers for. */
const GRANTED = 'db.example.com'
/** given a range of its own */
const SISTER = 'sister.example.com'
/** allowed, and given none */
const PLAIN = 'plain.example.com'

/** Each attack has a name of its own: what was resolved for one is not asked for again at once. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  'loopback.example.com': ['127.0.0.1'],
  'loopback6.example.com': ['::1'],
  'metadata.example.com': ['169.254.169.254'],
  'metadata6.example.com': ['fd00:ec2::254'],
  'link-local.example.com': ['169.254.7.7'],
  'neighbour.example.com': ['10.2.0.1'],
  'sisters.example.com': ['10.9.0.1'],
  'mapped.example.com': ['::ffff:10.1.2.3'],
  'nat64.example.com': ['64:ff9b::a01:203'],
  '6to4.example.com': ['2002:a01:203::1'],
  'teredo.example.com': ['2001::f5fe:fdfc'],
  'isatap.example.com': ['2600::5efe:a01:203'],
  'second.example.com': ['10.1.2.3', '192.168.1.1'],
  'second6.example.com': ['10.1.2.3', 'fd00::1'],
}

const WHAT: Readonly<Record<string, string>> = {
  'loopback.example.com': 'is on loopback',
  'loopback6.example.com': 'is on loopback of IPv6',
  'metadata.example.com': 'is the metadata service',
  'metadata6.example.com': 'is the metadata service over IPv6',
  'link-local.example.com': 'is on the link',
  'neighbour.example.com': 'is in the network beside its range',
  'sisters.example.com': 'is in the range of another name',
  'mapped.example.com': 'is in its range, in the mapped form',
  'nat64.example.com': 'is in its range, by NAT64',
  '6to4.example.com': 'is in its range, by 6to4',
  'teredo.example.com': 'is in its range, by Teredo',
  'isatap.example.com': 'is in its range, by ISATAP',
  'second.example.com': 'has a second answer in another network',
  'second6.example.com': 'has a second answer of IPv6 in another network',
}

function reaching(name: string, what: string): Attack {
  return {
    name: `a name with a private range that ${what}`,
    run: overTls(get('/x').replaceAll('api.example.com', name), name),
    told: 403,
    rule: 'invariant.private-address',
    record: [`allow ${name}`, 'refused invariant.private-address'],
    asked: [name],
  }
}

const attacks = Object.keys(NAMES).map((name) => reaching(name, WHAT[name] ?? ''))

testFamily({
  rules: [
    GRANTED,
    SISTER,
    PLAIN,
    'alias.example.com',
    'rebound.example.com',
    ...Object.keys(NAMES),
  ].map((name) => allow(name)),
  egress: {
    ...PLAIN_EGRESS,
    privateRanges: [
      { host: SISTER, range: '10.9.0.0/16' },
      ...[GRANTED, 'alias.example.com', 'rebound.example.com', ...Object.keys(NAMES)].map(
        (host) => ({
          host,
          range: '10.1.0.0/16',
        }),
      ),
    ],
  },
  prepare({ outside: { zone } }) {
    for (const [name, answers] of Object.entries(NAMES)) zone.answers.set(name, answers)
    zone.answers.set(GRANTED, ['10.1.2.3'])
    zone.answers.set(PLAIN, ['10.1.2.3'])
    zone.aliases.set('alias.example.com', 'inside.evil.example')
    zone.answers.set('inside.evil.example', ['172.16.0.1'])
    // what is asked for first, the A record, is as it should be; what comes next is not
    let asked = 0
    zone.answers.set('rebound.example.com', () => {
      asked += 1
      return asked === 1 ? ['10.1.2.3'] : ['10.1.2.3', 'fd00::1']
    })
  },
  controls: [
    arrives(
      'a name that is in its private range',
      get('/x').replaceAll('api.example.com', GRANTED),
      GRANTED,
    ),
  ],
  attacks: [
    ...attacks,
    reaching('alias.example.com', 'is an alias of one inside'),
    reaching('rebound.example.com', 'is bound anew between two answers'),
    {
      ...reaching(PLAIN, ''),
      name: 'a name without a range, in the range of another',
    },
  ],
})
