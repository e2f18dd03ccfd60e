import { RequestFault } from './request-fault.ts'

type Members = ReadonlyMap<string, unknown>

/** @throws RequestFault for what is no name of a model; null where it is left out */
export function readModel(members: Members): string | null {
  const model = members.get('model')
  if (model === undefined || model === null) return null
  if (typeof model !== 'string' || model === '') throw new RequestFault('a model that is no name')
  return model
}

/** A lenient server takes `"true"` for true: anything but the two values is refused. */
export function readFlag(members: Members, name: string): boolean {
  const flag = members.get(name)
  if (flag === undefined || flag === null) return false
  if (typeof flag !== 'boolean') throw new RequestFault(`${name} that is neither true nor false`)
  return flag
}

/** @throws RequestFault for what is no whole number above nought; null where it is left out */
export function readCount(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw new RequestFault(`${name} that is no count`)
  }
  return value
}

/** Several replies to one request are counted, cut off and judged by nobody. */
export function refuseMany(value: unknown, name: string): void {
  const count = readCount(value, name)
  if (count !== null && count > 1)
    throw new RequestFault(`${name} asks for several replies at once`)
}
