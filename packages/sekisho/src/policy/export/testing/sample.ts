import { parseAgentFile } from '../../agent-file.ts'
import { sessionPolicy, setupPolicy } from '../../session-policy.ts'
import type { FenceInput, FenceSource } from '../all.ts'

/** One of everything that an agent file can say of destinations. */
const SAMPLE = `
version: 1
name: docs-bot
presets: [git-forges]
rules:
  - { id: wide, effect: allow, host: "*.example.com", methods: [any] }
  - { id: plain, effect: allow, host: mirror.example.net, scheme: http, paths: ["/debian/**", "/a/*/b"] }
  - { id: soon, effect: allow, host: x.example.org, expires: 2027-01-31 }
  - { id: gone, effect: allow, host: y.example.org, expires: 2021-01-31 }
  - { id: store, effect: allow, host: store.internal.example, ports: [8443] }
  - { id: office, effect: allow, host: wiki.office.example }
  - { id: no-secrets, effect: deny, host: github.com, paths: ["/**/secrets"] }
  - { id: no-bitbucket, effect: deny, host: bitbucket.org }
  - { id: not-below, effect: deny, host: private.example.com }
secrets:
  - { name: forge, from: "env:FORGE", hosts: [github.com], header: authorization }
upstreams:
  - { host: store.internal.example, port: 8443, address: 10.1.2.3, dialPort: 443, reason: test }
setup:
  rules:
    - { id: tools, effect: allow, host: tools.example.org }
privateRanges:
  - { host: wiki.office.example, range: 10.9.0.0/16, reason: test }
`

export const NOW_MS = Date.UTC(2026, 10, 22)

/** @param text of an agent file that is called `name` */
export function sourceOf(text: string, name = 'docs-bot'): FenceSource {
  const agent = parseAgentFile(text, `agents/${name}.yaml`)
  const setup = setupPolicy(agent, [])?.rules ?? null
  return { agent, rules: sessionPolicy(agent, []).rules, setup }
}

export function inputOf(...sources: FenceSource[]): FenceInput {
  return { digest: `sha256:${'0'.repeat(64)}`, sources, nowMs: NOW_MS }
}

export const sample: FenceInput = inputOf(sourceOf(SAMPLE))
