import * as z from 'zod'
import {
  CheckAction,
  Ecosystem,
  PACKAGE_CHECKS,
  PackageCheck,
  type PackageException,
  type PackagePlan,
} from '../wire/packages.ts'
import { canonicalPath } from '../core/url-path.ts'
import { readDay } from './agent-values.ts'
import { type Read, printable } from './problem.ts'
import { readDuration } from './quantity.ts'
import { text } from './text.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const Reason = z.string().max(1024).regex(/\S/, 'want a reason')

/** npm's `@scope/name` and PyPI's names, with `*` for any characters but `/`. */
function readPackageGlob(glob: string): Read<string> {
  if (/^(?:@[A-Za-z0-9*~._-]+\/)?[A-Za-z0-9*~!'()._-]+$/.test(glob) && glob.length <= 214) {
    return { value: glob }
  }
  return {
    problem: `\`${printable(glob)}\` is no name of a package`,
    hint: 'write a name as lodash, @types/node or @our-scope/*',
  }
}

/** Where a registry begins on its host: a canonical path, `/simple` of an index left out. */
export function readPackagesBase(path: string): Read<string> {
  if (path.startsWith('/') && !/[*/]$/.test(path) && canonicalPath(path) === path) {
    return { value: path }
  }
  return {
    problem: `\`${printable(path)}\` is no path at which a registry begins`,
    hint: 'write a path as /api/npm/main, or leave it out for the whole host',
  }
}

function readEstablished(duration: string): Read<number | null> {
  if (duration === 'never') return { value: null }
  return readDuration(duration, { min: '1d', max: '9999d' })
}

export const PackageExceptionFile = z
  .strictObject({
    name: text(readPackageGlob),
    ecosystem: Ecosystem.optional(),
    versions: z.array(z.string().min(1).max(256)).min(1).max(64).optional(),
    /** left out: all of them */
    checks: z.array(PackageCheck).min(1).optional(),
    owner: z.string().max(1024).default(''),
    reason: Reason,
    /** the last day, in UTC, that it holds */
    expires: text(readDay).optional(),
  })
  .transform(
    ({ name, ecosystem, versions, checks, expires }): PackageException => ({
      ecosystem: ecosystem ?? null,
      name,
      versions: versions ?? [],
      checks: [...(checks ?? PACKAGE_CHECKS)],
      expiresAtMs: expires ?? null,
    }),
  )

export const PackagesFile = z
  .strictObject({
    unknown: CheckAction.default('record'),
    young: CheckAction.default('hold'),
    ageUnknown: CheckAction.default('record'),
    typo: CheckAction.default('deny'),
    installScripts: CheckAction.default('record'),
    /** a version published less than this long ago is young */
    youngerThan: text((input) => readDuration(input, { min: '1m', max: '3650d' })).optional(),
    /** a package that exists for this long is no new look-alike; `never`: age excuses none */
    establishedAfter: text(readEstablished).optional(),
    exceptions: z.array(PackageExceptionFile).max(1000).default([]),
  })
  .transform(
    ({ youngerThan, establishedAfter, exceptions, ...actions }): PackagePlan => ({
      actions,
      youngMs: youngerThan ?? 72 * HOUR_MS,
      establishedMs: establishedAfter === undefined ? 365 * DAY_MS : establishedAfter,
      exceptions,
    }),
  )
