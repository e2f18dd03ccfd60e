import { PLAIN_EGRESS } from '../../src/gate/testing/rig.ts'
import {
  allow,
  arrives,
  type Attack,
  get,
  head,
  HOST,
  overTls,
  post,
  testFamily,
} from './harness.ts'

const NAMES = { urls: 'urls.example.com', bytes: 'bytes.example.com', bits: 'bits.example.com' }
const NONE = { bytesOut: null, distinctUrls: null, urlEntropyBits: null }

/** Requests one after the other, of which the last is one too many. */
const inTurn =
  (host: string, ...requests: string[]): Attack['run'] =>
  async (world) => {
    const heard: string[] = []
    for (const request of requests) {
      heard.push(await overTls(request.replace(`Host: ${HOST}`, `Host: ${host}`), host)(world))
    }
    return heard.join('; ')
  }

const attacks: Attack[] = [
  {
    name: 'one URL more than a host may learn',
    run: inTurn(NAMES.urls, get('/a'), get('/b'), get('/a'), get('/c')),
    told: '200; 200; 200; 403 budget.distinct-urls',
    rule: 'budget.distinct-urls',
    record: [...Array<string>(3).fill(`allow ${NAMES.urls}`), 'deny budget.distinct-urls'],
    arrived: ['a', 'b', 'a'].map((path) => `GET ${NAMES.urls}/${path}`),
  },
  {
    name: 'one byte more than a host may learn',
    run: inTurn(NAMES.bytes, post('/a', 'a'.repeat(500)), post('/a', 'a'.repeat(500))),
    told: '200; 403 budget.bytes-out',
    rule: 'budget.bytes-out',
    record: [`allow ${NAMES.bytes}`, 'deny budget.bytes-out'],
    arrived: [`POST ${NAMES.bytes}/a`],
  },
  {
    name: 'more than a host may learn in chunks, whose sum nobody said',
    run: inTurn(
      NAMES.bytes,
      `${head('POST /b', `Host: ${HOST}`, 'Transfer-Encoding: chunked')}3e8\r\n${'a'.repeat(1000)}\r\n0\r\n\r\n`,
    ),
    told: 403,
    rule: 'budget.bytes-out',
  },
  {
    name: 'URLs that say more by their choice than a host may learn',
    run: inTurn(NAMES.bits, get(`/x?q=${'Zm9vYmFyYmF6cXV4'.repeat(8)}`)),
    told: 403,
    rule: 'budget.url-entropy',
  },
]

testFamily({
  rules: [allow(HOST), ...Object.values(NAMES).map((name) => allow(name))],
  egress: {
    ...PLAIN_EGRESS,
    budgets: [
      { ...NONE, host: NAMES.urls, distinctUrls: 2 },
      { ...NONE, host: NAMES.bytes, bytesOut: 1_000 },
      { ...NONE, host: NAMES.bits, urlEntropyBits: 256 },
    ],
  },
  prepare: ({ outside }) => {
    for (const name of Object.values(NAMES)) outside.zone.answers.set(name, ['93.184.216.41'])
  },
  controls: [arrives('a host without a budget', post('/a', 'a'.repeat(5_000)))],
  attacks,
})
