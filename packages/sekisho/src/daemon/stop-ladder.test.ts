import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { StopLadder, type StopTarget } from './stop-ladder.ts'
import { HandClock } from './testing/hand-clock.ts'

/** @param leftFor how long processes resist their death */
function session(leftFor = 0): { did: string[]; clock: HandClock; target: StopTarget } {
  const clock = new HandClock()
  const did: string[] = []
  let killedAtMs = Number.POSITIVE_INFINITY
  const note = (what: string): void => void did.push(`${clock.nowMs()} ${what}`)
  const target: StopTarget = {
    terminate: () => note('SIGTERM'),
    freeze: async () => note('freeze'),
    kill: () => {
      if (killedAtMs === Number.POSITIVE_INFINITY) note('kill')
      killedAtMs = Math.min(killedAtMs, clock.nowMs())
    },
    isEmpty: () => clock.nowMs() >= killedAtMs + leftFor,
    letGo: () => note('let go'),
  }
  return { did, clock, target }
}

test('a session is asked, given its grace, frozen, killed, and its output let go', async () => {
  const { did, clock, target } = session()
  const ladder = new StopLadder(target, clock)
  ladder.stop()
  ladder.stop()
  await clock.pass(10_000)
  expect(did).toEqual(['0 SIGTERM', '2000 freeze', '2000 kill', '3000 let go'])
})

test('a command that ends when it is asked leaves nothing behind, and nothing is frozen', async () => {
  const { did, clock, target } = session()
  const ladder = new StopLadder(target, clock)
  ladder.stop()
  await clock.pass(500)
  expect(await ladder.finish()).toBe(true)
  ladder.close()
  await clock.pass(10_000)
  expect(did).toEqual(['0 SIGTERM', '500 kill'])
  expect(clock.timers).toBe(0)
})

test('the end is not reported before the last process is gone', async () => {
  const { clock, target } = session(300)
  const gone = new StopLadder(target, clock).finish()
  let isGone = false
  void gone.then(() => (isGone = true))
  await clock.pass(299)
  expect(isGone).toBe(false)
  await clock.pass(10)
  expect(await gone).toBe(true)
})

test('a process that resists for five seconds is reported, not waited for', async () => {
  const { clock, target } = session(Number.POSITIVE_INFINITY)
  const gone = new StopLadder(target, clock).finish()
  await clock.pass(5100)
  expect(await gone).toBe(false)
})

test('a session that does not freeze is killed all the same', async () => {
  const { did, clock, target } = session()
  target.freeze = async () => {
    throw new SekishoError('TIMEOUT', 'does not freeze')
  }
  new StopLadder(target, clock).stop()
  await clock.pass(2000)
  expect(did).toEqual(['0 SIGTERM', '2000 kill'])
})

test('killed at once, there is no grace', async () => {
  const { did, clock, target } = session()
  const ladder = new StopLadder(target, clock)
  ladder.killNow()
  ladder.stop()
  await clock.pass(10_000)
  expect(did).toEqual(['0 kill', '1000 let go'])
})

test('a reader that has stopped reading is let go also when the command is over', async () => {
  const { did, clock, target } = session()
  const ladder = new StopLadder(target, clock)
  await ladder.finish()
  ladder.stop()
  await clock.pass(10_000)
  expect(did).toEqual(['0 kill', '3000 let go'])
})

test('once asked, every session is killed within the grace, whatever else happens, and only once asked', async () => {
  const step = fc.constantFrom('stop', 'killNow', 'finish', 'wait')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const { did, clock, target } = session()
      const ladder = new StopLadder(target, clock)
      for (const one of steps) {
        if (one === 'wait') await clock.pass(700)
        else void ladder[one]()
      }
      await clock.pass(2300)
      const times = (what: string): number => did.filter((line) => line.endsWith(what)).length
      const isAsked = steps.some((one) => one !== 'wait')
      expect([times('SIGTERM') <= 1, times('freeze') <= 1]).toEqual([true, true])
      expect(times(' kill')).toBe(isAsked ? 1 : 0)
    }),
    { numRuns: 60 },
  )
})
