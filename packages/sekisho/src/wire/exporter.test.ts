import { expect, test } from 'vitest'
import { exporterToSupervisor } from './exporter.ts'

const alert = { type: 'platform.alert', rule: 'r', severity: 'low', subject: 's' }

test.for<[string, object, boolean]>([
  ['an alert', alert, true],
  [
    'a refusal by a witness',
    {
      type: 'witness.refused',
      witness: 'w',
      operator: 'o',
      reason: 'fork',
      size: 1,
      detail: '',
    },
    true,
  ],
  ['the stop of the platform', { type: 'platform.stop', reason: 'x' }, false],
  ['a gap', { type: 'gap', session: null, id: 'a', reason: 'x' }, false],
  ['an alert with more in it', { ...alert, session: null }, false],
])('the exporter may have %s written: %o → %s', ([, leaf, may]) => {
  expect(exporterToSupervisor.record.params.safeParse({ leaf }).success).toBe(may)
})
