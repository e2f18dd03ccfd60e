import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Activity } from './activity.ts'

const sessions = fc.constantFrom('a', 'b', 'c')
const steps = fc.array(fc.record({ session: sessions, restMs: fc.nat({ max: 700 }) }))

test('another session is active for a second after its last action, whoever acted in between', () => {
  fc.assert(
    fc.property(steps, sessions, fc.nat({ max: 1500 }), (acts, asking, restMs) => {
      let nowMs = 0
      const activity = new Activity(() => nowMs)
      const last = new Map<string, number>()
      for (const act of acts) {
        nowMs += act.restMs
        activity.acted(act.session)
        last.set(act.session, nowMs)
      }
      nowMs += restMs
      last.delete(asking)
      const isActive = [...last.values()].some((atMs) => nowMs - atMs < 1000)
      expect(activity.hasOthers(asking)).toBe(isActive)
    }),
  )
})
