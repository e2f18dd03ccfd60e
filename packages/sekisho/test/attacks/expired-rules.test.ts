import {
  allow,
  arrives,
  type Attack,
  EVIL,
  get,
  head,
  HOST,
  OTHER,
  overTcp,
  overTls,
  testFamily,
} from './harness.ts'
import { question, toldBy } from './question.ts'

const LONG_AGO = 1_700_000_000_000

const attacks: Attack[] = [
  {
    name: 'a path that was open until a day that is over',
    run: overTls(get('/old/a')),
    told: 403,
    rule: 'old',
  },
  {
    name: 'a method that was open until a day that is over',
    run: overTls(head('DELETE /public/a', `Host: ${HOST}`)),
    told: 403,
    rule: 'writes',
  },
  {
    name: 'a port that was open until a day that is over',
    run: overTcp('', { port: 8443 }),
    told: 'reset',
    rule: 'port',
  },
  {
    name: 'a name that was open until a day that is over',
    run: async ({ wire }) => toldBy(await wire.query(question({ name: EVIL }))),
    told: 'NXDOMAIN',
    rule: 'name',
  },
  {
    name: 'a path that a deny rule closed until a day that is over',
    run: overTls(head('GET /closed/a', `Host: ${OTHER}`), OTHER),
    told: 403,
    rule: 'closed',
  },
]

const expired = { expiresAtMs: LONG_AGO }

testFamily({
  rules: [
    allow(HOST, { paths: ['/public/**'], methods: ['GET'] }),
    allow(HOST, { id: 'old', paths: ['/old/**'], ...expired }),
    allow(HOST, { id: 'writes', paths: ['/public/**'], methods: ['DELETE'], ...expired }),
    allow(HOST, { id: 'port', port: 8443, ...expired }),
    allow(EVIL, { id: 'name', ...expired }),
    allow(OTHER),
    { ...allow(OTHER, { id: 'closed', paths: ['/closed/**'], ...expired }), effect: 'deny' },
  ],
  controls: [arrives('a path that is open without an end')],
  attacks,
})
