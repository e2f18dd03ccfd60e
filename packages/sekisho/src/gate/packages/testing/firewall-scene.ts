import type { EgressPlan } from '../../../wire/egress.ts'
import type { PackagePlan } from '../../../wire/packages.ts'
import { get, HOST, rule, Scene } from '../../testing/scene.ts'
import { FakeRegistry } from './registry.ts'

export const DAY_MS = 86_400_000
export const ago = (ms: number): string => new Date(Date.now() - ms).toISOString()

const PLAN: PackagePlan = {
  actions: {
    unknown: 'record',
    young: 'hold',
    ageUnknown: 'record',
    typo: 'deny',
    installScripts: 'record',
  },
  youngMs: 3 * DAY_MS,
  establishedMs: 365 * DAY_MS,
  exceptions: [],
}

/** A gate before a registry of npm, which is all that a session reaches. */
export class FirewallScene {
  readonly scene: Scene
  readonly registry = new FakeRegistry()

  static async start(
    actions: Partial<PackagePlan['actions']> = {},
    exceptions: PackagePlan['exceptions'] = [],
    egress: Partial<EgressPlan> = {},
  ): Promise<FirewallScene> {
    const packages = { ...PLAN, actions: { ...PLAN.actions, ...actions }, exceptions }
    const rules = [rule({ id: 'npm', methods: ['GET', 'HEAD'], options: { packages: 'npm' } })]
    const scene = await Scene.start({ rules, egress: { ...egress, packages } })
    return new FirewallScene(scene)
  }

  private constructor(scene: Scene) {
    this.scene = scene
    scene.canary.handler = this.registry.handler
  }

  ask(path: string, ...fields: string[]): Promise<string> {
    return this.scene.rig.send(HOST, get(path, ...fields))
  }

  /** Of the reply to a request for a package's file. */
  async fetch(name: string, version = '1.0.0'): Promise<number> {
    return statusOf(await this.ask(tarball(name, version)))
  }

  /** What the log says of each install: verdict, rules, findings. */
  installs(): string[] {
    return this.scene.rig.keyholder.intents().flatMap(({ action, verdict, findings = [] }) => {
      if (action.kind !== 'package.install') return []
      const found = findings.map(({ detector, did }) => `${detector} ${did}`)
      return [[verdict.kind, ...verdict.rules, ...found].join(', ')]
    })
  }
}

export const tarball = (name: string, version = '1.0.0'): string =>
  `/${name}/-/${name.split('/').at(-1)}-${version}.tgz`

export const statusOf = (reply: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1])
