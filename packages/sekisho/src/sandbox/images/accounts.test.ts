import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupWithAgent, passwdWithAgent } from './accounts.ts'

const AGENT = 'agent:x:1000:1000:agent:/home/agent:/bin/sh'

test('an empty root gets root, agent and nobody', () => {
  expect(passwdWithAgent('', '/bin/sh').split('\n')).toEqual([
    'root:x:0:0:root:/root:/usr/sbin/nologin',
    AGENT,
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ])
  expect(groupWithAgent('').split('\n')).toEqual([
    'root:x:0:',
    'tty:x:5:',
    'agent:x:1000:',
    'nogroup:x:65534:',
    '',
  ])
})

test('its own entries stay, in order', () => {
  const own =
    'root:x:0:0::/root:/bin/ash\nweb:x:33:33::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n'
  expect(passwdWithAgent(own, '/bin/sh')).toBe(
    own.replace('nobody', `${AGENT}\nnobody`).split('\n').toSorted(byPlace).join('\n'),
  )
  expect(groupWithAgent('wheel:x:10:root,agent\ntty:x:5:\n')).toBe(
    'root:x:0:\nwheel:x:10:root,agent\ntty:x:5:\nagent:x:1000:\nnogroup:x:65534:\n',
  )
})

/** Agent comes last, before what is added. */
function byPlace(a: string, b: string): number {
  const rank = (line: string): number => (line === '' ? 2 : line === AGENT ? 1 : 0)
  return rank(a) - rank(b)
}

test.for([
  ['another user of the agent’s id', 'node:x:1000:1000::/:/bin/sh'],
  ['an agent of root’s id', 'agent:x:0:0::/:/bin/sh'],
  ['leading zeros', 'node:x:0001000:0::/:/bin/sh'],
  ['a sign, which strtoul takes', 'node:x:+1000:0::/:/bin/sh'],
  ['a space, which strtoul skips', 'node:x: 1000:0::/:/bin/sh'],
  ['an id that wraps', 'node:x:4294968296:0::/:/bin/sh'],
  ['NIS', '+::::::'],
  ['too few fields', 'node:x:1001'],
  ['a control character', 'node:x:1001:0:\u001b[2J:/:/bin/sh'],
] as const)('%s is left out', ([, line]) => {
  expect(passwdWithAgent(line, '/bin/sh')).toBe(passwdWithAgent('', '/bin/sh'))
})

test('whatever a file holds, uid 1000 is agent and agent is uid 1000', () => {
  const field = fc.constantFrom('agent', 'x', '1000', '01000', '+1000', '0', '', ' ', '\u0000', 'é')
  const line = fc.array(field, { minLength: 5, maxLength: 8 }).map((fields) => fields.join(':'))
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const entries = passwdWithAgent(lines.join('\n'), '/bin/sh').trimEnd().split('\n')
      const fields = entries.map((entry) => entry.split(':'))
      expect(fields.every((entry) => entry.length === 7 && /^\d+$/.test(entry[2] ?? ''))).toBe(true)
      const agents = fields.filter(([name, , id]) => name === 'agent' || Number(id) === 1000)
      expect(agents.map((entry) => entry.join(':'))).toEqual([AGENT])
    }),
  )
})
