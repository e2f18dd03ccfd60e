import { endToEndFields, type Fields, fieldValue } from '../http-fields.ts'

const ABBREVIATED = /application\/vnd\.npm\.install-v1\+json[^,]*/gi

/** What would make a registry answer with less than the document: a part of it, or "as you have it". */
const PARTIAL: ReadonlySet<string> = new Set([
  'range',
  'if-range',
  'if-none-match',
  'if-modified-since',
])
const PARTIAL_OR_CODED: ReadonlySet<string> = new Set(['range', 'if-range', 'accept-encoding'])

/**
 * A request for metadata as it goes to the registry: for the whole document, and, where its
 * versions' ages are asked for, for the one that has them. npm's abbreviated packuments do not.
 */
export function metadataFields(raw: readonly string[], needsTimes: boolean): Fields {
  const fields = endToEndFields(raw, PARTIAL)
  if (!needsTimes) return fields
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]?.toLowerCase() !== 'accept') continue
    fields[index + 1] = (fields[index + 1] ?? '').replace(ABBREVIATED, 'application/json')
  }
  return fields
}

/** A request for a file as it goes to the registry: for all of it, as it is. */
export function fileFields(raw: readonly string[]): Fields {
  const fields = endToEndFields(raw, PARTIAL_OR_CODED)
  if (fieldValue(raw, 'accept-encoding') !== undefined) fields.push('accept-encoding', 'identity')
  return fields
}
