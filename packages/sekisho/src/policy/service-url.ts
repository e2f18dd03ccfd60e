import { canonicalHost } from '../core/host.ts'
import type { LlmProvider } from '../wire/llm.ts'
import { printable, type Read } from './problem.ts'

type Place = Pick<LlmProvider, 'scheme' | 'host' | 'port' | 'basePath'>

const URL_PARTS =
  /^(https?):\/\/([^/:@?#\\]+)(?::(\d{1,5}))?((?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)$/

/** Where a service is that the bundle names. One spelling only: no user, query, dot segments, escapes or slash at the end. */
export function readServiceUrl(input: string): Read<Place> {
  const [, scheme, name = '', digits, basePath = ''] = URL_PARTS.exec(input) ?? []
  if (scheme !== 'http' && scheme !== 'https') return badUrl(input)
  const port = readPort(digits, scheme === 'http' ? 80 : 443)
  const isPlace = canonicalHost(name) === name && port !== undefined && basePath.length <= 512
  return isPlace ? { value: { scheme, host: name, port, basePath } } : badUrl(input)
}

function readPort(digits: string | undefined, usual: number): number | undefined {
  if (digits === undefined) return usual
  const port = Number(digits)
  return port >= 1 && port <= 65_535 && String(port) === digits ? port : undefined
}

function badUrl(input: string): Read<Place> {
  return {
    problem: `\`${printable(input)}\` is no URL of a provider or filter`,
    hint: 'write https://name/base/path (or http): a name and no address, in lower case, without a slash at the end',
  }
}
