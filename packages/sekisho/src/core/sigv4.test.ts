import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { awsScopeOf } from './aws-scope.ts'
import { amzDate, canonicalRequest, signingKey, signRequest } from './sigv4.ts'

const DATE = '20150830T123600Z'
const SECRET = ['wJalrXUtnFEMI/K7MDENG', 'bPxRfiCYEXAMPLEKEY'].join('+')
const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

type Vector = [
  name: string,
  line: string,
  signature: string,
  fields?: readonly (readonly [string, string])[],
  body?: string,
]

/** AWS's own test suite for Signature Version 4 (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4). */
const SUITE: Vector[] = [
  ['get-vanilla', 'GET /', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-empty-query-key',
    'GET /?Param1=value1',
    'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  ],
  [
    'get-vanilla-query-order-key-case',
    'GET /?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-vanilla-query-order-value',
    'GET /?Param1=value2&Param1=value1',
    '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  ],
  [
    'get-vanilla-query-unreserved',
    `GET /?${UNRESERVED}=${UNRESERVED}`,
    '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  ],
  [
    'get-vanilla-utf8-query',
    'GET /?ሴ=bar',
    '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  ],
  [
    'get-unreserved',
    `GET /${UNRESERVED}`,
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ],
  ['get-utf8', 'GET /ሴ', '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
  [
    'get-space-normalized',
    'GET /example space/',
    '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
  ],
  [
    'get-header-key-duplicate',
    'GET /',
    'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
    [
      ['my-header1', 'value2'],
      ['my-header1', 'value2'],
      ['my-header1', 'value1'],
    ],
  ],
  [
    'get-header-value-order',
    'GET /',
    '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
    [
      ['my-header1', 'value4'],
      ['my-header1', 'value1'],
      ['my-header1', 'value3'],
      ['my-header1', 'value2'],
    ],
  ],
  [
    'get-header-value-trim',
    'GET /',
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    [
      ['my-header1', ' value1'],
      ['my-header2', ' "a   b   c"'],
    ],
  ],
  ['post-vanilla', 'POST /', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'post-vanilla-query',
    'POST /?Param1=value1',
    '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  ],
  [
    'post-header-key-sort',
    'POST /',
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
    [['my-header1', 'value1']],
  ],
  [
    'post-header-value-case',
    'POST /',
    'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
    [['my-header1', 'VALUE1']],
  ],
  [
    'post-x-www-form-urlencoded',
    'POST /',
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    [['content-type', 'application/x-www-form-urlencoded']],
    'Param1=value1',
  ],
  [
    'post-x-www-form-urlencoded-parameters',
    'POST /',
    '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
    [['content-type', 'application/x-www-form-urlencoded; charset=utf8']],
    'Param1=value1',
  ],
]

function requestOf(line: string, fields: readonly (readonly [string, string])[], body = '') {
  const [, method = '', path = '', query] = /^(\S+) ([^?]*)(?:\?(.*))?$/.exec(line) ?? []
  const headers = new Map<string, string[]>()
  for (const [name, value] of fields) headers.set(name, [...(headers.get(name) ?? []), value])
  return { method, path, query: query ?? null, headers, bodyHash: hash('sha256', body) }
}

test.each(SUITE)('%s of the test suite of AWS', (...[, line, signature, fields = [], body]) => {
  const all = [['host', 'example.amazonaws.com'], ['x-amz-date', DATE], ...fields] as const
  const scope = { region: 'us-east-1', service: 'service' }
  const key = signingKey(SECRET, DATE.slice(0, 8), scope)
  expect(signRequest(requestOf(line, all, body), { key, date: DATE, scope })).toBe(signature)
})

const S3_DATE = '20130524T000000Z'
const EMPTY = hash('sha256', '')

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
test('the request that the manual of S3 signs', () => {
  const scope = { region: 'us-east-1', service: 's3' }
  const request = requestOf('GET /test.txt', [
    ['host', 'examplebucket.s3.amazonaws.com'],
    ['range', 'bytes=0-9'],
    ['x-amz-content-sha256', EMPTY],
    ['x-amz-date', S3_DATE],
  ])
  const key = signingKey(SECRET.replace('+', '/'), S3_DATE.slice(0, 8), scope)
  expect(signRequest(request, { key, date: S3_DATE, scope })).toBe(
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  )
})

test.each([
  ['is escaped once more', 'bedrock', '/model/a%3A0/invoke', '/model/a%253A0/invoke'],
  ['has a colon of its own escaped', 'bedrock', '/model/a:0/invoke', '/model/a%3A0/invoke'],
  ['has no empty segments', 'execute-api', '/a//b/', '/a/b/'],
  ['stays as it is at S3', 's3', '/a%3A0//b%2Fc/', '/a%3A0//b%2Fc/'],
  ['is escaped at S3 where it was not', 's3', "/a:b+c'd", '/a%3Ab%2Bc%27d'],
])('a path %s', (...[, service, path, canonical]) => {
  const [, found] = canonicalRequest(requestOf(`GET ${path}`, []), service).split('\n')
  expect(found).toBe(canonical)
})

test.each([
  ['by name, then by value', 'b=2&a=9&b=10&a', 'a=&a=9&b=10&b=2'],
  ['by name as it is escaped', 'a.b=1&a%2Fb=2', 'a%2Fb=2&a.b=1'],
  ['with a plus as a space', 'q=a+b%20c%2Bd', 'q=a%20b%20c%2Bd'],
  ['with what is no escape escaped', 'q=100%&r=%zz', 'q=100%25&r=%25zz'],
  ['with bytes that are no UTF-8 as they are', 'q=%ff%FE', 'q=%FF%FE'],
])('a query is sorted %s', (_name, query, canonical) => {
  const [, , found] = canonicalRequest(requestOf(`GET /?${query}`, []), 's3').split('\n')
  expect(found).toBe(canonical)
})

test('an instant is written as AWS writes it', () => {
  expect(amzDate(Date.UTC(2015, 7, 30, 12, 36, 0, 999))).toBe(DATE)
})

test.each([
  ['bedrock-runtime.us-east-1.amazonaws.com', 'us-east-1', 'bedrock'],
  ['bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1', 'bedrock'],
  ['bedrock-mantle.eu-west-1.api.aws', 'eu-west-1', 'bedrock-mantle'],
  ['s3.eu-central-1.amazonaws.com', 'eu-central-1', 's3'],
  ['my.bucket.s3.us-east-1.amazonaws.com', 'us-east-1', 's3'],
  ['bucket.s3.dualstack.us-east-1.amazonaws.com', 'us-east-1', 's3'],
  ['s3.dualstack.us-east-1.amazonaws.com', 'us-east-1', 's3'],
  ['s3.cn-north-1.amazonaws.com.cn', 'cn-north-1', 's3'],
  ['bucket.s3.amazonaws.com', 'us-east-1', 's3'],
  ['sts.amazonaws.com', 'us-east-1', 'sts'],
  ['sts.ap-northeast-1.amazonaws.com', 'ap-northeast-1', 'sts'],
  ['abc.execute-api.us-west-2.amazonaws.com', 'us-west-2', 'execute-api'],
  ['search-x.us-west-2.es.amazonaws.com', 'us-west-2', 'es'],
  ['123456789012.dkr.ecr.us-west-2.amazonaws.com', 'us-west-2', 'ecr'],
  ['email.us-west-2.amazonaws.com', 'us-west-2', 'ses'],
])('%s is signed for %s and %s', (host, region, service) => {
  expect(awsScopeOf(host)).toEqual({ region, service })
})

test.each([
  'amazonaws.com',
  'us-east-1.amazonaws.com',
  'x.sts.amazonaws.com',
  'bedrock-runtime.us-east-1.amazonaws.com.example.com',
  'sts.us-east-1.amazonaws.org',
  'minio.example.com',
])('the name %s does not tell', (host) => {
  expect(awsScopeOf(host)).toBeUndefined()
})
