import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import { readNpmRequest } from './npm-request.ts'
import { canonicalNpmName, canonicalPypiName } from './package-name.ts'
import { readPypiFile, readPypiRequest } from './pypi-request.ts'
import { type PackageRegistry, readRegistryRequest } from './registry-request.ts'

const npmFile = (name: string, version: string, file: string): object => ({
  kind: 'file',
  ecosystem: 'npm',
  name,
  version,
  file,
  isSource: false,
})
const packument = (name: string): object => ({
  kind: 'metadata',
  ecosystem: 'npm',
  name,
  document: 'packument',
})
const npmVersion = (name: string): object => ({ ...packument(name), document: 'npm-version' })

test.for([
  ['a packument', '/lodash', packument('lodash')],
  ['a scoped packument as npm spells it', '/@types%2Fnode', packument('@types/node')],
  ['a scoped packument with an encoded at-sign', '/%40types%2Fnode', packument('@types/node')],
  ['a scoped packument in two segments', '/@types/node', packument('@types/node')],
  ['an old name with capitals', '/JSONStream', packument('JSONStream')],
  ['a package called hyphen', '/-', packument('-')],
  ['a version', '/lodash/1.2.3', npmVersion('lodash')],
  ['a tag', '/@types%2Fnode/latest', npmVersion('@types/node')],
  ['a tarball', '/lodash/-/lodash-1.2.3.tgz', npmFile('lodash', '1.2.3', 'lodash-1.2.3.tgz')],
  [
    'a scoped tarball',
    '/@types/node/-/node-1.2.3-rc.1.tgz',
    npmFile('@types/node', '1.2.3-rc.1', 'node-1.2.3-rc.1.tgz'),
  ],
  [
    'a scoped tarball with an encoded slash',
    '/@types%2Fnode/-/node-1.2.3.tgz',
    npmFile('@types/node', '1.2.3', 'node-1.2.3.tgz'),
  ],
  [
    'a tarball whose scope is repeated',
    '/@a/b/-/@a/b-1.0.0.tgz',
    npmFile('@a/b', '1.0.0', 'b-1.0.0.tgz'),
  ],
  [
    'a name that ends like a version',
    '/left-2/-/left-2-1.0.0.tgz',
    npmFile('left-2', '1.0.0', 'left-2-1.0.0.tgz'),
  ],
] as const)('npm: %s', ([, path, want]) => {
  expect(readNpmRequest('GET', path)).toEqual(want)
  expect(readNpmRequest('HEAD', path)).toEqual(want)
})

test.for([
  ['the registry itself', 'GET', '/'],
  ['a search', 'GET', '/-/v1/search'],
  ['an audit', 'POST', '/-/npm/v1/security/advisories/bulk'],
  ['tags', 'GET', '/-/package/lodash/dist-tags'],
  ['a publish', 'PUT', '/lodash'],
  ['an unpublish', 'DELETE', '/lodash/-/lodash-1.0.0.tgz/-rev/1-a'],
])('npm: %s brings no package in', ([, method = '', path = '']) => {
  expect(readNpmRequest(method, path)).toEqual({ kind: 'other' })
})

test.for([
  ['an empty segment', '//lodash/-/lodash-1.0.0.tgz'],
  ['an empty segment inside', '/lodash//-/lodash-1.0.0.tgz'],
  ['a slash at the end', '/lodash/'],
  ['an encoded slash in an unscoped name', '/lodash%2F-%2Flodash-1.0.0.tgz'],
  ['two encoded slashes', '/@a%2Fb%2F-/b-1.0.0.tgz'],
  ['an encoding of an encoding', '/@a%252Fb'],
  ['a path parameter', '/lodash;a=b/-/lodash-1.0.0.tgz'],
  ['an encoded semicolon', '/lodash%3B'],
  ['an encoding that is not UTF-8', '/lod%FFash'],
  ['a file of another package', '/lodash/-/lodahs-1.0.0.tgz'],
  ['a file of another scope', '/@a/b/-/@c/b-1.0.0.tgz'],
  ['a file without a version', '/lodash/-/lodash.tgz'],
  ['a file that is no tarball', '/lodash/-/lodash-1.0.0.zip'],
  ['a file in a directory', '/lodash/-/x/lodash-1.0.0.tgz'],
  ['a binary that a mirror serves', '/-/binary/node-sass/v1/x.node'],
  ['a scope alone', '/@types'],
  ['a hidden name', '/.lodash'],
  ['something below a version', '/lodash/1.0.0/x'],
])('npm: %s is ambiguous', ([, path = '']) => {
  expect(readNpmRequest('GET', path)).toMatchObject({ kind: 'ambiguous' })
})

const pypiFile = (name: string, version: string, isSource: boolean): object => ({
  kind: 'file',
  ecosystem: 'pypi',
  name,
  version,
  isSource,
})

