import { expect, test } from 'vitest'
import { planSession } from '../control/plan.ts'
import { parseAgentFile } from '../policy/agent-file.ts'
import { type GateSession, supervisorToGate } from '../wire/gate.ts'
import { Peer } from '../wire/peer.ts'
import { transportPair } from '../gate/testing/rig.ts'
import { GateBinding } from './gate-session.ts'

const AGENT = `
version: 1
name: a
rules:
  - { id: read, effect: allow, host: guard.example }
secrets:
  - { name: own, from: 'env:OWN', hosts: [guard.example], header: authorization, env: OWN }
`

const plan = planSession({
  request: { agent: 'a', argv: ['true'], workspace: null, from: null, terminal: null },
  agent: parseAgentFile(AGENT, 'agents/a.yaml'),
  configuration: `sha256:${'0'.repeat(64)}`,
  decision: {
    generation: 1,
    agent: 'a',
    uid: 1000,
    policy: { rules: [] },
    begins: [],
    task: ['true'],
  },
  phase: 'agent',
  session: 's-00000000000000000000',
  connection: null,
  detached: true,
  filters: [
    {
      id: 'guard',
      kind: 'bedrock-guardrail',
      host: 'guard.example',
      port: 443,
      basePath: '/guardrail/g',
      credential: { kind: 'env', variable: 'GUARD' },
      channels: ['user'],
      minPermille: 0,
      onMatch: 'deny',
      timeoutMs: 1000,
      onFailure: 'deny',
    },
  ],
})

test('a filter’s credential is none of the agent’s, at the same host or not, and has no placeholder', async () => {
  const [own, gates] = transportPair()
  const bound: GateSession[] = []
  const gate = new Peer('gate', own, { out: supervisorToGate, in: {}, handlers: {} })
  const { 'session.bind': bind } = supervisorToGate
  const served = new Peer('supervisor', gates, {
    out: {},
    in: { 'session.bind': bind },
    handlers: {
      'session.bind': ({ config }) => {
        bound.push(config)
        return {}
      },
    },
  })
  const network = { id: 1, gate: 0, egressUsed: { bytes: 0, requests: 0 } }
  const binding = new GateBinding(plan, { peer: () => gate, whenUp: () => Promise.resolve(gate) })
  await binding.bind(
    { network, canaries: { key: Buffer.alloc(32).toString('base64'), prints: [] } },
    { placeholders: { own: 'P-own', 'filter.guard': 'P-guard' }, upstreams: [], prints: [] },
  )
  served.close()
  expect(bound).toMatchObject([
    {
      credentials: [{ name: 'own', placeholder: 'P-own' }],
      platformCredentials: [
        {
          name: 'filter.guard',
          hosts: ['guard.example'],
          port: 443,
          header: 'authorization',
          under: '/guardrail/g',
        },
      ],
    },
  ])
  expect(JSON.stringify(bound)).not.toContain('P-guard')
})
