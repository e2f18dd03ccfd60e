import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type * as z from 'zod'
import { SekishoError } from '../../../core/error.ts'
import { bundleBytes, bundleDigest, writeSignatures } from '../../../policy/bundle-signatures.ts'
import { writeKey } from '../../../policy/operators.ts'
import { keyDigest } from '../../../policy/signing-key.ts'
import { controlToSupervisor, type PolicyInstall } from '../../../wire/control.ts'
import { type Handlers, Peer, type Transport } from '../../../wire/peer.ts'
import { BundleReader } from '../../bundle-reader.ts'
import type { Compare } from '../comparison.ts'
import { Generations } from '../generations.ts'
import type { Subject } from '../session-decision.ts'

/** What generations ask of the supervisor. */
const CALLS = {
  'bundle.read': controlToSupervisor['bundle.read'],
  'policy.approved': controlToSupervisor['policy.approved'],
  'policy.install': controlToSupervisor['policy.install'],
  'policy.refused': controlToSupervisor['policy.refused'],
  'policy.drift': controlToSupervisor['policy.drift'],
} as const
type BundleRead = z.infer<(typeof CALLS)['bundle.read']['result']>

export type Person = { name: string; key: Buffer; secret: KeyObject }

export function person(name: string): Person {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  return { name, key, secret: privateKey }
}

export function operatorsFile(...people: readonly Person[]): string {
  const lines = people.map(({ name, key }) => `  - { name: ${name}, key: "${writeKey(key)}" }\n`)
  return `version: 1\noperators:${people.length === 0 ? ' []' : ''}\n${lines.join('')}`
}

/** An agent that may reach these hosts. */
export function agentFile(name: string, ...hosts: readonly string[]): string {
  const head = `version: 1\nname: ${name}\n`
  if (hosts.length === 0) return `${head}presets: none\n`
  const rules = hosts.map((host, i) => `  - { id: r${i}, effect: allow, host: ${host} }\n`)
  return `${head}rules:\n${rules.join('')}`
}

/** The supervisor and a directory of files, as control sees them. */
export class BundleDesk {
  files = new Map<string, string>()
  readonly installed: PolicyInstall[] = []
  readonly refused: { digest: string | null; reason: string }[] = []
  readonly hints: (string | null)[] = []
  readonly drift: unknown[] = []
  running: { session: string; subject: Subject }[] = []
  approved: { generation: number; files: Record<string, string> | null } = {
    generation: 0,
    files: null,
  }
  /** thrown by the next install */
  installFails: SekishoError | undefined
  /** files change, and nothing of it shows */
  isStampBlind = false
  compare: Compare = () => Promise.reject(new SekishoError('TIMEOUT', 'no solver'))
  #stamp = 0
  #held = ''

  readonly generations: Generations

  constructor() {
    const [own, controls] = transportPair()
    new Peer('control', own, { out: {}, in: CALLS, handlers: this.#handlers() })
    const supervisor = new Peer('supervisor', controls, {
      out: controlToSupervisor,
      in: {},
      handlers: {},
    })
    this.generations = new Generations({
      supervisor,
      reader: new BundleReader(supervisor),
      compare: (before, after) => this.compare(before, after),
      running: () => this.running,
      now: () => new Date(0),
      report: (line) => {
        throw new Error(line)
      },
    })
  }

  write(path: string, text: string): void {
    this.files.set(path, text)
  }

  sign(...people: readonly Person[]): void {
    const bytes = bundleBytes(bundleDigest(this.files))
    this.write(
      'signatures.yaml',
      writeSignatures(
        people.map(({ name, key, secret }) => ({
          operator: name,
          key: keyDigest(key),
          signature: sign(null, bytes, secret).toString('base64'),
        })),
      ),
    )
  }

  /** As after a restart of the platform: another control, the same kept bundle. */
  restarted(): BundleDesk {
    const next = new BundleDesk()
    next.files = new Map(this.files)
    next.approved = { generation: 0, files: this.installed.at(-1)?.files ?? this.approved.files }
    return next
  }

  #handlers(): Handlers<typeof CALLS> {
    return {
      'bundle.read': ({ stamp }) => this.#read(stamp),
      'policy.approved': () => this.approved,
      'policy.install': (install) => this.#install(install),
      'policy.refused': ({ digest, reason, hint }) => {
        this.refused.push({ digest, reason })
        this.hints.push(hint)
        return {}
      },
      'policy.drift': (drift) => {
        this.drift.push(drift)
        return {}
      },
    }
  }

  #read(known: string | null): BundleRead {
    const text = JSON.stringify([...this.files])
    if (text !== this.#held && !this.isStampBlind) this.#stamp += 1
    this.#held = text
    const stamp = String(this.#stamp)
    const files = stamp === known ? null : Object.fromEntries(this.files)
    return { stamp, files, registries: [] }
  }

  #install(install: PolicyInstall): { closed: number } {
    const failure = this.installFails
    this.installFails = undefined
    if (failure !== undefined) throw failure
    this.installed.push(install)
    return { closed: 0 }
  }
}

/** What is sent is a copy, as between processes. */
function transportPair(): [Transport, Transport] {
  const receivers: ((message: unknown, handle: unknown) => void)[] = []
  const end = (own: number): Transport => ({
    send: (message) => {
      const copy: unknown = structuredClone(message)
      queueMicrotask(() => receivers[1 - own]?.(copy, undefined))
    },
    onMessage: (receive) => {
      receivers[own] = receive
    },
    onClose: () => undefined,
    close: () => undefined,
  })
  return [end(0), end(1)]
}