test.for([
  ['requests-2.32.3-py3-none-any.whl', pypiFile('requests', '2.32.3', false)],
  [
    'Flask_SQLAlchemy-3.0-1-cp311-cp311-manylinux_2_17_x86_64.whl',
    pypiFile('flask-sqlalchemy', '3.0', false),
  ],
  ['requests-2.32.3.tar.gz', pypiFile('requests', '2.32.3', true)],
  ['zope.interface-5.4.0.zip', pypiFile('zope-interface', '5.4.0', true)],
  ['python-dateutil-2.9.0.post0.tar.gz', pypiFile('python-dateutil', '2.9.0.post0', true)],
  ['a-1.0rc1.dev2+local.tar.bz2', pypiFile('a', '1.0rc1.dev2+local', true)],
  ['foo-2-1.0.tar.gz', pypiFile('foo-2', '1.0', true)],
] as const)('pypi: the file %s', ([file, want]) => {
  expect(readPypiFile(file)).toEqual({ ...want, file })
  expect(readPypiRequest('GET', `/packages/ab/cd/${file}`)).toEqual({ ...want, file })
})

const project = (document: string): object => ({
  kind: 'metadata',
  ecosystem: 'pypi',
  name: 'zope-interface',
  document,
})

test.for([
  ['a page', '/simple/zope-interface/', project('simple')],
  ['a page by another spelling', '/simple/Zope.Interface', project('simple')],
  ['a document', '/pypi/zope.interface/json', project('pypi-json')],
  ['a version’s document', '/pypi/zope.interface/5.4.0/json', project('pypi-json')],
  ['the list of all', '/simple/', { kind: 'other' }],
  ['the front page', '/', { kind: 'other' }],
  ['a wheel’s metadata', '/packages/a/x-1.0-py3-none-any.whl.metadata', { kind: 'other' }],
] as const)('pypi: %s', ([, path, want]) => {
  expect(readPypiRequest('GET', path)).toEqual(want)
})

test.for([
  ['a file of two possible projects', '/packages/foo-1-2.tar.gz'],
  ['a wheel with too few tags', '/packages/foo-1.0.whl'],
  ['an archive without a version', '/packages/foo.tar.gz'],
  ['an archive that names its project last', '/packages/1.0-foo.zip'],
  ['an empty segment', '/simple//requests/'],
  ['an encoded slash', '/packages%2Fx-1.0.tar.gz'],
  ['something else', '/packages/run.sh'],
])('pypi: %s is ambiguous', ([, path = '']) => {
  expect(readPypiRequest('GET', path)).toMatchObject({ kind: 'ambiguous' })
})

test('a name of PyPI has one spelling', () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9]{1,5}$/)
  const separator = fc.constantFrom('-', '_', '.', '--', '-_.')
  fc.assert(
    fc.property(fc.tuple(part, part), fc.tuple(separator, separator), ([a, b], [one, other]) => {
      expect(canonicalPypiName(a + one + b)).toBe(canonicalPypiName(a + other + b))
      const name = canonicalPypiName(a + one + b) ?? ''
      expect(canonicalPypiName(name)).toBe(name)
    }),
  )
})

test('whatever the path, a file that is read is named after its package', () => {
  const pieces = fc.constantFrom(
    '/',
    '-',
    '@',
    'a',
    'b',
    '%2F',
    '%40',
    '1.0.0',
    '.tgz',
    '.',
    ';',
    '_',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
      const path = `/${parts.join('')}`
      const read = readNpmRequest('GET', path)
      if (read.kind !== 'file') return
      expect(canonicalNpmName(read.name)).toBe(read.name)
      expect(decodeURIComponent(path)).toContain(`/${read.name}/-/`)
      expect(path).toMatch(/\.tgz$/)
      expect(`${read.name.split('/').at(-1)}-${read.version}.tgz`).toBe(read.file)
    }),
    { numRuns: 20_000 },
  )
})

const at = (base: string, ecosystem: 'npm' | 'pypi' = 'npm'): PackageRegistry => ({
  ecosystem,
  scheme: 'https',
  host: 'registry.example',
  port: 443,
  base,
})
const get = (path: string, host = 'registry.example'): HttpRequestAction => ({
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host,
  port: 443,
  path,
  query: null,
})

test.for([
  ['another host is no registry', get('/lodash', 'other.example'), [at('')], undefined],
  ['a path beside the base is none', get('/other/lodash'), [at('/npm')], undefined],
  ['a path that only starts like the base is none', get('/npmx/y'), [at('/npm')], undefined],
  ['below the base it is one', get('/npm/lodash'), [at('/npm')], packument('lodash')],
  ['the longer base counts', get('/npm/lodash'), [at(''), at('/npm')], packument('lodash')],
  ['a merged slash hides nothing', get('//npm/lodash'), [at('/npm')], 'ambiguous'],
  ['an encoded slash hides nothing', get('/npm%2Flodash'), [at('/npm')], 'ambiguous'],
  ['a parameter hides nothing', get('/npm;x/lodash'), [at('/npm')], 'ambiguous'],
  ['one place for two kinds is none', get('/x'), [at(''), at('', 'pypi')], 'ambiguous'],
] as const)('%s', ([, action, registries, want]) => {
  const read = readRegistryRequest(action, registries)
  if (want === 'ambiguous') expect(read).toMatchObject({ kind: 'ambiguous' })
  else expect(read).toEqual(want)
})
