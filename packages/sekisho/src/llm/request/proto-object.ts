import { isObject, type JsonObject } from '../hold/json-object.ts'
import { RequestFault } from './request-fault.ts'

const SNAKE = /_([a-z0-9])/g

/** A member as protobuf's JSON names it; its parsers also take the name of the field itself. */
export function camelName(name: string): string {
  return name.includes('_')
    ? name.replace(SNAKE, (_, letter: string) => letter.toUpperCase())
    : name
}

/** Names by themselves in small letters. */
export type ProtoNames = ReadonlyMap<string, string>

export function protoNames(names: readonly string[]): ProtoNames {
  return new Map(names.map((name) => [name.toLowerCase(), name]))
}

/**
 * An object of the format itself, with names as protobuf's JSON has them.
 *
 * @throws RequestFault for what is no object, for a member that stands there in both spellings, and
 * for a name that only differs from a known one by capitals
 */
export function readProto(value: unknown, known: ProtoNames, what: string): JsonObject {
  if (!isObject(value)) throw new RequestFault(`${what} that is no object`)
  const members = emptyObject()
  for (const [written, member] of Object.entries(value)) {
    const name = camelName(written)
    if (name in members) throw new RequestFault(`${name} in two spellings`)
    const meant = known.get(name.toLowerCase())
    if (meant !== undefined && meant !== name) {
      throw new RequestFault(`a name in other capitals than ${meant}`)
    }
    members[name] = member
  }
  return members
}

/** Without a prototype: `__proto__` is a name like others. */
function emptyObject(): Record<string, unknown> {
  return Object.setPrototypeOf({}, null)
}
