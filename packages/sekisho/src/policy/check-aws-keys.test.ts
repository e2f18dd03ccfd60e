import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'

const BEDROCK = 'bedrock-runtime.us-east-1.amazonaws.com'
const AWS = 'aws: { secretKey: "env:KEY", sessionToken: "env:TOKEN" }'

function read(secret: string, more = ''): string {
  const text = `version: 1
name: x
rules:
  - { id: r, effect: allow, host: ${BEDROCK} }
  - { id: s, effect: allow, host: s3.example.com }
secrets:
  - { name: aws, from: "env:ID", ${secret} }
${more}`
  try {
    return JSON.stringify(parseAgentFile(text, 'x.yaml').secrets[0]?.aws)
  } catch (thrown) {
    if (thrown instanceof SekishoError) return thrown.message
    throw thrown
  }
}

test('a key of AWS is an id, a secret key and a token, for what its hosts say', () => {
  expect(JSON.parse(read(`${AWS}, hosts: [${BEDROCK}], env: AWS_ACCESS_KEY_ID`))).toEqual({
    secretKey: { kind: 'env', variable: 'KEY' },
    sessionToken: { kind: 'env', variable: 'TOKEN' },
    region: null,
    service: null,
  })
})

test('a service of somebody else is named', () => {
  const aws = 'aws: { secretKey: "env:KEY", region: eu-1, service: s3 }'
  expect(JSON.parse(read(`${aws}, hosts: [s3.example.com]`))).toMatchObject({
    region: 'eu-1',
    service: 's3',
  })
})

test.each([
  ['neither a header nor a key', `hosts: [${BEDROCK}]`, '', 'secrets[0]: `header` is missing'],
  [
    'a header for a key that signs',
    `${AWS}, hosts: [${BEDROCK}], header: x-key`,
    '',
    'a key of AWS signs, and is in no header',
  ],
  [
    'a host that does not say what is signed for',
    `${AWS}, hosts: [s3.example.com]`,
    '',
    's3.example.com does not say for which region and service is signed',
  ],
  [
    'a variable that no client takes for an id',
    `${AWS}, hosts: [${BEDROCK}], env: AWS_KEY`,
    '',
    "`AWS_KEY` is no variable of an access key's id",
  ],
  [
    'a variable that goes with the id and is set',
    `${AWS}, hosts: [${BEDROCK}], env: AWS_ACCESS_KEY_ID`,
    'environment: { AWS_SESSION_TOKEN: x }',
    'the variable `AWS_SESSION_TOKEN` is set twice',
  ],
  [
    'a value in place of a reference',
    `aws: { secretKey: abc }, hosts: [${BEDROCK}]`,
    '',
    'a secret is a reference, not a value',
  ],
  [
    'a key of `aws` that is none',
    `aws: { secretkey: "env:KEY" }, hosts: [${BEDROCK}]`,
    '',
    'unknown key `secretkey`',
  ],
])('%s is refused', (...[, secret, more, message]) => {
  expect(read(secret, more)).toContain(message)
})

test('another secret for `authorization` of the same host is refused', () => {
  const other = `  - { name: b, from: "env:B", hosts: [${BEDROCK}], header: authorization }`
  expect(read(`${AWS}, hosts: [${BEDROCK}]`, other)).toContain('already holds secret `aws`')
})
