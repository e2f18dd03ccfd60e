import { expect, test } from 'vitest'
import { killKeyholders } from '../testing/crash-campaign.ts'

const LIVES = 20

/** Five hundred of them: scripts/crash-log.ts, which .ci/run starts. */
test(`killed ${LIVES} times under load, a keyholder keeps what it acknowledged, and tells what it lost`, async () => {
  const { lives, acknowledged, effects, faults } = await killKeyholders(LIVES)
  expect({ lives, faults }).toEqual({ lives: LIVES, faults: [] })
  expect(acknowledged).toBeGreaterThan(10 * LIVES)
  expect(effects).toBeGreaterThan(5 * LIVES)
})
