/** Where in a text an address stands, which says how it is written there. */
export type LinkContext = 'markdown' | 'attribute' | 'set' | 'css' | 'bare'

/**
 * A host that is nobody's (RFC 2606 §2): what is there has no host of its own. Of a scheme that no
 * page has, for `https:evil.test` is relative on a page of https and leads to evil.test from others.
 */
const BASE = 'ws://relative.invalid/'
/** What programs make a link of when it stands in a text: no `https://{host}/`, no `https://...`. */
const PLAIN_HOST = /^(?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?$|^\[/

const ENTITY =
  /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(colon|sol|period|amp|quest|equals|num|bsol|Tab|NewLine));?/g
const NAMED: Readonly<Record<string, string>> = {
  colon: ':',
  sol: '/',
  period: '.',
  amp: '&',
  quest: '?',
  equals: '=',
  num: '#',
  bsol: '\\',
  Tab: '\t',
  NewLine: '\n',
}

/** Schemes whose address is looked up and connected to. */
const FETCHED = new Set(['http:', 'https:', 'ws:', 'wss:', 'ftp:'])

export type LinkTarget =
  /** `host` is empty for what goes to a program, such as `mailto:` */
  | { kind: 'elsewhere'; host: string; url: URL }
  /** it names a host, and no parser agrees which */
  | { kind: 'unclear' }

/**
 * Where the addresses in a value lead, as a renderer reads them: escapes of Markdown and of HTML
 * undone, backslashes and missing schemes as the WHATWG URL standard takes them. What stays on the
 * page's own host, and what has its content in itself (`data:`), leads nowhere.
 */
export function linkTargets(value: string, context: LinkContext): LinkTarget[] {
  const written = context === 'bare' || context === 'css' ? value : undoEscapes(value, context)
  if (context === 'bare') return targetOf(written).filter(isLinked)
  if (context !== 'set') return targetOf(written)
  // `a.png 1x, b.png 2x`, the content of a refresh, and sheets have addresses among other words
  return written
    .split(/[\s,;]+|url\(/i)
    .flatMap((part) => targetOf(part.replace(/^(?:url=)?["']?|["')]+$/gi, '')))
}

function targetOf(written: string): LinkTarget[] {
  const address = written.trim()
  const url = address === '' ? null : URL.parse(address, BASE)
  if (url === null) {
    return /^[a-z][a-z0-9+.-]*:|^[/\\]{2}/i.test(address) ? [{ kind: 'unclear' }] : []
  }
  if (url.protocol === 'data:' || url.protocol === 'about:') return []
  if (!FETCHED.has(url.protocol)) return [{ kind: 'elsewhere', host: '', url }]
  const isRelative = url.host === 'relative.invalid' && !/relative\.invalid/i.test(address)
  return isRelative ? [] : [{ kind: 'elsewhere', host: url.hostname, url }]
}

function isLinked(target: LinkTarget): boolean {
  return target.kind === 'elsewhere' && PLAIN_HOST.test(target.host)
}

function undoEscapes(value: string, context: LinkContext): string {
  const text = context === 'markdown' ? value.replace(/\\([!-/:-@[-`{-~])/g, '$1') : value
  if (!text.includes('&')) return text
  return text.replace(ENTITY, (_, ...groups: (string | undefined)[]) => {
    const [decimal, hex, name] = groups
    if (name !== undefined) return NAMED[name] ?? ''
    const code = Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10)
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd'
  })
}
