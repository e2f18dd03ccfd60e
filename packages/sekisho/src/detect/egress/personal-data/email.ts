import type { Detector } from '../detector.ts'

/** RFC 5321 §4.5.3.1: 64 octets before the sign, a domain of 255. */
const MAX_LOCAL = 64
const MAX_DOMAIN = 255

const LOCAL = /[A-Za-z0-9!#$%&'*+/=?^_`{|}~-](?:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63})$/
const DOMAIN =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+([A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})(?![A-Za-z0-9_-])/

/** What stands after the last dot of a file or of a name that no mail reaches. */
const NO_MAIL =
  /^(?:png|jpe?g|gif|svg|webp|ico|[cm]?[jt]s|[jt]sx|css|s[ac]ss|less|json|html?|txt|lock|ya?ml|toml|xml|map|wasm|local|localhost|internal|lan|service|socket|timer|test|example|invalid)$/i
/** RFC 2606 §3: nobody's. */
const RESERVED = /(?:^|\.)example\.(?:com|net|org)$/i

const FIRST = 'abcdefghijklmnopqrstuvwxyz0123456789'

/**
 * E-mail addresses. Names that are reserved for examples belong to nobody and are not found; nor is
 * the user of a URL (`https://user@host`) or of a remote path (`git@host:path`).
 */
export const email: Detector = {
  id: 'pii.email',
  class: 'personal-data',
  source: 'RFC 5321 §4.1.2, RFC 5322 §3.4.1 (unquoted, ASCII)',
  trigger: { kind: 'keyword', words: FIRST.split('').map((character) => `@${character}`) },
  window: { before: MAX_LOCAL + 64, after: MAX_DOMAIN },
  match(text, hit) {
    const before = text.slice(0, hit.start)
    const domain = DOMAIN.exec(text.slice(hit.start + 1))
    if (domain === null || !takesMail(domain)) return []
    const local = localPart(before)
    if (local === '' || isLogin(before, text[hit.start + 1 + domain[0].length])) return []
    return [{ start: hit.start - local.length, end: hit.start + 1 + domain[0].length }]
  },
}

function takesMail([domain, top = '']: RegExpExecArray): boolean {
  return !NO_MAIL.test(top) && !RESERVED.test(domain)
}

function localPart(before: string): string {
  const local = LOCAL.exec(before.slice(-MAX_LOCAL))?.[0] ?? ''
  // what stands before in a query, a path or code is no part of it, though RFC 5322 lets it be
  const plain = local.replace(/^.*[/=&?#'`{|}!$*^%](?=.)/, '')
  return /^[A-Za-z0-9_+~-]/.test(plain) && !plain.endsWith('.') ? plain : ''
}

function isLogin(before: string, next: string | undefined): boolean {
  return next === ':' ? /(?:^|[^A-Za-z0-9.])git$/.test(before) : /\/\/[^\s/@"'<>]*$/.test(before)
}
