import { bundleOf, DEFAULTS, PERMIT_ALL } from '../../src/policy/decision/testing/bundle.ts'
import {
  allow,
  arrives,
  type Attack,
  each,
  get,
  HOST,
  OTHER,
  overTls,
  testFamily,
  told,
} from './harness.ts'

const RULES = [allow(HOST), allow(OTHER)]
const BOB = { name: 'bob', uid: 0, groups: ['developers'], enabled: true }
const HR_ONLY = `
  @id("hr-only") forbid (principal is Sekisho::User, action, resource == Sekisho::Host::"${OTHER}")
  unless { principal in Sekisho::Group::"hr" };`

/** The connection is open when its user is disabled; the bundle of then permits everything. */
const afterDismissal: Attack['run'] = async ({ wire }) => {
  const socket = wire.dial(await wire.lookUp(HOST), 443)
  const secure = await wire.secure(socket, { servername: HOST })
  const users = [{ ...BOB, enabled: false }]
  await wire.decideBy(bundleOf(PERMIT_ALL, { generation: 2, users }), RULES)
  return told(await wire.talk(secure, [get('/x')]))
}

// Bob has no right to personnel files; an agent that has it does not lend it to him (P3.0).
testFamily({
  bundle: bundleOf(DEFAULTS + HR_ONLY, { users: [BOB] }),
  rules: RULES,
  controls: [arrives('what both may', get('/x'))],
  attacks: [
    ...each(
      {
        told: 403,
        rule: 'hr-only',
        via: (sent) => overTls(String(sent).replace(HOST, OTHER), OTHER),
      },
      { 'what the agent may and its user may not': get('/personnel/7') },
    ),
    {
      name: 'a request on a connection that was there before its user was disabled',
      run: afterDismissal,
      told: 403,
      rule: 'invariant.user-disabled',
    },
  ],
})
