import { canonicalPath } from '../core/url-path.ts'
import type { Ecosystem } from '../wire/packages.ts'
import { readHost } from './host-pattern.ts'
import { printable } from './problem.ts'

/** Where packages come from on this machine; the only source of the registries preset. */
export type RegistryOrigin = {
  scheme: 'http' | 'https'
  host: string
  port: number
  /** what of it is known to be a registry of which packages; empty where that is not known */
  packages: readonly RegistryBase[]
}

/** `base`: the path below which the registry begins, such as `/api/npm/main`; empty for `/` */
export type RegistryBase = { ecosystem: Ecosystem; base: string }

const MAX_BASE_LENGTH = 500

/** A registry as this machine's configuration names it. @see wire/control.ts */
export type RegistryUrl = { url: string; ecosystem: Ecosystem | null }

export type Registries = {
  origins: readonly RegistryOrigin[]
  /** what the configuration names and a session cannot reach, and why */
  unusable: readonly { url: string; reason: string }[]
}

/** @param urls in any order and number; credentials in them are dropped */
export function readRegistryUrls(urls: readonly RegistryUrl[]): Registries {
  const origins = new Map<string, RegistryOrigin>()
  const unusable = new Map<string, string>()
  for (const { url, ecosystem } of urls) {
    const read = readOrigin(url, ecosystem)
    if (typeof read === 'string') {
      unusable.set(printable(withoutCredentials(url)), read)
      continue
    }
    const name = `${read.scheme}://${read.host}:${read.port}`
    origins.set(name, mergeOrigins(origins.get(name), read))
  }
  return {
    origins: [...origins].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, origin]) => origin),
    unusable: [...unusable].map(([url, reason]) => ({ url, reason })),
  }
}

function readOrigin(text: string, ecosystem: Ecosystem | null): RegistryOrigin | string {
  const url = URL.parse(text)
  if (url === null) return 'not a URL'
  const scheme = url.protocol.slice(0, -1)
  if (scheme !== 'http' && scheme !== 'https') return `${printable(scheme)} is not http or https`
  const host = readHost(url.hostname)
  if ('problem' in host) return host.problem
  const packages = readBases(url.pathname, ecosystem)
  if (packages === undefined) return 'its path is ambiguous'
  const usual = scheme === 'https' ? 443 : 80
  const port = url.port === '' ? usual : Number(url.port)
  return { scheme, host: host.value, port, packages }
}

/** A base becomes a glob over canonical paths; undefined where it cannot. */
function readBases(path: string, ecosystem: Ecosystem | null): RegistryBase[] | undefined {
  if (ecosystem === null) return []
  const bare = path.replace(/\/+$/, '')
  const isPlain = bare === '' || (canonicalPath(bare) === bare && !bare.includes('*'))
  if (!isPlain || bare.length > MAX_BASE_LENGTH) return undefined
  // an index of PyPI is `<base>/simple`; its files are beside that
  return [{ ecosystem, base: ecosystem === 'pypi' ? bare.replace(/\/simple$/, '') : bare }]
}

function mergeOrigins(known: RegistryOrigin | undefined, read: RegistryOrigin): RegistryOrigin {
  const all = new Map(
    [...(known?.packages ?? []), ...read.packages].map((place) => [
      `${place.ecosystem} ${place.base}`,
      place,
    ]),
  )
  const packages = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place)
  return { ...read, packages }
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//')
}

/** `registry=` and `@scope:registry=` of .npmrc text. npm's own default is npm's to tell. */
export function npmRegistryUrls(text: string): string[] {
  const urls: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const [, value] = /^\s*(?:@[^\s:=]+:)?registry\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (value !== undefined && value !== '') urls.push(value.replace(/^(["'])(.*)\1$/, '$2'))
  }
  return urls.map(withoutCredentials)
}

/** One-line apt sources (sources.list(5)): `deb [options] uri suite component…`. */
export function aptListUrls(text: string): string[] {
  const urls: string[] = []
  for (const line of text.split(/\r?\n/)) {
    const [, uri] = /^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?([^\s#[]+)/.exec(line) ?? []
    if (uri !== undefined) urls.push(uri)
  }
  return urls.map(withoutCredentials)
}

/** deb822 apt sources (sources.list(5)): stanzas with `URIs:`, unless `Enabled: no`. */
export function aptSourcesUrls(text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith('#'))
  const stanzas = lines.join('\n').split(/\n[ \t]*\n/)
  return stanzas.flatMap((stanza) => {
    const fields = readFields(stanza)
    if (/^(?:no|false|without|off|disable|0)$/i.test(fields.get('enabled') ?? 'yes')) return []
    return splitWords(fields.get('uris') ?? '').map(withoutCredentials)
  })
}

/** `Name: value`, going on in lines that start with white space (deb822(5)). */
function readFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  let name: string | undefined
  for (const line of stanza.split('\n')) {
    const [, started, value] = /^([^\s:]+):(.*)$/.exec(line) ?? []
    if (started !== undefined) name = started.toLowerCase()
    else if (name === undefined || !/^\s/.test(line)) continue
    fields.set(name, `${fields.get(name) ?? ''} ${value ?? line}`.trim())
  }
  return fields
}

/** `index-url` and `extra-index-url` of pip.conf, in any section. */
export function pipIndexUrls(text: string): string[] {
  const urls: string[] = []
  let collecting = false
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line) || line.trim() === '') continue
    const [, name, value] = /^([^\s=:[][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) {
      collecting = /^(?:extra-)?index-url$/.test(name.toLowerCase().replaceAll('_', '-'))
    } else if (!/^\s/.test(line)) {
      collecting = false
    }
    if (collecting) urls.push(...splitWords(value ?? line))
  }
  return urls.map(withoutCredentials)
}

function splitWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
