import * as z from 'zod'

export const Ecosystem = z.enum(['npm', 'pypi'])
export type Ecosystem = z.infer<typeof Ecosystem>

/**
 * What is asked of a package before its file reaches the agent.
 *
 * - `unknown`: no list of well-known packages has the name, and no registry described it here
 * - `young`: the version was published less than so many hours ago
 * - `ageUnknown`: nothing that this session fetched says when it was published
 * - `typo`: the name is one slip away from that of a well-known package
 * - `installScripts`: installing it runs code of its author
 */
export const PACKAGE_CHECKS = ['unknown', 'young', 'ageUnknown', 'typo', 'installScripts'] as const
export const PackageCheck = z.enum(PACKAGE_CHECKS)
export type PackageCheck = z.infer<typeof PackageCheck>

/** From the mildest on; `record` lets it pass and says so in its leaf. */
export const CHECK_ACTIONS = ['allow', 'record', 'hold', 'deny'] as const
export const CheckAction = z.enum(CHECK_ACTIONS)
export type CheckAction = z.infer<typeof CheckAction>

/** Packages that some checks do not hold for, until a day. */
export const PackageException = z.strictObject({
  /** null means either */
  ecosystem: Ecosystem.nullable(),
  /** glob over the canonical name; `*` is any characters but `/` */
  name: z.string().min(1).max(256),
  /** exact; empty means any */
  versions: z.array(z.string().max(256)).max(64),
  checks: z.array(PackageCheck).min(1),
  /** Unix ms; null for one without an end */
  expiresAtMs: z.int().min(0).nullable(),
})
export type PackageException = z.infer<typeof PackageException>

/** The package firewall of one session; which hosts are registries, its rules say. */
export const PackagePlan = z.strictObject({
  actions: z.strictObject({
    unknown: CheckAction,
    young: CheckAction,
    ageUnknown: CheckAction,
    typo: CheckAction,
    installScripts: CheckAction,
  }),
  /** a version published less than this long ago is young */
  youngMs: z.int().min(0),
  /** a package that exists for this long is no new look-alike; null: age excuses no likeness */
  establishedMs: z.int().min(0).nullable(),
  exceptions: z.array(PackageException).max(1000),
})
export type PackagePlan = z.infer<typeof PackagePlan>
