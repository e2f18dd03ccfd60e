import { expect, test } from 'vitest'
import { DETECTOR_CLASSES, type DetectorClass } from '../core/finding.ts'
import type { Treatment, Treatments } from '../wire/policy.ts'
import { readTreatment, treatmentOf } from './treatment.ts'

const found = (
  detector: string,
  of: DetectorClass,
): { detector: string; class: DetectorClass } => ({
  detector,
  class: of,
})
const PAT = found('secret.github-pat', 'secret-format')
const GENERIC = found('secret.generic-api-key', 'secret-format')

test.for<[string, ReturnType<typeof found>, Treatments | undefined, Treatments, Treatment]>([
  ['a known format is denied by default', PAT, undefined, {}, 'deny'],
  ['a generic format is recorded by default', GENERIC, undefined, {}, 'record'],
  [
    'personal data is recorded by default',
    found('pii.card', 'personal-data'),
    undefined,
    {},
    'record',
  ],
  ['a blob is recorded by default', found('entropy.blob', 'high-entropy'), undefined, {}, 'record'],
  ['the session counts where the rule says nothing', PAT, {}, { 'secret-format': 'hold' }, 'hold'],
  [
    'the rule counts before the session',
    PAT,
    { 'secret-format': 'record' },
    { 'secret.github-pat': 'deny' },
    'record',
  ],
  [
    'an exact id counts before a beginning and the class',
    PAT,
    { 'secret-format': 'deny', 'secret.*': 'hold', 'secret.github-pat': 'redact' },
    {},
    'redact',
  ],
  [
    'a beginning counts before the class',
    PAT,
    { 'secret-format': 'deny', 'secret.github-*': 'hold' },
    {},
    'hold',
  ],
  [
    'the longest beginning counts',
    GENERIC,
    { 'secret.*': 'deny', 'secret.generic-*': 'hold', 'secret.gen*': 'record' },
    {},
    'hold',
  ],
  [
    'a class at the rule counts for generic formats too',
    GENERIC,
    { 'secret-format': 'redact' },
    {},
    'redact',
  ],
  [
    'no file weakens a canary',
    found('canary.env', 'canary'),
    { canary: 'record', 'canary.env': 'record' },
    { 'canary.*': 'record' },
    'deny',
  ],
  [
    'no file weakens a secret of the platform',
    found('platform.anthropic', 'platform-secret'),
    { 'platform-secret': 'redact' },
    {},
    'deny',
  ],
  [
    'what nobody has looked at is denied, whatever becomes of its class',
    found('scan.hidden', 'secret-format'),
    { 'secret-format': 'redact' },
    { 'secret-format': 'record', 'secret.*': 'record' },
    'deny',
  ],
  [
    'what nobody has looked at passes by its own id alone',
    found('scan.work-limit', 'secret-format'),
    { 'secret-format': 'redact', 'scan.work-limit': 'record' },
    {},
    'record',
  ],
  [
    'a detector called like what objects inherit finds nothing',
    found('constructor', 'high-entropy'),
    {},
    {},
    'record',
  ],
])('%s', ([, finding, rule, session, want]) => {
  expect(treatmentOf(finding, { rule, session })).toBe(want)
})

test('every class has a treatment', () => {
  const all = DETECTOR_CLASSES.map((of) => treatmentOf(found('x.y', of), { rule: {}, session: {} }))
  expect(all).toEqual(['deny', 'deny', 'deny', 'record', 'record'])
})

test.for<[string, string, Treatment]>([
  ['a class', 'personal-data', 'deny'],
  ['a detector', 'secret.github-pat', 'record'],
  ['the beginning of detectors', 'secret.generic-*', 'hold'],
  ['all of a family', 'pii.*', 'redact'],
  ['what is denied in any case', 'canary', 'deny'],
])('%s may stand in a file', ([, key, treatment]) => {
  expect(readTreatment(key, treatment)).toEqual({ value: treatment })
})

test.for<[string, string, Treatment, string, string | undefined]>([
  [
    'a weaker canary',
    'canary',
    'record',
    '`canary` is always denied and cannot be only recorded',
    'delete the line',
  ],
  [
    'a weaker canary by id',
    'canary.env',
    'hold',
    '`canary.env` is always denied and cannot be held',
    'delete the line',
  ],
  [
    'a weaker platform secret',
    'platform-secret',
    'redact',
    '`platform-secret` is always denied and cannot be redacted',
    'delete the line',
  ],
  [
    'a misspelt class',
    'secret-formats',
    'deny',
    '`secret-formats` is neither a class nor a detector',
    'did you mean `secret-format`?',
  ],
  [
    'a star within',
    'secret.*-pat',
    'deny',
    '`secret.*-pat` is neither a class nor a detector',
    'the classes are platform-secret, canary, secret-format, personal-data, high-entropy; a detector is written as secret.github-pat, several as secret.generic-*',
  ],
  [
    'everything',
    '*',
    'record',
    '`*` is neither a class nor a detector',
    'the classes are platform-secret, canary, secret-format, personal-data, high-entropy; a detector is written as secret.github-pat, several as secret.generic-*',
  ],
])('%s is refused', ([, key, treatment, problem, hint]) => {
  expect(readTreatment(key, treatment)).toEqual({ problem, hint })
})
