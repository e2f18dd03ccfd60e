import type { CedarJson } from '../../../src/policy/cedar/value-json.ts'

type Raw = { rawJSON(text: string): object }

/** ES2025; the types of the configured library do not have it yet. */
function hasRaw(json: object): json is Raw {
  return 'rawJSON' in json
}

/** As it is, but that `JSON.stringify` writes bigints with all their digits. */
export function withRawNumbers(json: CedarJson): unknown {
  if (typeof json === 'bigint') {
    if (!hasRaw(JSON)) throw new TypeError('this runtime does not have JSON.rawJSON')
    return JSON.rawJSON(String(json))
  }
  return mapInner(json, withRawNumbers)
}

/** For a file: bigints as `{ "__long": "9223372036854775807" }`. */
export function encodeLongs(json: CedarJson): unknown {
  if (typeof json === 'bigint') return { __long: String(json) }
  return mapInner(json, encodeLongs)
}

export function decodeLongs(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('__long' in value)) return value
  return BigInt(String(value.__long))
}

function mapInner(json: CedarJson, map: (inner: CedarJson) => unknown): unknown {
  if (typeof json !== 'object') return json
  if (isList(json)) return json.map(map)
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, map(value)]))
}

function isList(json: object): json is readonly CedarJson[] {
  return Array.isArray(json)
}
