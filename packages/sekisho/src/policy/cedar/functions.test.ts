import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import { functionNamed } from './functions.ts'
import { Fault } from './value.ts'

const LENGTH = 200_000

/** A policy can hand any text of a request to a constructor. */
test.for([
  ['decimal', '0'.repeat(LENGTH)],
  ['decimal', `${'0'.repeat(LENGTH)}.00000`],
  ['decimal', `-${'9'.repeat(LENGTH)}.0`],
  ['duration', '0'.repeat(LENGTH)],
  ['duration', `${'9'.repeat(LENGTH)}d`],
  ['duration', `${'1'.repeat(LENGTH)}d${'1'.repeat(LENGTH)}x`],
  ['datetime', `2024-01-01T${'0'.repeat(LENGTH)}`],
  ['ip', ':'.repeat(LENGTH)],
  ['ip', '1.'.repeat(LENGTH)],
] as const)('a long text for %s is refused at once', ([name, text]) => {
  const tookMs = startThreadClock()
  expect(functionNamed(name)([text])).toBeInstanceOf(Fault)
  expect(tookMs()).toBeLessThan(100)
})

test('a function that Cedar does not have is a fault where it is called', () => {
  expect(functionNamed('toString')([])).toEqual(new Fault('extension function does not exist'))
})
