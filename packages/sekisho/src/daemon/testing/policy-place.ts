import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { transportPair } from '../../gate/testing/rig.ts'
import type { PolicyInstall } from '../../wire/control.ts'
import type { SessionDecision } from '../../wire/decision.ts'
import { supervisorToGate } from '../../wire/gate.ts'
import { supervisorToKeyholder } from '../../wire/keyholder.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { Peer } from '../../wire/peer.ts'
import { PolicyDrift } from '../policy-drift.ts'
import { type Decided, PolicyInstaller } from '../policy-install.ts'
import { NO_LLM_SETTINGS } from '../../wire/llm.ts'

export const SESSION = 's-00000000000000000001'
export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`

/** Of a session that may reach one host. */
export function decision(generation: number): SessionDecision {
  return {
    generation,
    agent: 'a',
    uid: 0,
    policy: { rules: [allow] },
    begins: [],
    task: [],
  }
}

const allow = {
  id: 'r',
  effect: 'allow',
  scheme: 'https',
  host: 'a.example',
  port: 443,
  methods: [],
  paths: [],
} satisfies SessionDecision['policy']['rules'][number]

/** A generation as control sends it; its digest is of one letter. */
export function install(generation: number, letter: string): PolicyInstall {
  return {
    bundle: {
      generation,
      digest: digest(letter),
      cedar: [],
      hosts: [],
      operations: [],
      constraints: [],
      mandates: [],
      users: [],
      approvals: { timeoutMs: 60_000 },
      llm: NO_LLM_SETTINGS,
    },
    approvers: [],
    change: 'first',
    detail: '',
    signers: [],
    sessions: [{ session: SESSION, decision: decision(generation) }],
    files: { 'agents/a.yaml': letter },
  }
}

/** Gates and a keyholder that say what is asked of them, and lie if they are told to. */
export class PolicyPlace {
  readonly installer: PolicyInstaller
  readonly drift: PolicyDrift
  readonly sessions: Decided[]
  readonly keyholder: Peer<typeof supervisorToKeyholder>
  readonly killed: number[] = []
  /** digests that a process says it has, in place of what it was given */
  readonly running: Record<string, string[]> = {}
  readonly gateAnswers: Record<string, SekishoError> = {}
  /** what comes of asking for its status */
  readonly gateFails: Record<string, SekishoError> = {}
  decideFails: SekishoError | undefined
  logFails = false

  /** what happened, in the order in which it did */
  order: string[] = []
  leaves: LeafInput[] = []

  /** @param directory in which what is in force is kept */
  constructor(
    directory: string,
    { gates = 1, sessions = [] }: { gates?: number; sessions?: string[] } = {},
  ) {
    const live = Array.from({ length: gates }, (_, index) => ({
      index,
      peer: this.gate(`gate-${index}`),
    }))
    this.keyholder = this.#keyholder()
    this.sessions = sessions.map((id) => this.#session(id))
    const common = {
      gates: { live: () => live, kill: (index: number) => void this.killed.push(index) },
      keyholder: () => this.keyholder,
      record: async (leaf: LeafInput) => this.#record(leaf),
      warn: () => undefined,
    }
    this.installer = new PolicyInstaller({
      ...common,
      sessions: () => this.sessions,
      file: join(directory, 'policy.json'),
    })
    this.drift = new PolicyDrift({ ...common, policy: this.installer, now: () => new Date(0) })
  }

  gate(name: string): Peer<typeof supervisorToGate> {
    const { 'policy.install': takes, status } = supervisorToGate
    const has: string[] = []
    const [own, other] = transportPair()
    new Peer('supervisor', own, {
      out: {},
      in: { 'policy.install': takes, status },
      handlers: {
        'policy.install': (bundle) => {
          const failure = this.gateAnswers[name]
          if (failure !== undefined) throw failure
          this.order.push(`${name} takes ${bundle.generation}`)
          has.push(bundle.digest)
          return {}
        },
        status: () => {
          const failure = this.gateFails[name]
          if (failure !== undefined) throw failure
          return {
            policies: this.running[name] ?? has.slice(-1),
            networks: 0,
            connections: 0,
            degraded: [],
          }
        },
      },
    })
    return new Peer(name, other, { out: supervisorToGate, in: {}, handlers: {} })
  }

  #keyholder(): Peer<typeof supervisorToKeyholder> {
    const { 'policy.set': takes, status } = supervisorToKeyholder
    let has: string | null = null
    const [own, other] = transportPair()
    new Peer('supervisor', own, {
      out: {},
      in: { 'policy.set': takes, status },
      handlers: {
        'policy.set': (policy) => {
          this.order.push(`keyholder takes ${policy.generation}`)
          has = policy.digest
          return {}
        },
        status: () => ({
          logSize: 0,
          logKey: '',
          degraded: [],
          sessions: 0,
          policy: this.running['keyholder']?.[0] ?? has,
        }),
      },
    })
    return new Peer('keyholder', other, { out: supervisorToKeyholder, in: {}, handlers: {} })
  }

  #session(id: string): Decided {
    const session: Decided = {
      id,
      gate: 0,
      decision: decision(0),
      decide: async (next) => {
        if (this.decideFails !== undefined) throw this.decideFails
        this.order.push(`${id} is decided by ${next.generation}`)
        session.decision = next
        return 3
      },
    }
    return session
  }

  #record(leaf: LeafInput): void {
    if (this.logFails) throw new SekishoError('LOG_UNWRITABLE', 'the disk is full')
    const number = leaf.type === 'policy.generation' ? ` ${leaf.generation}` : ''
    this.order.push(`log: ${leaf.type}${number}`)
    this.leaves.push(leaf)
  }
}
