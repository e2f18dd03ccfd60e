import { bundleOf, DEFAULTS } from '../../src/policy/decision/testing/bundle.ts'
import {
  allow,
  arrives,
  each,
  get,
  head,
  HOST,
  OTHER,
  overTls,
  post,
  testFamily,
} from './harness.ts'

const POLICY = 'rule-of-two'
const CHUNKED = `${head('POST /x', `Host: ${HOST}`, 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`
const SOCKET = head(
  'GET /socket',
  `Host: ${HOST}`,
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
).replace('Connection: close', 'Connection: Upgrade')

// No detector is asked: what decides is what the session has read.
testFamily({
  bundle: bundleOf(DEFAULTS),
  rules: [allow(HOST, { options: { websocket: true } }), allow(OTHER)],
  decision: {
    begins: [{ what: 'workspace', label: { integrity: 'trusted', confidentiality: 'internal' } }],
  },
  controls: [
    arrives('private data alone keeps nothing back', post('/before', 'a report')),
    arrives(
      'a page that anybody may have written is read',
      get('/page').replace(HOST, OTHER),
      OTHER,
    ),
    arrives('reading goes on', get('/more')),
  ],
  attacks: each(
    { told: 403, rule: POLICY },
    {
      'a body after private data and a stranger’s page': post('/x', 'a report'),
      'a body whose length nobody says': CHUNKED,
      'a method without a body': head('DELETE /x', `Host: ${HOST}`),
      'a method of WebDAV': head('MKCOL /x', `Host: ${HOST}`),
      'to the host that the page came from': post('/x', 'a report').replace(HOST, OTHER),
    },
  )
    .map((attack) =>
      attack.name.startsWith('to the host')
        ? { ...attack, run: overTls(post('/x', 'a report').replace(HOST, OTHER), OTHER) }
        : attack,
    )
    .concat({
      name: 'a WebSocket, which says more than its handshake',
      run: overTls(SOCKET),
      told: 403,
      rule: POLICY,
    }),
})
