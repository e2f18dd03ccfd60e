import { expect, test } from 'vitest'
import type { PackageException, PackagePlan } from '../../wire/packages.ts'
import { PackageExceptions } from './exceptions.ts'
import { judgeInstall, judgeScripts } from './judge-install.ts'
import { MISSING, type PackageFacts, type ReleaseFacts, ReleaseTable } from './package-facts.ts'
import type { PackageFile } from './package-request.ts'
import { PopularNames } from './popular-names.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-06-01T00:00:00Z')
const popular = new PopularNames({ names: ['lodash', '@types/node'], source: 'the list 1.0' })

const plan: PackagePlan = {
  actions: {
    unknown: 'record',
    young: 'hold',
    ageUnknown: 'record',
    typo: 'deny',
    installScripts: 'record',
  },
  youngMs: 72 * HOUR,
  establishedMs: 365 * DAY,
  exceptions: [],
}

const file = (name: string): PackageFile => ({
  kind: 'file',
  ecosystem: 'npm',
  name,
  version: '1.0.0',
  file: `${name}-1.0.0.tgz`,
  isSource: false,
})

/** Of a package that is old, unless it says otherwise. */
function facts(
  release: Partial<ReleaseFacts> = {},
  rest: Partial<PackageFacts> = {},
): PackageFacts {
  const releases = new ReleaseTable(1)
  releases.add('1.0.0', { publishedAtMs: NOW - 400 * DAY, ...release })
  return { status: 'described', createdAtMs: NOW - 30 * DAY, modifiedAtMs: null, releases, ...rest }
}

function judge(
  name: string,
  known: PackageFacts | undefined,
  over: Partial<PackagePlan> & { file?: Partial<PackageFile> } = {},
): { findings: string[]; stop: unknown } {
  const { file: fileOver, ...planOver } = over
  const all = { ...plan, ...planOver }
  const exceptions = new PackageExceptions(all.exceptions)
  const subject: PackageFile = { ...file(name), ...fileOver }
  const { findings, stop } = judgeInstall(
    subject,
    { facts: known, popular, exceptions },
    { plan: all, nowMs: NOW },
  )
  return { findings: findings.map(({ check, action }) => `${check} ${action}`), stop: stop?.kind }
}

test.for([
  ['a well-known package of old', 'lodash', facts(), [], undefined],
  ['a package that the registry described', 'our-thing', facts(), [], undefined],
  [
    'a package that nobody described',
    'our-thing',
    undefined,
    ['unknown record', 'ageUnknown record'],
    undefined,
  ],
  [
    'a package that the registry does not have',
    'our-thing',
    MISSING,
    ['unknown record', 'ageUnknown record'],
    undefined,
  ],
  [
    'a well-known package that nobody described',
    'lodash',
    undefined,
    ['ageUnknown record'],
    undefined,
  ],
  ['a young version', 'lodash', facts({ publishedAtMs: NOW - 71 * HOUR }), ['young hold'], 'hold'],
  [
    'a version that has just come of age',
    'lodash',
    facts({ publishedAtMs: NOW - 72 * HOUR }),
    [],
    undefined,
  ],
  [
    'a version from the future',
    'lodash',
    facts({ publishedAtMs: NOW + DAY }),
    ['young hold'],
    'hold',
  ],
  [
    'a version without a time',
    'lodash',
    facts({ publishedAtMs: null }),
    ['ageUnknown record'],
    undefined,
  ],
  [
    'a version without a time of a package that rests',
    'lodash',
    facts({ publishedAtMs: null }, { modifiedAtMs: NOW - 73 * HOUR }),
    [],
    undefined,
  ],
  [
    'a version without a time of a package that moves',
    'lodash',
    facts({ publishedAtMs: null }, { modifiedAtMs: NOW - HOUR }),
    ['ageUnknown record'],
    undefined,
  ],
  [
    'install scripts',
    'lodash',
    facts({ installScripts: true }),
    ['installScripts record'],
    undefined,
  ],
  ['a look-alike', 'lodahs', facts(), ['typo deny'], 'deny'],
  [
    'a look-alike that nobody described',
    'lodahs',
    undefined,
    ['unknown record', 'typo deny', 'ageUnknown record'],
    'deny',
  ],
  [
    'a look-alike of years',
    'lodahs',
    facts({}, { createdAtMs: NOW - 365 * DAY }),
    ['typo record'],
    undefined,
  ],
  [
    'a young look-alike',
    'lodahs',
    facts({ publishedAtMs: NOW - HOUR }),
    ['typo deny', 'young hold'],
    'deny',
  ],
] as const)('%s', ([, name, known, findings, stop]) => {
  expect(judge(name, known)).toEqual({ findings, stop })
})

