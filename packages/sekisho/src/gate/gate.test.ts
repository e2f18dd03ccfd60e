import { afterEach, expect, test } from 'vitest'
import type { PolicyRule } from '../wire/policy.ts'
import { Canary } from './testing/canary.ts'
import { makeIdentity, makeTestCa } from './testing/certificates.ts'
import { Rig } from './testing/rig.ts'

const outside = makeTestCa()
const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const rule = (over: Partial<PolicyRule> = {}): PolicyRule => ({
  id: 'api',
  effect: 'allow',
  scheme: 'https',
  host: 'api.example.com',
  port: 443,
  methods: [],
  paths: [],
  ...over,
})

async function setUp(rules: PolicyRule[] = [rule()]): Promise<{ rig: Rig; canary: Canary }> {
  const canary = await Canary.start(makeIdentity(outside, 'api.example.com'))
  const upstream = {
    host: 'api.example.com',
    port: 443,
    address: '127.0.0.1',
    dialPort: canary.port,
    caPem: outside.pem,
  }
  const rig = await Rig.start({ rules, upstreams: [upstream] })
  open.push(
    () => rig.close(),
    () => canary.close(),
  )
  return { rig, canary }
}

test('an allowed request goes through and is recorded', async () => {
  const { rig, canary } = await setUp()
  const reply = await rig.send(
    'api.example.com',
    'GET /a?b=1 HTTP/1.1\r\nHost: api.example.com\r\nX-Mine: 1\r\nConnection: close\r\n\r\n',
  )
  expect(reply).toContain('hello')
  expect(canary.requests).toEqual([])
})
