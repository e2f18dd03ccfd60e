import { expect, test } from 'vitest'
import type { PolicyStatus } from '../wire/policy-status.ts'
import { describeStatus } from './policy-running.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const NOTHING: PolicyStatus = {
  inForce: null,
  refused: null,
  operators: [],
  isFirst: true,
  processes: [],
  drift: [],
}

test.for<[string, Partial<PolicyStatus>, string]>([
  ['nobody, where no operators are named', {}, 'needs no signature: operators.yaml names nobody'],
  [
    'one of its own operators, if it is the first',
    { operators: ['aiko', 'ben'] },
    'is the first, and is signed by one of its own: aiko, ben',
  ],
  [
    'the operators of the one before, after a restart too',
    { operators: ['aiko', 'ben'], isFirst: false },
    'is signed by one of aiko, ben where it narrows, by two otherwise',
  ],
  [
    'nobody knows whom, while the first files cannot be read',
    { operators: null, isFirst: false },
    'is signed by those whom its operators.yaml names',
  ],
])('the next generation is signed by %s', ([, changes, next]) => {
  expect(describeStatus({ ...NOTHING, ...changes })).toEqual([
    'no generation is in force',
    `  the next   ${next}`,
  ])
})

test('a refusal is all there, line by line, and what is in force goes on', () => {
  const status: PolicyStatus = {
    inForce: {
      generation: 2,
      digest: DIGEST,
      change: 'wider',
      detail: 'newly allowed: agent a (user uid-0): GET https://a.example/\nof high consequence',
      signers: ['aiko', 'ben'],
      closed: 1,
      since: '2026-11-22T10:00:00.000Z',
    },
    refused: {
      digest: DIGEST,
      reason:
        'the policy bundle allows more than before, and only aiko has signed it\nnewly allowed: agent a (user uid-0): GET https://b.example/\nafter secret data\u001b[2J',
      hint: 'one of ben must sign it too',
    },
    operators: ['aiko', 'ben'],
    isFirst: false,
    processes: [
      { name: 'gate-0', policies: [DIGEST] },
      { name: 'keyholder', policies: [] },
    ],
    drift: ['gate-0 drifted'],
  }
  expect(describeStatus(status)).toEqual([
    'generation 2',
    `  digest     ${DIGEST}`,
    '  change     wider: newly allowed: agent a (user uid-0): GET https://a.example/',
    '             of high consequence',
    '  signed by  aiko, ben',
    '  since      2026-11-22T10:00:00.000Z; 1 streams that it forbids were closed',
    '  the next   is signed by one of aiko, ben where it narrows, by two otherwise',
    '  gate-0     the same',
    '  keyholder  none',
    `refused: ${DIGEST}`,
    '  the policy bundle allows more than before, and only aiko has signed it',
    '  newly allowed: agent a (user uid-0): GET https://b.example/',
    '  after secret data\\u001b[2J',
    '  hint: one of ben must sign it too',
    'gate-0 drifted',
  ])
})
