import { expect, test } from 'vitest'
import { formatMicroUsd } from './money.ts'

test.for([
  [0, '0.00 USD'],
  [1, '0.000001 USD'],
  [10_000, '0.01 USD'],
  [100_000, '0.10 USD'],
  [4_930_000, '4.93 USD'],
  [1_234_567_890, '1234.56789 USD'],
  [-1_500_000, '-1.50 USD'],
] as const)('%d micro-USD are %s', ([amount, text]) => {
  expect(formatMicroUsd(amount)).toBe(text)
})
