import type { Ecosystem } from '../../wire/packages.ts'

/** What a request at a registry asks for. */
export type PackageRequest =
  /** what the registry says about a package, or about one version of it */
  | { kind: 'metadata'; ecosystem: Ecosystem; name: string; document: MetadataDocument }
  /** code: the file of one version */
  | PackageFile
  /** search, login, audits, publishing: brings no package in */
  | { kind: 'other' }
  /** two readers could take it for different packages, or it is nothing that a registry has */
  | { kind: 'ambiguous'; reason: string }

export type MetadataDocument = 'packument' | 'npm-version' | 'simple' | 'pypi-json'

export type PackageFile = {
  kind: 'file'
  ecosystem: Ecosystem
  /** canonical */
  name: string
  version: string
  /** as the registry calls it */
  file: string
  /** installing it runs code that it brings: a source distribution of Python */
  isSource: boolean
}

export function ambiguous(reason: string): PackageRequest {
  return { kind: 'ambiguous', reason }
}

export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/**
 * The segments of a canonical path below a registry's base, each decoded once; undefined where an
 * empty segment or an escape that hides another could be read in two ways.
 */
export function segmentsOf(path: string): string[] | undefined {
  const segments: string[] = []
  for (const raw of path.slice(1).split('/')) {
    const decoded = decodeOnce(raw)
    if (decoded === undefined) return undefined
    segments.push(decoded)
  }
  return segments
}

/** RFC 3986 §2.4: decoded once, and nothing that is left may decode again. */
function decodeOnce(text: string): string | undefined {
  if (!text.includes('%')) return /[;\\]/.test(text) ? undefined : text
  try {
    const decoded = decodeURIComponent(text)
    return /[^!-~]|[%;\\]/.test(decoded) ? undefined : decoded
  } catch {
    return undefined // not UTF-8
  }
}
