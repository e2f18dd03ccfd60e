import { canonicalPypiName } from './package-name.ts'
import { ambiguous, isRead, type PackageRequest, segmentsOf } from './package-request.ts'

/** What pip takes for an archive (`pip/_internal/utils/filetypes.py`), and the eggs of old. */
const SOURCE = /\.(?:tar\.gz|tgz|tar|tar\.bz2|tbz|tar\.xz|txz|tlz|tar\.lz|tar\.lzma|zip|egg)$/i
/** PyPA, Binary distribution format: name, version, perhaps a build, then three tags. */
const WHEEL = /^([^-]+)-([^-]+)(?:-(\d[^-]*))?-([^-]+)-([^-]+)-([^-]+)\.whl$/i
/** PEP 440, loosely: epoch, release, and pre, post, dev and local parts in any usual spelling. */
const VERSION =
  /^v?(?:\d+!)?\d+(?:\.\d+)*(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|preview)[._-]?\d*)?(?:-\d+|[._-]?(?:post|rev|r)[._-]?\d*)?(?:[._-]?dev[._-]?\d*)?(?:\+[a-z0-9]+(?:[._-][a-z0-9]+)*)?$/i
/** First segments of pages that serve no code. */
const PAGES: ReadonlySet<string> = new Set(['integrity', 'project', 'rss', 'search', 'stats'])

const MAX_FILE = 300

/**
 * What a request at a Python package index, or at the host of its files, asks for.
 *
 * @param path canonical, below the registry's base, starting with `/`
 * @see PEP 503, PEP 658 and PEP 691 for the index, PEP 427 and PEP 625 for the names of files
 */
export function readPypiRequest(method: string, path: string): PackageRequest {
  if (!isRead(method)) return { kind: 'other' }
  // an index page ends with a slash
  const segments = segmentsOf(path.replace(/(.)\/$/, '$1'))
  if (path === '/') return { kind: 'other' }
  if (segments === undefined || segments.some((segment) => !/^[^/]+$/.test(segment))) {
    return ambiguous('an ambiguous path')
  }
  return readPath(segments)
}

function readPath(segments: readonly string[]): PackageRequest {
  const [first = '', second] = segments
  if (first === 'simple' && segments.length <= 2) return readIndex(second)
  if (first === 'pypi' && segments.at(-1) === 'json') return readJson(segments)
  const file = segments.at(-1) ?? ''
  if (isArchive(file)) return readPypiFile(file)
  // PEP 658: what a wheel says of itself, without its code; and signatures
  if (/\.(?:whl\.metadata|asc)$/.test(file) || PAGES.has(first)) return { kind: 'other' }
  return ambiguous('nothing that an index has')
}

function readIndex(project: string | undefined): PackageRequest {
  if (project === undefined) return { kind: 'other' }
  const name = canonicalPypiName(project)
  if (name === undefined) return ambiguous('no name of a project')
  return { kind: 'metadata', ecosystem: 'pypi', name, document: 'simple' }
}

/** `/pypi/name/json`, `/pypi/name/1.2.3/json` */
function readJson(segments: readonly string[]): PackageRequest {
  const name = canonicalPypiName(segments[1] ?? '')
  if (name === undefined || segments.length > 4) return ambiguous('no document of a project')
  return { kind: 'metadata', ecosystem: 'pypi', name, document: 'pypi-json' }
}

function isArchive(file: string): boolean {
  return /\.whl$/i.test(file) || SOURCE.test(file)
}

/** What a file is by its name alone. */
export function readPypiFile(file: string): PackageRequest {
  if (file.length > MAX_FILE) return ambiguous('a file with too long a name')
  if (/\.whl$/i.test(file)) return readWheel(file)
  const stem = file.replace(SOURCE, '')
  const readings = new Map<string, { name: string; version: string }>()
  for (let dash = stem.indexOf('-'); dash !== -1; dash = stem.indexOf('-', dash + 1)) {
    const name = canonicalPypiName(stem.slice(0, dash))
    const version = stem.slice(dash + 1)
    if (name !== undefined && VERSION.test(version)) readings.set(name, { name, version })
  }
  const [reading, ...others] = readings.values()
  if (reading === undefined) return ambiguous('a file that is not named after its project')
  // `foo-1-2.tar.gz` is 1.post2 of foo, or 2 of foo-1
  if (others.length > 0) return ambiguous('a file that could be of more than one project')
  return { kind: 'file', ecosystem: 'pypi', ...reading, file, isSource: true }
}

function readWheel(file: string): PackageRequest {
  const [, project = '', version = ''] = WHEEL.exec(file) ?? []
  const name = canonicalPypiName(project)
  if (name === undefined || !VERSION.test(version.replaceAll('_', '-'))) {
    return ambiguous('a wheel that is not named after its project')
  }
  return { kind: 'file', ecosystem: 'pypi', name, version, file, isSource: false }
}
