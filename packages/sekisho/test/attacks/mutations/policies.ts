import { inFile, mutationsOf } from './mutation.ts'

const bundle = inFile('policy/decision/compiled-bundle.ts')
const point = inFile('policy/decision/decision-point.ts')
const labels = inFile('gate/session-labels.ts')
const classify = inFile('policy/decision/classify.ts')
const rules = inFile('gate/session-rules.ts')

/** One that no bundle can take away, taken away. */
const without = (id: string): ReturnType<typeof bundle> =>
  bundle(
    '[...INVARIANTS, ...bundle.cedar]',
    `[...INVARIANTS.filter((one) => one.id !== 'invariant.${id}'), ...bundle.cedar]`,
  )

const POLICIES_UNASKED = point(
  'const answer = this.#answer(asked, { facts, ...known })',
  "const answer: Answered = facts.bodyBytes < 0 ? this.#answer([], { facts, ...known }) : { kind: 'allow' }",
)

export const POLICY_MUTATIONS = [
  ...mutationsOf(
    'rule-of-two',
    ['policies are asked', POLICIES_UNASKED],
    [
      'what is answered counts',
      labels('if (label !== undefined) this.#join({ what: describe(action), label })', ''),
    ],
    [
      'what is there from the start counts',
      labels(
        'for (const source of isResumed ? [...begins, forgotten(worst)] : begins)',
        'for (const source of isResumed ? [forgotten(worst)] : [])',
      ),
    ],
    [
      'a WebSocket says more than its handshake',
      classify('return upgrade === undefined && READS.has(method)', 'return READS.has(method)'),
    ],
  ),
  ...mutationsOf(
    'invariants',
    ['what cannot be taken back takes a yes', without('irreversible')],
    ['what is critical takes two', without('critical')],
    ['who decides where it strikes is asked about', without('unconfirmed')],
    [
      'an operation is read',
      rules(
        'const operation = bundle.operations.find(action)',
        'const operation = undefined as ReturnType<typeof bundle.operations.find>',
      ),
    ],
  ),
  ...mutationsOf(
    'users',
    [
      'the user is asked about too',
      point('      { uid: user, who: `user ${this.user.name}` },\n', ''),
    ],
    ['who is disabled does nothing', without('user-disabled')],
  ),
  ...mutationsOf('secret-flow', ['what is secret stays inside', without('secret-flow')]),
]
