import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { normalPath, readCall } from './read-call.ts'
import { commandsOf, toolCall } from './testing/call.ts'

test('a call is read as its programs, hosts and paths', () => {
  const call = toolCall({
    commands: commandsOf('git push', '/usr/bin/../bin/curl -s', './run.sh'),
    paths: ['./src//a', '/etc/../root/x/', '../../y'],
    urls: [
      'https://API.Example.com./x',
      'http://0x7f.1/',
      'http://[::1]/',
      'http://[::ffff:a9fe:a9fe]/',
    ],
  })
  expect(readCall(call)).toEqual({
    programs: ['git', 'curl', '/usr/bin/curl', 'run.sh', 'run.sh'].filter(
      (name, at, all) => all.indexOf(name) === at,
    ),
    hosts: ['api.example.com', '127.0.0.1', '::1', '169.254.169.254'],
    paths: ['src/a', '/root/x', '../../y'],
    isUnknown: false,
    hasStrangeUrl: false,
  })
})

test.for([
  ['a program that is a variable', { commands: commandsOf('? -rf') }],
  ['an argument that is one', { commands: commandsOf('ls', 'curl ?') }],
  ['a URL that programs read differently', { urls: ['https://good.example\\@evil.example/'] }],
  ['a URL with a line feed', { urls: ['https://good.example\n.evil.example/'] }],
  ['a name that curl would expand', { urls: ['https://{a,b}.example/'] }],
  ['a name that is a template', { urls: ['https://$HOST/'] }],
  ['no host', { urls: ['https:///x'] }],
] as const)('%s is known only when it runs', ([, fields]) => {
  const {
    commands = [],
    urls = [],
  }: { commands?: ReturnType<typeof commandsOf>; urls?: readonly string[] } = fields
  expect(readCall(toolCall({ commands: [...commands], urls: [...urls] })).isUnknown).toBe(true)
})

describe('a path', () => {
  test.for([
    ['a/./b//../c', 'a/c'],
    ['/a/../../b/', '/b'],
    ['../a/../../b', '../../b'],
    ['..', '..'],
    ['a/..', '.'],
    ['/', '/'],
    ['', '.'],
    ['~/x/../y', '~/y'],
  ] as const)('%s is %s', ([path, normal]) => {
    expect(normalPath(path)).toBe(normal)
  })

  const part = fc.constantFrom('', '.', '..', 'a', 'b', '~')

  test('that is normal stays as it is, and climbs only at its start', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.boolean(), (parts, isAbsolute) => {
        const normal = normalPath(`${isAbsolute ? '/' : ''}${parts.join('/')}`)
        expect(normalPath(normal)).toBe(normal)
        expect(normal).toMatch(/^(?:\/|\.|(?:\.\.\/?)*|(?:\.\.\/)*[ab~]|\/[ab~])(?:\/?[ab~])*$/)
      }),
    )
  })
})
