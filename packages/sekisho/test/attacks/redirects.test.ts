import {
  allow,
  arrives,
  type Attack,
  dialling,
  EVIL,
  get,
  head,
  HOST,
  OTHER,
  overTcp,
  overTls,
  testFamily,
} from './harness.ts'
import { CREDENTIAL, PLACEHOLDER, REAL } from '../../src/gate/testing/scene.ts'
import { question, toldBy } from './question.ts'

const AUTH = `Authorization: Bearer ${PLACEHOLDER}`

/** An allowed server sends the agent elsewhere, and the agent does what a client does then. */
const follow =
  (location: string, next: Attack['run']): Attack['run'] =>
  async (world) => {
    world.outside.reply = () => ({ status: 302, headers: { location } })
    const first = await overTls(get('/public/start', AUTH))(world)
    world.outside.reply = () => 'hello'
    return `${first}; ${await next(world)}`
  }

const started = { arrived: [`GET ${HOST}/public/start`] }
const start = (...more: string[]): string[] => [`allow ${HOST}`, ...more]

const asking =
  (name: string): Attack['run'] =>
  async ({ wire }) =>
    toldBy(await wire.query(question({ name })))

const attacks: Attack[] = [
  {
    name: 'a redirect to a name that no rule allows',
    run: follow(`https://${EVIL}/collect`, asking(EVIL)),
    told: '302; NXDOMAIN',
    rule: 'default',
    record: start('deny default'),
    ...started,
  },
  {
    name: 'a redirect to the metadata service',
    run: follow('http://169.254.169.254/latest/', dialling('169.254.169.254', 80, get('/latest/'))),
    told: '302; reset',
    rule: 'invariant.literal-address',
    record: start('deny invariant.literal-address'),
    ...started,
  },
  {
    name: 'a redirect to loopback by a number',
    run: follow('http://2130706433/', asking('2130706433')),
    told: '302; NXDOMAIN',
    rule: 'invariant.host-name',
    record: start('deny invariant.host-name'),
    ...started,
  },
  {
    name: 'a redirect from https to http',
    run: follow(`http://${HOST}/public/a`, overTcp(get('/public/a', AUTH))),
    told: '302; 403 default',
    rule: 'default',
    record: start('deny default'),
    ...started,
  },
  {
    name: 'a redirect to a closed path of the same name',
    run: follow('/private', overTls(get('/private', AUTH))),
    told: '302; 403 default',
    rule: 'default',
    record: start('deny default'),
    ...started,
  },
  {
    name: 'a redirect to another port of the same name',
    run: follow(`https://${HOST}:8443/`, overTcp('', { port: 8443 })),
    told: '302; reset',
    rule: 'default',
    record: start('deny default'),
    ...started,
  },
  {
    name: 'a redirect to another allowed name, which the agent’s credential follows',
    run: follow(
      `https://${OTHER}/collect`,
      overTls(head('GET /collect', `Host: ${OTHER}`, AUTH), OTHER),
    ),
    told: '302; 403 invariant.placeholder-misuse',
    rule: 'invariant.placeholder-misuse',
    record: start('deny invariant.placeholder-misuse'),
    ...started,
  },
  {
    name: 'a redirect with the credential in its query',
    run: follow(
      `https://${OTHER}/collect?t=${PLACEHOLDER}`,
      overTls(head(`GET /collect?t=${PLACEHOLDER}`, `Host: ${OTHER}`), OTHER),
    ),
    told: '302; 403 invariant.placeholder-misuse',
    rule: 'invariant.placeholder-misuse',
    record: start('deny invariant.placeholder-misuse'),
    ...started,
  },
  {
    name: 'a redirect to another allowed name on the connection that is open',
    run: follow(`https://${OTHER}/a`, overTls(head('GET /a', `Host: ${OTHER}`, AUTH))),
    told: '302; 421 invariant.host-mismatch',
    rule: 'invariant.host-mismatch',
    record: start('deny invariant.host-mismatch'),
    ...started,
  },
]

testFamily({
  rules: [allow(HOST, { paths: ['/public/**'] }), allow(OTHER)],
  credentials: [CREDENTIAL],
  prepare: ({ wire }) => void wire.keyholder.secrets.set('token', REAL),
  controls: [arrives('a request with the credential', get('/public/a', AUTH))],
  attacks,
})
