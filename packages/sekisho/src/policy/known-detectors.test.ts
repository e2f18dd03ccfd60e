import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'
import { namedDetectors, requireKnownDetectors } from './known-detectors.ts'

const IDS = ['secret.github-pat', 'secret.generic-password', 'pii.card']

function refusal(inspection: string, rule: string): string {
  const text = `version: 1
name: x
inspection: { treatments: { ${inspection} } }
rules: [{ id: r, effect: allow, host: a.example, treatments: { ${rule} } }]
setup: { rules: [{ id: s, effect: allow, host: a.example, treatments: { ${rule} } }] }
`
  try {
    requireKnownDetectors(namedDetectors([parseAgentFile(text, 'x.yaml')]), IDS)
    return 'taken'
  } catch (thrown) {
    if (thrown instanceof SekishoError) return `${thrown.code}: ${thrown.message} | ${thrown.hint}`
    throw thrown
  }
}

test.for<[string, string, string, string]>([
  [
    'ids, beginnings and classes that there are',
    'personal-data: hold',
    'pii.card: deny, "secret.generic-*": deny',
    'taken',
  ],
  ['what is made anew for each session', 'canary.env: deny', '"platform.*": deny', 'taken'],
  [
    'a misspelt id',
    'pii.crad: deny',
    '',
    'CONFIG_INVALID: agent x: inspection: treatments: there is no detector `pii.crad` | did you mean `pii.card`?',
  ],
  [
    'the beginning of none',
    '',
    '"secret.aws-*": hold',
    'CONFIG_INVALID: agent x: rule r: treatments: there is no detector `secret.aws-*` | docs/guides/detectors.md lists them',
  ],
])('%s', ([, inspection, rule, want]) => {
  expect(refusal(inspection, rule)).toBe(want)
})
