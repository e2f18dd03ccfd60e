import type { EgressPlan } from '../../wire/egress.ts'
import type { DecisionBundle, SessionDecision } from '../../wire/decision.ts'
import type { SecretPrintSet } from '../../wire/secret-prints.ts'
import type { EgressLimits, EgressUse, GateCredential, Upstream } from '../../wire/gate.ts'
import type { CredentialBinding } from '../../wire/keyholder.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import type { Lookup } from '../resolver.ts'
import { Canary } from './canary.ts'
import { makeIdentity, makeTestCa } from './certificates.ts'
import { Rig } from './rig.ts'

export const HOST = 'api.example.com'
/** allowed too, and bound to no credential */
export const OTHER = 'other.example.com'
export const PLACEHOLDER = 'ghp_PLACEHOLDER0123456789abcdefghijkl'
export const REAL = 'ghp_q+R/7"zz0123456789abcdefghijklmno'

export const CREDENTIAL: GateCredential = {
  name: 'token',
  hosts: [HOST],
  port: 443,
  header: 'authorization',
  placeholder: PLACEHOLDER,
}

const OUTSIDE = makeTestCa()
/** trusted for everything outside */
export const OUTSIDE_PEM = OUTSIDE.pem
const IDENTITY = makeIdentity(OUTSIDE, HOST)
const OTHER_IDENTITY = makeIdentity(OUTSIDE, OTHER)

export function rule(over: Partial<PolicyRule> = {}): PolicyRule {
  return {
    id: 'api',
    effect: 'allow',
    scheme: 'https',
    host: HOST,
    port: 443,
    methods: [],
    paths: [],
    ...over,
  }
}

/** Bodies are looked at as they pass, but for their beginning. */
const UNINSPECTED: PolicyRule['options'] = { maxBodyBytes: 1024, uninspected: true }
export const STREAMING_RULES: PolicyRule[] = [
  rule({ options: UNINSPECTED }),
  rule({ id: 'other', host: OTHER, options: UNINSPECTED }),
  rule({ id: 'plain', scheme: 'http', port: 80, options: UNINSPECTED }),
]

const USUAL_RULES: PolicyRule[] = [
  rule(),
  rule({ id: 'other', host: OTHER }),
  rule({ id: 'plain', scheme: 'http', port: 80 }),
]

export type SceneOptions = {
  rules?: PolicyRule[]
  credentials?: GateCredential[]
  platformCredentials?: CredentialBinding[]
  egress?: Partial<EgressPlan>
  prints?: SecretPrintSet
  lookup?: Lookup
  limits?: Partial<EgressLimits>
  egressUsed?: EgressUse
  maxTlsConnections?: number
  bundle?: DecisionBundle
  decision?: Partial<SessionDecision>
  /** false leaves the upstreams to the resolver */
  hasUpstreams?: boolean
  /** upstreams beside the usual ones, before them */
  more?: Upstream[]
}

/** A gate between an agent, played by the test, and two servers outside. */
export class Scene {
  readonly rig: Rig
  readonly canary: Canary
  readonly other: Canary
  readonly plain: Canary

  static async start(options: SceneOptions = {}): Promise<Scene> {
    const [canary, other, plain] = await Promise.all([
      Canary.start(IDENTITY),
      Canary.start(OTHER_IDENTITY),
      Canary.start(),
    ])
    const upstream = (host: string, port: number, dialPort: number): Upstream => ({
      host,
      port,
      address: '127.0.0.1',
      dialPort,
      caPem: OUTSIDE.pem,
    })
    const upstreams = [
      upstream(HOST, 443, canary.port),
      upstream(OTHER, 443, other.port),
      upstream(HOST, 80, plain.port),
      upstream(HOST, 8443, canary.port),
    ]
    const {
      rules = USUAL_RULES,
      credentials = [],
      hasUpstreams = true,
      more = [],
      ...rest
    } = options
    const rig = await Rig.start({
      ...rest,
      rules,
      credentials,
      upstreams: [...(hasUpstreams ? upstreams : []), ...more],
    })
    rig.keyholder.secrets.set('token', REAL)
    return new Scene(rig, { canary, other, plain })
  }

  private constructor(rig: Rig, outside: { canary: Canary; other: Canary; plain: Canary }) {
    this.rig = rig
    this.canary = outside.canary
    this.other = outside.other
    this.plain = outside.plain
  }

  /** what reached anything outside */
  get leaked(): { connections: number; bytes: number } {
    const all = [this.canary, this.other, this.plain]
    return {
      connections: all.reduce((sum, { connections }) => sum + connections, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  async close(): Promise<void> {
    await this.rig.close()
    for (const server of [this.canary, this.other, this.plain]) server.close()
  }
}

export const NOTHING_LEAKED = { connections: 0, bytes: 0 }

/** A request's head with the lines given, closing after its reply. */
export function head(line: string, ...fields: string[]): string {
  return `${[`${line} HTTP/1.1`, ...fields, 'Connection: close'].join('\r\n')}\r\n\r\n`
}

export function get(path: string, ...fields: string[]): string {
  return head(`GET ${path}`, `Host: ${HOST}`, ...fields)
}