test('age excuses no look-alike where the plan says so', () => {
  const old = facts({}, { createdAtMs: NOW - 4000 * DAY })
  expect(judge('lodahs', old, { establishedMs: null })).toEqual({
    findings: ['typo deny'],
    stop: 'deny',
  })
})

test('a source distribution runs code', () => {
  const over = {
    actions: { ...plan.actions, installScripts: 'deny' as const },
    file: { isSource: true },
  }
  expect(judge('lodash', facts(), over)).toEqual({
    findings: ['installScripts deny'],
    stop: 'deny',
  })
})

test('a file of PyPI is known by its name, not by its version', () => {
  const releases = new ReleaseTable(1)
  releases.add('lodash-1.0.tar.gz', { publishedAtMs: NOW - HOUR })
  const known: PackageFacts = { ...MISSING, status: 'described', releases }
  const over = { file: { ecosystem: 'pypi', version: '1.0', file: 'lodash-1.0.tar.gz' } as const }
  expect(judge('lodash', known, over)).toEqual({ findings: ['young hold'], stop: 'hold' })
})

test('the operator reads what was compared with what', () => {
  const exceptions = new PackageExceptions([])
  const { stop } = judgeInstall(
    file('lodahs'),
    { facts: undefined, popular, exceptions },
    { plan, nowMs: NOW },
  )
  expect(stop).toEqual({
    kind: 'deny',
    rules: ['packages.typo'],
    reason: 'npm package lodahs 1.0.0: it is one slip away from lodash, which the list 1.0 knows',
  })
})

const except = (over: Partial<PackageException>): Partial<PackagePlan> => ({
  exceptions: [
    { ecosystem: null, name: 'lodahs', versions: [], checks: ['typo'], expiresAtMs: null, ...over },
  ],
})

test.for([
  ['the name', except({}), []],
  ['a glob', except({ name: 'lod*' }), []],
  ['its ecosystem', except({ ecosystem: 'npm' }), []],
  ['another ecosystem', except({ ecosystem: 'pypi' }), ['typo deny']],
  ['its version', except({ versions: ['1.0.0'] }), []],
  ['another version', except({ versions: ['1.0.1'] }), ['typo deny']],
  ['another check', except({ checks: ['young', 'unknown'] }), ['typo deny']],
  ['another name', except({ name: 'lodah' }), ['typo deny']],
  ['a glob over scoped names', except({ name: '*/*' }), ['typo deny']],
  ['its name until tomorrow', except({ expiresAtMs: NOW + 1 }), []],
  ['its name until now', except({ expiresAtMs: NOW }), ['typo deny']],
] as const)('an exception for %s', ([, over, findings]) => {
  expect(judge('lodahs', facts(), over).findings).toEqual(findings)
})

test('a finding says that its exception has expired', () => {
  const exceptions = new PackageExceptions(except({ expiresAtMs: NOW - DAY }).exceptions ?? [])
  const { findings } = judgeInstall(
    file('lodahs'),
    { facts: facts(), popular, exceptions },
    { plan, nowMs: NOW },
  )
  expect(findings.map(({ reason }) => reason)).toEqual([
    'it is one slip away from lodash, which the list 1.0 knows; its exception expired 2026-05-31',
  ])
})

test.for([
  ['*', 'lodash', true],
  ['*', '@a/b', false],
  ['@a/*', '@a/b', true],
  ['@a/*', '@ab/c', false],
  ['@*/b', '@a/b', true],
  ['a*c*e', 'abcde', true],
  ['a*c*c', 'abc', false],
  ['*a', 'a', true],
  ['a*a', 'a', false],
] as const)('the glob %s and the name %s', ([glob, name, matches]) => {
  const exceptions = new PackageExceptions([
    { ecosystem: null, name: glob, versions: [], checks: ['young'], expiresAtMs: null },
  ])
  const query = { ecosystem: 'npm', name, version: '1.0.0', check: 'young', nowMs: NOW } as const
  expect(exceptions.find(query)).toEqual({ kind: matches ? 'yes' : 'no' })
})

test('scripts that only the file shows are weighed the same way', () => {
  const strict = { ...plan, actions: { ...plan.actions, installScripts: 'deny' as const } }
  const exceptions = new PackageExceptions([])
  expect(
    judgeScripts(file('lodash'), 'it has some', { plan: strict, nowMs: NOW, exceptions }).stop,
  ).toEqual({
    kind: 'deny',
    rules: ['packages.installScripts'],
    reason: 'npm package lodash 1.0.0: it has some',
  })
  const allowed = { ...plan, actions: { ...plan.actions, installScripts: 'allow' as const } }
  expect(
    judgeScripts(file('lodash'), 'it has some', { plan: allowed, nowMs: NOW, exceptions }),
  ).toEqual({
    findings: [],
    stop: undefined,
  })
})
