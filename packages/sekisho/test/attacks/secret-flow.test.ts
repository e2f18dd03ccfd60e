import { bundleOf, PERMIT_ALL } from '../../src/policy/decision/testing/bundle.ts'
import { allow, arrives, each, get, head, HOST, OTHER, post, testFamily } from './harness.ts'

// The bundle permits everything; what has been read is secret.
testFamily({
  bundle: bundleOf(PERMIT_ALL, {
    hosts: [
      {
        host: OTHER,
        integrity: 'trusted',
        confidentiality: 'secret',
        external: false,
        groups: [],
      },
    ],
  }),
  rules: [allow(HOST), allow(OTHER)],
  controls: [
    arrives('before anything secret was read', post('/x', 'a report')),
    arrives('what is secret is read', get('/secret').replace(HOST, OTHER), OTHER),
    arrives('what tells nobody outside', post('/x', 'a note').replace(HOST, OTHER), OTHER),
  ],
  attacks: each(
    { told: 403, rule: 'invariant.secret-flow' },
    {
      'what is secret, in a body': post('/x', 'what it said'),
      'what is secret, by a method': head('DELETE /x', `Host: ${HOST}`),
    },
  ),
})
