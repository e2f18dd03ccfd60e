import { expect, test } from 'vitest'
import { describeLeaf } from './leaf-text.ts'

const at = '2026-11-22T10:00:00.000Z'
const digest = `sha256:${'a'.repeat(64)}`

test.for([
  [
    {
      type: 'policy.generation',
      generation: 3,
      digest,
      change: 'narrower',
      detail: 'agent a: its rules grant less',
      signers: [{ name: 'aiko' }, { name: 'ben' }],
    },
    `policy generation 3 is in force: ${digest}, signed by aiko and ben; narrower: agent a: its rules grant less`,
  ],
  [
    {
      type: 'policy.generation',
      generation: 1,
      digest,
      change: 'first',
      detail: 'nobody signs this bundle',
      signers: [],
    },
    `policy generation 1 is in force: ${digest}, signed by nobody; first: nobody signs this bundle`,
  ],
  [
    { type: 'policy.refused', digest: null, reason: 'agents cannot be read' },
    'policy REFUSED files that cannot be read: agents cannot be read',
  ],
  [
    { type: 'policy.refused', digest, reason: 'it is signed by nobody\n\u001b[2J' },
    `policy REFUSED ${digest}: it is signed by nobody; \\u001b[2J`,
  ],
  [
    { type: 'policy.drift', approved: digest, running: null, where: 'gate-0' },
    `policy DRIFT: gate-0 had no policy, not ${digest}`,
  ],
] as const)('%j is a line of text', ([leaf, line]) => {
  expect(describeLeaf({ index: 7, leaf: { ...leaf, at } })).toBe(`     7 ${at} ${line}`)
})
