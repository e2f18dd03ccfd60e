import { matchesHost } from '../../core/host.ts'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Ecosystem } from '../../wire/packages.ts'
import { readNpmRequest } from './npm-request.ts'
import { ambiguous, type PackageRequest } from './package-request.ts'
import { readPypiRequest } from './pypi-request.ts'

/** Where packages come from: requests there are read as a registry's. */
export type PackageRegistry = {
  ecosystem: Ecosystem
  scheme: 'http' | 'https'
  /** canonical name, or `*.name` for any name below it */
  host: string
  port: number
  /** path below which the registry begins, such as `/api/npm/main`; empty for the whole host */
  base: string
}

/**
 * What a request asks of a registry; undefined where it goes to none.
 *
 * @param action decided already, so its path is canonical
 */
export function readRegistryRequest(
  action: HttpRequestAction,
  registries: readonly PackageRegistry[],
): PackageRequest | undefined {
  const here = registries.filter((registry) => isAt(registry, action))
  const places = here.filter(({ base }) => isBelow(base, action.path))
  // `/npm//x` and `/npm%2Fx` are not below `/npm`, and a loose server serves them from there
  const loose = loosen(action.path)
  const hidden = here.some(({ base }) => isBelow(base, loose) && !isBelow(base, action.path))
  if (hidden) return ambiguous('an ambiguous path')
  const longest = Math.max(...places.map(({ base }) => base.length))
  const [first, ...others] = places.filter(({ base }) => base.length === longest)
  if (first === undefined) return undefined
  if (others.some(({ ecosystem }) => ecosystem !== first.ecosystem)) {
    return ambiguous('a place of more than one registry')
  }
  const path = action.path.slice(first.base.length)
  const below = path === '' ? '/' : path
  return first.ecosystem === 'npm'
    ? readNpmRequest(action.method, below)
    : readPypiRequest(action.method, below)
}

function isAt({ scheme, host, port }: PackageRegistry, action: HttpRequestAction): boolean {
  return scheme === action.scheme && port === action.port && matchesHost(host, action.host)
}

function isBelow(base: string, path: string): boolean {
  return base === '' || path === base || path.startsWith(`${base}/`)
}

function loosen(path: string): string {
  return path
    .replace(/%([2-7][0-9A-F])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll('\\', '/')
    .replace(/;[^/]*/g, '')
    .replace(/\/{2,}/g, '/')
}
