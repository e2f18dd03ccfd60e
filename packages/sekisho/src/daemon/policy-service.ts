import { homedir } from 'node:os'
import type { controlToSupervisor } from '../wire/control.ts'
import type { Handlers } from '../wire/peer.ts'
import { BundleFiles } from './bundle-files.ts'
import { FirstPolicy } from './first-policy.ts'
import { type DriftOptions, PolicyDrift } from './policy-drift.ts'
import { type InstallOptions, PolicyInstaller } from './policy-install.ts'
import { readRegistries } from './registries.ts'

const UNSIGNED = 'policy-unsigned: the policy bundle is not signed'

type PolicyCalls = Pick<
  typeof controlToSupervisor,
  | 'bundle.read'
  | 'policy.install'
  | 'policy.approved'
  | 'policy.refused'
  | 'policy.drift'
  | 'policy.running'
>
type Options = InstallOptions &
  Omit<DriftOptions, 'policy' | 'now'> & {
    /** the directory of its files */
    bundle: string
  }

/** The policy in force: how it comes to be, and whether it still is what each process decides by. */
export class PolicyService {
  readonly installer: PolicyInstaller
  readonly first = new FirstPolicy()
  readonly #drift: PolicyDrift
  readonly #record: Options['record']
  readonly #files: BundleFiles
  readonly #directory: string
  readonly #registries: ReturnType<typeof readRegistries>
  readonly #ready = Promise.withResolvers<void>()

  constructor(options: Options) {
    this.#record = options.record
    this.#files = new BundleFiles(options.bundle)
    this.#directory = options.bundle
    this.#registries = readRegistries(homedir(), options.warn)
    this.installer = new PolicyInstaller(options)
    this.#drift = new PolicyDrift({ ...options, policy: this.installer, now: () => new Date() })
  }

  /** Gates and keyholder are there and linked: what was asked before goes on now. */
  start(): void {
    this.#drift.start()
    this.#ready.resolve()
  }

  close(): void {
    this.#drift.close()
  }

  get degraded(): string[] {
    return [...(this.installer.isUnsigned ? [UNSIGNED] : []), ...this.#drift.alerts]
  }

  /** What of it is as it should be. */
  get healthy(): string[] {
    const inForce = this.installer.inForce?.bundle
    return inForce === undefined ? [] : [`${this.#directory}, generation ${inForce.generation}`]
  }

  handlers(): Handlers<PolicyCalls> {
    return {
      'bundle.read': async ({ stamp }) => ({
        ...this.#files.read(stamp),
        registries: await this.#registries,
      }),
      'policy.install': async (next) => {
        await this.#ready.promise
        const installed = await this.installer.install(next)
        this.first.cameIntoForce()
        return installed
      },
      'policy.approved': () => this.installer.approved(),
      'policy.refused': async ({ hint, ...refused }) => {
        await this.#ready.promise
        this.first.wasRefused({ reason: refused.reason, hint })
        await this.#record({ type: 'policy.refused', ...refused })
        return {}
      },
      'policy.drift': async (drift) => {
        await this.#ready.promise
        await this.#drift.foundInFiles(drift)
        return {}
      },
      'policy.running': async () => ({
        processes: await this.#drift.running(),
        drift: this.#drift.alerts,
      }),
    }
  }
}
