import { expect, test } from 'vitest'
import { parseOperations, requireDistinct } from './operations-file.ts'

const FILE = `version: 1
operations:
  - id: mail.send
    host: mail.example
    methods: [POST]
    paths: [/v1/messages]
    arguments: json
    parameters:
      type: object
      properties:
        to: { type: string, format: email }
    critical:
      recipient: [to]
    reversibility: irreversible
    consequence: medium
`

test('what goes without saying is left out', () => {
  expect(parseOperations(FILE, 'operations/mail.yaml')).toEqual([
    {
      id: 'mail.send',
      scheme: 'https',
      host: 'mail.example',
      port: 443,
      methods: ['POST'],
      paths: ['/v1/messages'],
      arguments: 'json',
      parameters: { type: 'object', properties: { to: { type: 'string', format: 'email' } } },
      critical: { recipient: ['to'] },
      reversibility: 'irreversible',
      consequence: 'medium',
    },
  ])
})

test.for([
  ['an unknown key', 'arguments: json', 'argument: json', '7:5: unknown key `argument`'],
  [
    'a schema that is not read',
    'format: email',
    'nullable: true',
    '11:29: mail.send: parameters: properties.to.nullable: `nullable` is not read in schemas of this type',
  ],
  [
    'a critical argument that is not there',
    '[to]',
    '[cc]',
    '13:19: mail.send: `cc` leads to no argument of the schema',
  ],
  [
    'a method in small letters',
    '[POST]',
    '[post]',
    '5:15: want a method in capitals, such as POST',
  ],
  ['a path that is none', '/v1/messages', 'v1', '6:13: `v1` does not start with /'],
  [
    'a host that is none',
    'host: mail.example',
    'host: 127.0.0.1',
    '4:11: want a host name, or *. and one',
  ],
  ['a class that is not said', '    reversibility: irreversible\n', '', '3:5: '],
  ['fields with objects', 'arguments: json', 'arguments: form', undefined],
] as const)('%s is named by line and column', ([, from, to, message]) => {
  const parse = (): unknown => parseOperations(FILE.replace(from, to), 'operations/mail.yaml')
  if (message === undefined) expect(parse).not.toThrow()
  else expect(parse).toThrow(`operations/mail.yaml:${message}`)
})

test.for<readonly [string, string, string]>([
  [
    'say what one request is',
    FILE.replace('mail.send', 'post.send'),
    'a request for `/v1/messages` could be both `mail.send` and `post.send`',
  ],
  ['have one name twice', FILE, 'two operations are called `mail.send`'],
])('two files that %s are refused by their places', ([, two, message]) => {
  const files = new Map([
    ['operations/a.yaml', parseOperations(FILE, 'operations/a.yaml')],
    ['operations/b.yaml', parseOperations(two, 'operations/b.yaml')],
  ])
  expect(() => requireDistinct(files)).toThrow(
    `operations/b.yaml: operations[0]: ${message}; the other is operations/a.yaml: operations[0]`,
  )
})
