import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NpmMetadata, readManifestScripts } from './npm-metadata.ts'
import { MISSING, type PackageFacts, readTime, ReleaseTable } from './package-facts.ts'
import { PackageTable } from './package-table.ts'
import { PypiMetadata } from './pypi-metadata.ts'

const JANUARY = Date.parse('2026-01-01T00:00:00Z')
const MAY = Date.parse('2026-05-01T12:30:00Z')

function readNpm(document: unknown, name = 'pkg', max = 100): PackageFacts | undefined {
  const metadata = new NpmMetadata(name, max)
  const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))
  for (let at = 0; at < bytes.length; at += 7) metadata.push(bytes.subarray(at, at + 7))
  return metadata.end()
}

test('a whole packument says when each version was published and which run scripts', () => {
  const facts = readNpm({
    _id: 'pkg',
    name: 'pkg',
    'dist-tags': { latest: '2.0.0' },
    versions: {
      '1.0.0': { name: 'pkg', scripts: { test: 'x' } },
      '2.0.0': {
        scripts: { postinstall: 'node x.js' },
        deprecated: 'use other',
        dist: { a: ['{'] },
      },
      '3.0.0': { hasInstallScript: true },
      '4.0.0': { hasInstallScript: false, deprecated: false },
    },
    time: {
      created: '2026-01-01T00:00:00.000Z',
      modified: '2026-05-01T12:30:00.000Z',
      '1.0.0': '2026-01-01T00:00:00.000Z',
      '2.0.0': '2026-05-01T12:30:00.000Z',
    },
  })
  expect(facts).toMatchObject({
    status: 'described',
    createdAtMs: JANUARY,
    modifiedAtMs: MAY,
  })
  const quiet = { publishedAtMs: null, installScripts: false, deprecated: false }
  expect(['1.0.0', '2.0.0', '3.0.0', '4.0.0', '5.0.0'].map((v) => facts?.releases.get(v))).toEqual([
    { ...quiet, publishedAtMs: JANUARY },
    { publishedAtMs: MAY, installScripts: true, deprecated: true },
    { ...quiet, installScripts: true },
    quiet,
    undefined,
  ])
})

test('an abbreviated packument says when its package was last changed', () => {
  const facts = readNpm({
    name: 'pkg',
    modified: '2026-05-01T12:30:00.000Z',
    versions: { '1.0.0': {} },
  })
  expect(facts).toMatchObject({ createdAtMs: null, modifiedAtMs: MAY })
  expect(facts?.releases.get('1.0.0')?.publishedAtMs).toBeNull()
})

test.for([
  ['of another package', { name: 'other', versions: {} }],
  ['that names two packages', '{"name":"pkg","name":"other"}'],
  ['without a name', { versions: { '1.0.0': {} } }],
  ['whose name is no text', { name: ['pkg'] }],
  ['that breaks off', '{"name":"pkg","versions":{"1.0.0":{}'],
  ['that is two documents', '{"name":"pkg"}{"name":"pkg"}'],
  ['that is HTML', '<html></html>'],
  ['that is empty', ''],
] as const)('a document %s says nothing', ([, document]) => {
  expect(readNpm(document)).toBeUndefined()
})

test('of duplicate versions the worse of what each says counts', () => {
  const facts = readNpm(
    '{"name":"pkg","versions":{"1.0.0":{"scripts":{"install":"x"}},"1.0.0":{"scripts":{}}},' +
      '"time":{"1.0.0":"2026-05-01T12:30:00.000Z","1.0.0":"2026-01-01T00:00:00.000Z"}}',
  )
  expect(facts?.releases.get('1.0.0')).toEqual({
    publishedAtMs: MAY,
    installScripts: true,
    deprecated: false,
  })
})

test('an escape in a key hides nothing', () => {
  const facts = readNpm(
    '{"name":"pkg","\\u0076ersions":{"1.0.0":{"scr\\u0069pts":{"\\u0069nstall":"x"}}}}',
  )
  expect(facts?.releases.get('1.0.0')?.installScripts).toBe(true)
})

test('of more versions than may be kept the rest is unknown', () => {
  const versions = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`1.0.${at}`, {}]))
  const facts = readNpm({ name: 'pkg', versions }, 'pkg', 10)
  expect([facts?.releases.size, facts?.releases.get('1.0.29')]).toEqual([10, undefined])
})

test('the scanner says what JSON.parse would', () => {
  const version = fc.record(
    {
      scripts: fc.dictionary(
        fc.constantFrom('install', 'preinstall', 'postinstall', 'test'),
        fc.string(),
      ),
      hasInstallScript: fc.boolean(),
      dependencies: fc.anything({ maxDepth: 2 }),
    },
    { requiredKeys: [] },
  )
  const times = fc.integer({ min: JANUARY, max: MAY }).map((ms) => new Date(ms).toISOString())
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^\d\.\d\.\d$/), version, { maxKeys: 6 }),
      fc.array(times, { maxLength: 6 }),
      (versions, published) => {
        const time = Object.fromEntries(
          Object.keys(versions).flatMap((key, at) => {
            const text = published[at]
            return text === undefined ? [] : [[key, text]]
          }),
        )
        const text = JSON.stringify({ readme: '"}{', name: 'pkg', versions, time })
        const facts = readNpm(text)
        expect(facts?.releases.size).toBe(Object.keys(versions).length)
        for (const [key, { scripts = {}, hasInstallScript }] of Object.entries(versions)) {
          const release = facts?.releases.get(key)
          const runs = ['install', 'preinstall', 'postinstall'].some((name) =>
            Object.hasOwn(scripts, name),
          )
          expect(release?.installScripts).toBe(runs || hasInstallScript === true)
          const wantMs =
            time[key] === undefined ? null : Math.ceil(Date.parse(time[key]) / 60_000) * 60_000
          expect(release?.publishedAtMs).toBe(wantMs)
        }
      },
    ),
  )
})

