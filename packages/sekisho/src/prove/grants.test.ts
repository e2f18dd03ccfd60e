import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Action } from '../core/action.ts'
import { compilePolicy } from '../policy/compile.ts'
import { readPath } from '../policy/path-reading.ts'
import type { PolicyRule, Scheme } from '../wire/policy.ts'
import { grantConnect, grantName, grantRequest, type Grants } from './grants.ts'
import { bool, int, string, TRUE } from './term.ts'

const NOW_MS = 1_000
const HOSTS = ['a.example', 'a.example', 'b.a.example', 'aa.example', 'example']
const PATTERNS = ['a.example', 'b.a.example', '*.example', '*.a.example']
const GLOBS = ['/**', '/a/**', '/a/*', '/a/b*', '/a/**/c', '/x%2Fy', '/*/c', '/a/*b*', '/a;p']
const PATHS = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a/bc',
  '/a/b/c',
  '/x%2Fy',
  '/x/y',
  '/a/xbx',
  '/a;p',
  '/a/%2E/c',
]

const rules: fc.Arbitrary<PolicyRule[]> = fc
  .array(
    fc.record({
      effect: fc.constantFrom('allow', 'allow', 'deny'),
      scheme: fc.constantFrom<Scheme>('https', 'https', 'https', 'https', 'http', 'tcp', 'tls'),
      host: fc.constantFrom(...PATTERNS),
      port: fc.constantFrom(443, 443, 443, 80),
      methods: fc.oneof(fc.constant<string[]>([]), fc.subarray(['GET', 'PUT'])),
      paths: fc.subarray(GLOBS, { maxLength: 2 }),
      expiresAtMs: fc.option(fc.constantFrom(NOW_MS, NOW_MS + 1), { nil: undefined }),
      websocket: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  .map((all) =>
    all.map(({ expiresAtMs, websocket, effect, ...rule }, index) => ({
      ...rule,
      effect: effect === 'deny' ? 'deny' : 'allow',
      id: `r${index % 4}`,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      ...(websocket && effect !== 'deny' ? { options: { websocket } } : {}),
    })),
  )

function verdictOf(policy: readonly PolicyRule[], action: Action): string[] {
  const verdict = compilePolicy({ rules: [...policy] }, () => NOW_MS).decide(action)
  return verdict.kind === 'allow' ? [...verdict.rules] : []
}

function granting({ granted, byRule }: Grants): string[] {
  const ids = [...byRule].flatMap(([id, term]) => (term === TRUE ? [id] : []))
  expect(granted).toBe(bool(ids.length > 0))
  return ids.sort()
}

const place = fc.record({
  scheme: fc.constantFrom<'http' | 'https'>('http', 'https', 'https', 'https'),
  host: fc.constantFrom(...HOSTS),
  port: fc.constantFrom(443, 443, 443, 80),
  method: fc.constantFrom('GET', 'PUT', 'POST'),
  path: fc.constantFrom(...PATHS),
  isUpgrade: fc.boolean(),
})

test('rules grant requests as the gate’s own policy does', () => {
  fc.assert(
    fc.property(rules, place, (policy, { isUpgrade, ...request }) => {
      const reading = readPath(request.path)
      if (reading === undefined) return // denied before any rule is asked
      const action: Action = {
        kind: 'http.request',
        ...request,
        query: null,
        upgrade: isUpgrade ? 'websocket' : undefined,
      }
      const grants = grantRequest(policy, {
        host: string(request.host),
        scheme: string(request.scheme),
        port: int(request.port),
        method: string(request.method),
        path: string(request.path),
        loosePath: string(reading.loose.text),
        isUpgrade: bool(isUpgrade),
        now: int(NOW_MS),
      })
      expect(granting(grants)).toEqual(verdictOf(policy, action))
    }),
    { numRuns: 2000 },
  )
})

test('rules grant names and ports as the gate’s own policy does', () => {
  fc.assert(
    fc.property(rules, place, (policy, { host, port }) => {
      const at = { host: string(host), port: int(port), now: int(NOW_MS) }
      const name: Action = { kind: 'dns.resolve', name: host, type: 'A' }
      expect(granting(grantName(policy, at))).toEqual(verdictOf(policy, name))
      const connect: Action = {
        kind: 'net.connect',
        transport: 'tcp',
        address: '198.18.0.1',
        port,
        host,
      }
      const grants = grantConnect(policy, at)
      expect(granting(grants)).toEqual(verdictOf(policy, connect))
      const scheme = compilePolicy({ rules: [...policy] }, () => NOW_MS).isPort(host, port)
      expect(grants.scheme).toEqual(string(scheme ?? 'none'))
    }),
    { numRuns: 2000 },
  )
})
