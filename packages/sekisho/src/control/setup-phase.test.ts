import { expect, test } from 'vitest'
import type { SekishoError } from '../core/error.ts'
import type { SessionEnd } from '../wire/control.ts'
import { describeFailedSetup, setupCommand } from './setup-phase.ts'

const NETWORK = { presets: [], rules: [] }
const PLAIN = { name: 'x', setup: null }
const OPEN = { name: 'x', setup: { ...NETWORK, command: null } }
const NAMED = { name: 'x', setup: { ...NETWORK, command: ['npm', 'ci'] } }
const SNAPSHOT = `w-${'0'.repeat(40)}`

test.for<[string, Parameters<typeof setupCommand>, string[] | null]>([
  ['nothing, where neither says anything', [{ from: null }, PLAIN], null],
  ['nothing, where the file gives a network alone', [{ from: null }, OPEN], null],
  ['what the file says', [{ from: null }, NAMED], ['npm', 'ci']],
  [
    'what is asked for, by a shell',
    [{ from: null, setup: 'a && b' }, OPEN],
    ['sh', '-c', 'a && b'],
  ],
  [
    'what is asked for in place of what the file says',
    [{ from: null, setup: 'a' }, NAMED],
    ['sh', '-c', 'a'],
  ],
  ['nothing, where that is asked for', [{ from: null, setup: null }, NAMED], null],
  ['nothing before what begins from a snapshot', [{ from: SNAPSHOT }, NAMED], null],
  [
    'what is asked for, from a snapshot too',
    [{ from: SNAPSHOT, setup: 'a' }, NAMED],
    ['sh', '-c', 'a'],
  ],
])('a setup phase runs %s', ([, [request, agent], want]) => {
  expect(setupCommand(request, agent)).toEqual(want)
})

test('an agent without a setup network has no setup phase', () => {
  expect(() => setupCommand({ from: null, setup: 'a' }, PLAIN)).toThrow(
    expect.objectContaining<Partial<SekishoError>>({
      code: 'CONFIG_INVALID',
      message: 'agent x has no setup phase',
    }),
  )
})

test('whoever asked for the agent learns why it was not started', () => {
  const end: SessionEnd = {
    session: 's-00000000000000000000',
    exitCode: 7,
    reason: 'exit',
    message: null,
    hint: null,
  }
  expect(describeFailedSetup(end)).toEqual({
    message: 'the setup phase ended with exit code 7; the agent was not started',
    hint: null,
  })
  const stopped = { ...end, reason: 'wall-clock' as const, message: 'it took too long', hint: 'x' }
  expect(describeFailedSetup(stopped)).toEqual({
    message: 'the setup phase ended: it took too long; the agent was not started',
    hint: 'x',
  })
})
