import { expect, test } from 'vitest'
import { alarmsIn, describeAlarm, isDenied, perTenMegabytes } from './alarms.ts'

const finding = {
  detector: 'secret.npm-access',
  class: 'secret-format',
  start: 2,
  end: 42,
} as const
const text = { file: '/r/a.js', bytes: Buffer.from(`x npm_${'s'.repeat(36)}`) }
const scan = (found: typeof finding) => () => ({ push: () => [found], end: () => [] })

test('an alarm tells where it is and no more of it than its kind', () => {
  const [alarm] = alarmsIn(text, scan(finding))
  expect(alarm && describeAlarm(alarm, '/r')).toBe('secret.npm-access  a.js:2  npm_… 40 bytes')
})

test('a place in a view has no text of its own', () => {
  const alarms = alarmsIn(text, () => ({
    push: () => [{ ...finding, view: 'base64' }],
    end: () => [],
  }))
  expect(alarms.map(({ hint }) => hint)).toEqual(['40 bytes in base64'])
})

test('formats are denied, generic ones and personal data are not', () => {
  const alarm = { file: '', hint: '' }
  expect(isDenied({ ...alarm, finding })).toBe(true)
  expect(isDenied({ ...alarm, finding: { ...finding, detector: 'secret.generic-x' } })).toBe(false)
  expect(isDenied({ ...alarm, finding: { ...finding, class: 'personal-data' } })).toBe(false)
})

test('a rate is for ten million bytes', () => {
  expect(perTenMegabytes(3, 60_000_000)).toBe(0.5)
})
