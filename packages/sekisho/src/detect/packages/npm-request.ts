import { canonicalNpmName } from './package-name.ts'
import { ambiguous, isRead, type PackageRequest, segmentsOf } from './package-request.ts'

/** First segments below `/-/` that serve no package's code. */
const SERVICES: ReadonlySet<string> = new Set([
  'all',
  'npm',
  'org',
  'package',
  'ping',
  'team',
  'user',
  'v1',
  'whoami',
])

/** What old publishes put between name and `.tgz`: more than SemVer allows, never a slash. */
const VERSION = /^v?\d[\w.+~-]{0,199}$/
/** A version, a range or a tag in the place of a version: `GET /name/latest`. */
const VERSION_OR_TAG = /^[\w.+~^<>=|* -]{1,200}$/

/**
 * What a request at an npm registry asks for.
 *
 * @param path canonical, below the registry's base, starting with `/`
 * @see https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md
 */
export function readNpmRequest(method: string, path: string): PackageRequest {
  if (!isRead(method) || path === '/') return { kind: 'other' }
  const segments = segmentsOf(path)?.flatMap(splitScope)
  if (segments === undefined || segments.includes('')) return ambiguous('an ambiguous path')
  if (segments[0] === '-' && segments.length > 1) return readService(segments)
  return readPackage(segments)
}

function readPackage(segments: readonly string[]): PackageRequest {
  const parts = segments[0]?.startsWith('@') === true ? 2 : 1
  const name = canonicalNpmName(segments.slice(0, parts).join('/'))
  if (name === undefined) return ambiguous('no name of a package')
  return readPackagePath(name, segments.slice(parts))
}

/** `@scope%2Fname` is how npm spells `@scope/name`; nothing else holds an encoded slash. */
function splitScope(segment: string, index: number): string[] {
  return index === 0 && /^@[^/]+\/[^/]+$/.test(segment) ? segment.split('/') : [segment]
}

function readService([, service = '']: readonly string[]): PackageRequest {
  return SERVICES.has(service) ? { kind: 'other' } : ambiguous('no service of a registry')
}

function readPackagePath(name: string, rest: readonly string[]): PackageRequest {
  const [first, ...more] = rest
  if (first === undefined) {
    return { kind: 'metadata', ecosystem: 'npm', name, document: 'packument' }
  }
  if (first === '-') return readTarball(name, more)
  if (more.length > 0 || !VERSION_OR_TAG.test(first)) return ambiguous('no document of a package')
  return { kind: 'metadata', ecosystem: 'npm', name, document: 'npm-version' }
}

/** `name-1.2.3.tgz`; some registries repeat the scope before it. */
function readTarball(name: string, rest: readonly string[]): PackageRequest {
  const [scope, bare] = name.startsWith('@') ? splitName(name) : ['', name]
  const file = rest.at(-1) ?? ''
  const isPlain = rest.length === 1 || (rest.length === 2 && rest[0] === scope)
  const version = file.slice(bare.length + 1, -'.tgz'.length)
  const isOwn = file.startsWith(`${bare}-`) && file.endsWith('.tgz') && VERSION.test(version)
  if (!isPlain || !isOwn) return ambiguous('a file that is not named after its package')
  return { kind: 'file', ecosystem: 'npm', name, version, file, isSource: false }
}

function splitName(name: string): [string, string] {
  const slash = name.indexOf('/')
  return [name.slice(0, slash), name.slice(slash + 1)]
}
