import { hash } from 'node:crypto'
import type { CriticalArgument } from '../../core/label.ts'
import { splitEmail } from '../operations/text-format.ts'
import { urlsOfLink } from '../provenance/canonical-url.ts'

/** 22 characters of base64url: 132 bits of SHA-256, which nobody finds a second value for */
const KEY_LENGTH = 22

const MAX_WORD = 256
const MAX_COMMAND = 4096
const BRANCH_PREFIX = 'refs/heads/'

/** What ends a word in any text. */
export const DELIMITERS = String.raw`\s\p{Cc}"<>()\[\]{},;|\\` + '`'
const HAS_DELIMITER = new RegExp(`[${DELIMITERS}]`, 'u')

/**
 * What a value must be known as, each of it; empty for a value that cannot be told to be one thing,
 * such as two addresses in one text. Values of a kind that mean the same have the same keys, and no
 * two that differ have.
 */
export function keysOfValue(kind: CriticalArgument, value: string): readonly string[] {
  switch (kind) {
    case 'recipient':
      return keysOfRecipient(value)
    case 'url':
      return /^https?:/i.test(value) ? keysOfUrl(value) : keysOfWord(value)
    case 'branch':
      return keysOfWord(withoutPrefix(value))
    case 'command':
      return keysOfCommand(value)
    case 'amount':
      return keysOfAmount(value)
  }
}

/** The part before `@` is as it is written (RFC 5321 §2.4), the host in small letters. */
export function keysOfEmail(text: string): readonly string[] {
  const parts = splitEmail(text)
  return parts === undefined ? [] : [keyOf('email', `${parts.local}@${parts.domain}`)]
}

/** A link may be sent in two spellings, and both must be known. */
export function keysOfUrl(text: string): readonly string[] {
  return urlsOfLink(text, null).map(keyOfCanonicalUrl)
}

/** @param url as `canonical-url.ts` writes it */
export function keyOfCanonicalUrl(url: string): string {
  return keyOf('url', url)
}

export function keysOfWord(text: string): readonly string[] {
  const isWord = text !== '' && text.length <= MAX_WORD && !HAS_DELIMITER.test(text)
  return isWord ? [keyOf('word', text)] : []
}

/** Of a branch by its full name. */
export function withoutPrefix(branch: string): string {
  return branch.startsWith(BRANCH_PREFIX) ? branch.slice(BRANCH_PREFIX.length) : branch
}

/** Runs of blanks count as one; line ends do not, since a shell takes them for an end. */
export function keysOfCommand(text: string): readonly string[] {
  const command = text.replace(/[ \t]+/g, ' ').trim()
  return command === '' || command.length > MAX_COMMAND ? [] : [keyOf('command', command)]
}

/** `1,000.50` and `1000.5` are one amount; `1.000,50` is none, since it could be two. */
export function keysOfAmount(text: string): readonly string[] {
  const [, sign = '', whole = '', fraction = ''] =
    /^(-?)(\d{1,3}(?:,\d{3})+|\d{1,30})(?:\.(\d{1,30}))?$/.exec(text) ?? []
  if (whole === '') return []
  const [units, rest] = [
    whole.replaceAll(',', '').replace(/^0+(?=\d)/, ''),
    fraction.replace(/0+$/, ''),
  ]
  const amount = rest === '' ? units : `${units}.${rest}`
  return [keyOf('amount', amount === '0' ? amount : `${sign}${amount}`)]
}

function keysOfRecipient(value: string): readonly string[] {
  if (value.indexOf('@') > 0) return keysOfEmail(value)
  return /^https?:/i.test(value) ? keysOfUrl(value) : keysOfWord(value)
}

/** A hash, so that one value takes as much memory as another and keeps no text of a reply alive. */
function keyOf(what: string, value: string): string {
  return hash('sha256', `${what} ${value}`, 'base64url').slice(0, KEY_LENGTH)
}
