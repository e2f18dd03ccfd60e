import { expect, test } from 'vitest'
import { readDuration, readSize } from './quantity.ts'

const sizes = { min: '16MiB', max: '16TiB' }
const durations = { min: '1ms', max: '24d' }

test.for([
  ['16MiB', 16 * 1024 ** 2],
  ['2GiB', 2 * 1024 ** 3],
  ['16TiB', 16 * 1024 ** 4],
] as const)('%s is %s bytes', ([text, value]) => {
  expect(readSize(text, sizes)).toEqual({ value })
})

test.for([
  ['1ms', 1],
  ['90s', 90_000],
  ['15m', 900_000],
  ['1h', 3_600_000],
  ['24d', 2_073_600_000],
] as const)('%s is %s milliseconds', ([text, value]) => {
  expect(readDuration(text, durations)).toEqual({ value })
})

test.for([
  ['2GB', 'want a size such as 512MiB or 2GiB, not `2GB`', 'did you mean `2GiB`?'],
  ['512m', 'want a size such as 512MiB or 2GiB, not `512m`', 'did you mean `512MiB`?'],
  ['2', 'want a size such as 512MiB or 2GiB, not `2`', undefined],
  ['1.5GiB', 'want a size such as 512MiB or 2GiB, not `1.5GiB`', undefined],
  ['-1GiB', 'want a size such as 512MiB or 2GiB, not `-1GiB`', undefined],
  ['1constructor', 'want a size such as 512MiB or 2GiB, not `1constructor`', undefined],
  ['15MiB', 'want between 16MiB and 16TiB, not `15MiB`', undefined],
  ['17TiB', 'want between 16MiB and 16TiB, not `17TiB`', undefined],
] as const)('refuses the size %s', ([text, problem, hint]) => {
  expect(readSize(text, sizes)).toEqual({ problem, hint })
})

test('a duration above what a timer holds is refused', () => {
  expect(readDuration('25d', durations)).toEqual({ problem: 'want between 1ms and 24d, not `25d`' })
})
