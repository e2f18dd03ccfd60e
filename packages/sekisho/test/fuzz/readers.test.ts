import { expect, test } from 'vitest'
import { Random } from './random.ts'
import { READERS } from './readers.ts'
import { runReader } from './run-reader.ts'
import { LISTENERS, runListener } from './wire.ts'

/** the same inputs every time; `npm run fuzz -- --readers` goes on to others */
const SEED = 20_260_802
const RUNS = 600

test.for(READERS)('$name: every input has one verdict, soon', async (reader) => {
  const { runs, verdicts, faults } = await runReader(reader, {
    seed: SEED,
    until: (count) => count === RUNS,
  })
  expect({ runs, faults }).toEqual({ runs: RUNS, faults: [] })
  expect(verdicts.size).toBeGreaterThan(1) // it is not refused before anything is read
})

test.for([
  ['throws', (): string => new Date(Number.NaN).toISOString(), /Invalid time value/],
  ['says nothing', (): string => '', /no verdict/],
] as const)('a reader that %s is caught', async ([, read, fault]) => {
  const reader = { name: 'faulty', generate: () => Buffer.from('x'), read }
  const { faults } = await runReader(reader, { seed: SEED, until: (count) => count === 100 })
  expect(faults[0]?.fault).toMatch(fault)
})

test.for(LISTENERS)(
  '$name of a real gate: bytes end in one recorded refusal at most, and the gate lives on',
  async (listener) => {
    const { runs, faults } = await runListener(listener, {
      random: new Random(SEED),
      until: (count) => count === 40,
    })
    expect({ runs, faults }).toEqual({ runs: 40, faults: [] })
  },
)
