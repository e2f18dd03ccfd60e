import { bundleOf, DEFAULTS } from '../../src/policy/decision/testing/bundle.ts'
import { allow, arrives, each, get, HOST, OTHER, overTls, testFamily } from './harness.ts'

const HR_ONLY = `
  @id("hr-only") forbid (principal is Sekisho::User, action, resource == Sekisho::Host::"${OTHER}")
  unless { principal in Sekisho::Group::"hr" };`

// Bob has no right to personnel files; an agent that has it does not lend it to him (P3.0).
testFamily({
  bundle: bundleOf(DEFAULTS + HR_ONLY, {
    users: [{ name: 'bob', uid: 0, groups: ['developers'], enabled: true }],
  }),
  rules: [allow(HOST), allow(OTHER)],
  controls: [arrives('what both may', get('/x'))],
  attacks: each(
    {
      told: 403,
      rule: 'hr-only',
      via: (sent) => overTls(String(sent).replace(HOST, OTHER), OTHER),
    },
    { 'what the agent may and its user may not': get('/personnel/7') },
  ),
})
