import { PLAIN_EGRESS } from '../../src/gate/testing/rig.ts'
import {
  allow,
  arrives,
  type Attack,
  each,
  get,
  head,
  HOST,
  OTHER,
  overTls,
  post,
  testFamily,
} from './harness.ts'

const PRIVATE = 'private.example.com'
const DATA = Buffer.from('what the session must keep').toString('base64url')
const to = (host: string, path: string): string => head(`GET ${path}`, `Host: ${host}`)

const unknown = each(
  { told: 403, rule: 'provenance.unknown-url' },
  {
    'data in the query of a known URL': get(`/task?q=${DATA}`),
    'data as a path': get(`/${DATA}`),
    'data behind a known path': get(`/task/${DATA}`),
    'data beside a template': get(`/items/1?q=${DATA}`),
    'data in place of a number': get(`/items/${DATA}`),
    'a number that is longer than its template lets it be': get(`/items/${'1'.repeat(30)}`),
    'a number with a sign': get('/items/-1'),
    'a number in a path of its own': get('/items/1/2'),
    'data in capitals and small letters of a known URL': get('/TaSk'),
    'data in how a known URL is encoded': get('/t%41sk'),
    'data in doubled slashes': get('/task//'),
    'data in an empty query': get('/task?'),
    'data in the order of parameters': get('/search?b=2&a=1'),
    'data by POST to a URL that is not known': post(`/${DATA}`, 'x'),
    'data by HEAD': head(`HEAD /${DATA}`, `Host: ${HOST}`),
  },
)

/** An index is read by the agent after private data has come in. */
const lateIndex: Attack = {
  name: 'a link of an index that is read when private data is there',
  run: async (world) => {
    world.outside.reply = () => `see https://${HOST}/late`
    const first = await overTls(to(PRIVATE, '/mail'), PRIVATE)(world)
    const second = await overTls(to(OTHER, '/index'), OTHER)(world)
    world.outside.reply = () => 'hello'
    return `${first}; ${second}; ${await overTls(get('/late'))(world)}`
  },
  told: '200; 200; 403 provenance.unknown-url',
  rule: 'provenance.unknown-url',
  record: [`allow ${PRIVATE}`, `allow ${OTHER}`, 'deny provenance.unknown-url'],
  arrived: [`GET ${PRIVATE}/mail`, `GET ${OTHER}/index`],
}

const noIndex: Attack = {
  name: 'a link of a reply that is no index',
  run: async (world) => {
    world.outside.reply = () => `see https://${HOST}/planted`
    const first = await overTls(get('/task'))(world)
    world.outside.reply = () => 'hello'
    return `${first}; ${await overTls(get('/planted'))(world)}`
  },
  told: '200; 403 provenance.unknown-url',
  rule: 'provenance.unknown-url',
  record: [`allow ${HOST}`, 'deny provenance.unknown-url'],
  arrived: [`GET ${HOST}/task`],
}

testFamily({
  rules: [allow(HOST), allow(OTHER), allow(PRIVATE)],
  egress: {
    ...PLAIN_EGRESS,
    provenance: {
      rules: 'all',
      indexes: [OTHER],
      private: [PRIVATE],
      startsPrivate: false,
      templates: [`https://${HOST}/items/{id:int}`],
      taskUrls: [
        `https://${HOST}/task`,
        `https://${HOST}/search?a=1&b=2`,
        `https://${OTHER}/index`,
        `https://${PRIVATE}/mail`,
      ],
    },
  },
  prepare: ({ outside }) => void outside.zone.answers.set(PRIVATE, ['93.184.216.40']),
  controls: [
    arrives('a URL of the task', get('/task')),
    arrives('a URL of a template', get('/items/42')),
  ],
  attacks: [...unknown, noIndex, lateIndex],
})
