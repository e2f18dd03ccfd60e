import { expect, test } from 'vitest'
import { loadPolicy } from './load-policy.ts'
import { referenceWarnings } from './references.ts'

const FILES = {
  'agents/bot.yaml': 'version: 1\nname: bot\n',
  'users.yaml': 'version: 1\nusers: [{ name: bob, uid: 1, groups: [writers] }]\n',
  'hosts.yaml':
    'version: 1\nhosts: [{ host: a.example.com, integrity: trusted, confidentiality: public, groups: [ours] }]\n',
}
const HTTP = 'action == Sekisho::Action::"http.request"'

async function warningsOf(text: string): Promise<string[]> {
  const loaded = await loadPolicy(new Map(Object.entries({ ...FILES, 'a.cedar': text })), [])
  return referenceWarnings(loaded, ['pii.card', 'pii.email']).map(
    ({ line, column, message, hint }) => `${line}:${column}: ${message} (${hint})`,
  )
}

test.for<[string, string, string[]]>([
  [
    'an agent',
    `permit (principal in Sekisho::Agent::"bit", ${HTTP}, resource);`,
    ['1:38: there is no Agent "bit" in this bundle (did you mean `bot`?)'],
  ],
  ['an agent that there is', `permit (principal in Sekisho::Agent::"bot", ${HTTP}, resource);`, []],
  [
    'a group of users, in a condition',
    `permit (principal, ${HTTP}, resource)\nwhen { principal in Sekisho::Group::"riters" };`,
    ['2:37: there is no Group "riters" in this bundle (did you mean `writers`?)'],
  ],
  [
    'a host in another spelling',
    `permit (principal, ${HTTP}, resource == Sekisho::Host::"A.example.com");`,
    [
      '1:90: there is no Host "A.example.com" in this bundle (write the name as it is spoken: lower case, without a dot at its end)',
    ],
  ],
  [
    'a host that nobody labels',
    `permit (principal, ${HTTP}, resource == Sekisho::Host::"b.example.com");`,
    [],
  ],
  [
    'a group of hosts',
    `permit (principal, ${HTTP}, resource in Sekisho::HostGroup::"theirs");`,
    ['1:95: there is no HostGroup "theirs" in this bundle (there are ours)'],
  ],
  ['a user without a name', `permit (principal == Sekisho::User::"uid-7", ${HTTP}, resource);`, []],
  [
    'a detector',
    `forbid (principal, ${HTTP}, resource) when { context.facts.findings.containsAny(["pii.card", "pii.crad"]) };`,
    ['1:135: there is no detector "pii.crad" (did you mean `pii.card`?)'],
  ],
])('%s that a policy names is looked for', async ([, text, expected]) => {
  const found = await warningsOf(text)
  expect(found.map((line) => line.replace(/^\d+:\d+/, ''))).toEqual(
    expected.map((line) => line.replace(/^\d+:\d+/, '')),
  )
  expect(found.map((line) => line.split(':')[0])).toEqual(
    expected.map((line) => line.split(':')[0]),
  )
})
