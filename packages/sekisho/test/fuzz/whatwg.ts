/** What the WHATWG URL parser makes of a URL, in the terms of an action. */
export type UrlReading = {
  scheme: string
  host: string
  port: number
  /** after decoding, one byte a character; a `%2F` is part of its segment */
  segments: readonly string[]
  query: string
  hasUser: boolean
}

const DEFAULT_PORT: Readonly<Record<string, number>> = { http: 80, https: 443 }

/** undefined where it refuses */
export function readUrl(text: string, base?: string): UrlReading | undefined {
  const url = URL.parse(text, base)
  if (url === null) return undefined
  const scheme = url.protocol.slice(0, -1)
  return {
    scheme,
    host: withoutRootDot(url.hostname),
    port: url.port === '' ? (DEFAULT_PORT[scheme] ?? 0) : Number(url.port),
    segments: segmentsOf(url.pathname),
    query: decodeBytes(url.search.slice(1)),
    hasUser: url.username !== '' || url.password !== '',
  }
}

/** The path as segments, each decoded: what escapes mean, whichever way they are spelled. */
export function segmentsOf(path: string): string[] {
  return path.split('/').map(decodeBytes)
}

/** Percent-decoding of the URL standard: what is no escape stays. */
export function decodeBytes(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

/** Our one documented difference of spelling: `a.example.` is `a.example`. */
function withoutRootDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}
