import { parseJson } from './parse-json.ts'

/** Nesting that is read; writers stop at half of it. Else a leaf could end whoever verifies it. */
const MAX_DEPTH = 256

/**
 * Whether bytes are the RFC 8785 form of the JSON object that they hold.
 *
 * Written apart from the writer's serialiser on purpose: a fault in one is found by the other.
 * It also refuses duplicate keys and invalid UTF-8: neither survives the way there and back.
 */
export function parseCanonical(bytes: Buffer): Record<string, unknown> | undefined {
  const value = parseObject(bytes)
  if (value === undefined || isDeeper(value, MAX_DEPTH)) return undefined
  return Buffer.from(canonicalForm(value)).equals(bytes) ? value : undefined
}

/** The object without the check of its form, where a hash already vouches for the bytes. */
export function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value = parseJson(bytes.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined // not JSON: the caller names the line
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Of what JSON.parse gave, nothing else; a lone surrogate has no such form and becomes U+FFFD. */
export function canonicalForm(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed())
  if (Array.isArray(value)) return `[${value.map(canonicalForm).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.keys(value)
    .sort()
    .map((key) => `${canonicalForm(key)}:${canonicalForm(value[key])}`)
  return `{${members.join(',')}}`
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((member) => isDeeper(member, depth - 1))
}
