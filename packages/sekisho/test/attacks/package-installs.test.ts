import { PLAIN_EGRESS } from '../../src/gate/testing/rig.ts'
import {
  allow,
  arrives,
  type Attack,
  each,
  get,
  HOST,
  overTls,
  testFamily,
  type World,
} from './harness.ts'

const DAY = 86_400_000
const tarball = (name: string, version = '1.0.0'): string =>
  get(`/${name}/-/${name.split('/').at(-1)}-${version}.tgz`)

const typos = each(
  { told: '403 packages.unknown, packages.typo', rule: 'packages.unknown,packages.typo' },
  {
    'a name with two letters swapped': tarball('lodahs'),
    'a name with a letter left out': tarball('expres'),
    'a name with a letter doubled': tarball('reactt'),
    'a name with a capital': tarball('Lodash'),
  },
)

const unknown = each(
  { told: 403, rule: 'packages.unknown' },
  {
    'a name that nobody knows': tarball('our-hallucinated-helper-kit'),
    'a name in a scope that nobody knows': tarball('@no-such-org-here/lodash'),
  },
)

const ambiguous = each(
  { told: 403, rule: 'packages.ambiguous' },
  { 'a file under the name of another package': get('/lodash/-/evil-1.0.0.tgz') },
)

const packument = (name: string, published: string, scripts: object = {}): string =>
  JSON.stringify({
    name,
    'dist-tags': { latest: '1.0.0' },
    versions: {
      '1.0.0': { name, version: '1.0.0', scripts, dist: { tarball: `https://${HOST}/x.tgz` } },
    },
    time: { created: '2020-01-01T00:00:00.000Z', '1.0.0': published },
  })

const described =
  (name: string, document: string): Attack['run'] =>
  async (world: World) => {
    world.outside.reply = () => document
    const first = await overTls(get(`/${name}`))(world)
    world.outside.reply = () => 'hello'
    return `${first}; ${await overTls(tarball(name))(world)}`
  }

const young: Attack = {
  name: 'a version that was published an hour ago',
  run: described('chalk', packument('chalk', new Date(Date.now() - 3_600_000).toISOString())),
  told: '200; 403 packages.young',
  rule: 'packages.young',
  record: ['allow npm', 'deny packages.young'],
  arrived: [`GET ${HOST}/chalk`],
}
const scripted: Attack = {
  name: 'a version that runs a program when it is installed',
  run: described(
    'esbuild',
    packument('esbuild', '2021-01-01T00:00:00.000Z', { postinstall: 'node install.js' }),
  ),
  told: '200; 403 packages.installScripts',
  rule: 'packages.installScripts',
  record: ['allow npm', 'deny packages.installScripts'],
  arrived: [`GET ${HOST}/esbuild`],
}
testFamily({
  rules: [allow(HOST, { id: 'npm', methods: ['GET', 'HEAD'], options: { packages: 'npm' } })],
  egress: {
    ...PLAIN_EGRESS,
    packages: {
      actions: {
        unknown: 'deny',
        young: 'deny',
        ageUnknown: 'allow',
        typo: 'deny',
        installScripts: 'deny',
      },
      youngMs: 3 * DAY,
      establishedMs: 365 * DAY,
      exceptions: [],
    },
  },
  controls: [arrives('metadata of a well-known package', get('/lodash'))],
  attacks: [...typos, ...unknown, ...ambiguous, young, scripted],
})