function readPypi(document: unknown, name = 'pkg'): PackageFacts | undefined {
  const metadata = new PypiMetadata(name, 100)
  const bytes = Buffer.from(typeof document === 'string' ? document : JSON.stringify(document))
  for (let at = 0; at < bytes.length; at += 5) metadata.push(bytes.subarray(at, at + 5))
  return metadata.end()
}

test('a page of an index says when each file was uploaded', () => {
  const facts = readPypi({
    meta: { 'api-version': '1.1' },
    name: 'Pkg',
    versions: ['1.0', '2.0'],
    files: [
      {
        filename: 'pkg-1.0.tar.gz',
        'upload-time': '2026-01-01T00:00:00.000000Z',
        hashes: { a: 'b' },
      },
      { filename: 'pkg-2.0.tar.gz', 'upload-time': '2026-05-01T12:30:00Z', yanked: 'broken' },
      { filename: 'pkg-3.0.tar.gz', yanked: false, 'core-metadata': { sha256: 'x' } },
    ],
  })
  expect(facts).toMatchObject({ status: 'described', createdAtMs: JANUARY, modifiedAtMs: null })
  expect(['1.0', '2.0', '3.0'].map((v) => facts?.releases.get(`pkg-${v}.tar.gz`))).toEqual([
    { publishedAtMs: JANUARY, installScripts: false, deprecated: false },
    { publishedAtMs: MAY, installScripts: false, deprecated: true },
    { publishedAtMs: null, installScripts: false, deprecated: false },
  ])
})

test('a project’s document says the same in its own words', () => {
  const file = {
    filename: 'pkg-1.0.tar.gz',
    upload_time_iso_8601: '2026-01-01T00:00:00Z',
    yanked: false,
  }
  const facts = readPypi({
    info: { name: 'pkg', author: 'x', classifiers: [{ name: 'other' }] },
    releases: { '0.9': [], '1.0': [file] },
    urls: [file],
  })
  expect(facts?.createdAtMs).toBe(JANUARY)
  expect(facts?.releases.get('pkg-1.0.tar.gz')?.publishedAtMs).toBe(JANUARY)
})

test.for([
  ['of another project', { name: 'other', files: [] }],
  ['without a name', { files: [] }],
  ['that is HTML', '<!DOCTYPE html><a href="x">x</a>'],
] as const)('a page %s says nothing', ([, document]) => {
  expect(readPypi(document)).toBeUndefined()
})

test.for([
  ['2026-01-01T00:00:00.123Z', JANUARY + 123],
  ['2026-01-01T00:00:00', JANUARY],
  ['2026-01-01T01:00:00+01:00', JANUARY],
  ['2026-01-01', null],
  ['2026-13-01T00:00:00Z', null],
  ['yesterday', null],
  ['1767225600', null],
] as const)('the time %s is %s', ([text, want]) => {
  expect(readTime(text)).toBe(want)
})

test('a time is rounded up, so that nothing is taken for older than it is', () => {
  const table = new ReleaseTable(1)
  table.add('1.0.0', { publishedAtMs: JANUARY + 1 })
  expect(table.get('1.0.0')?.publishedAtMs).toBe(JANUARY + 60_000)
})

test.for([
  ['{"scripts":{"postinstall":"x"}}', { runs: true }],
  ['\ufeff{"scripts":{"preinstall":"x"}}', { runs: true }],
  ['{"scripts":{"install":"x"},"scripts":{}}', { runs: true }],
  ['{"scripts":{"prepare":"x","test":"y"}}', { runs: false }],
  ['{"config":{"scripts":{"install":"x"}}}', { runs: false }],
  ['{}', { runs: false }],
  ['{"scripts":', undefined],
] as const)('the package.json %s', ([text, want]) => {
  expect(readManifestScripts(Buffer.from(text))).toEqual(want)
})

function factsOf(releases: number): PackageFacts {
  const table = new ReleaseTable(releases)
  for (let at = 0; at < releases; at += 1) table.add(`1.0.${at}`, {})
  return { ...MISSING, status: 'described', releases: table }
}

test('a session forgets what it was told longest ago, and no more than it must', () => {
  const table = new PackageTable({ names: 3, releases: 10 })
  for (const name of ['a', 'b', 'c']) table.set('npm', name, factsOf(3))
  table.set('npm', 'a', factsOf(3)) // told anew: b is the oldest now
  table.set('npm', 'd', factsOf(3))
  expect(['a', 'b', 'c', 'd'].map((name) => table.find('npm', name) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ])
  table.set('npm', 'e', factsOf(9))
  expect(table.size).toEqual({ names: 1, releases: 9 })
  expect(table.find('pypi', 'e')).toBeUndefined()
})
