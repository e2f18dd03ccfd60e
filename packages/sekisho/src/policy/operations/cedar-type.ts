import type { CedarValueJson } from '../../wire/cedar.ts'
import type { Json } from '../../core/facts.ts'
import { type ArgumentType, membersOf, type ObjectType } from './argument-type.ts'

/** A type in Cedar's JSON schema format. */
export type CedarTypeJson =
  | { type: 'String' | 'Long' | 'Boolean' }
  | { type: 'Extension'; name: 'decimal' }
  | { type: 'Set'; element: CedarTypeJson }
  | { type: 'Record'; attributes: { [name: string]: CedarTypeJson & { required: boolean } } }
  | { type: 'Facts' }

/** One action of Cedar's JSON schema format, for namespace `Sekisho`. */
export type CedarActionJson = {
  memberOf: { id: string }[]
  appliesTo: {
    principalTypes: string[]
    resourceTypes: string[]
    context: CedarTypeJson
  }
}

/** The action that an operation adds to the schema: `tool.call`, with its own arguments. */
export function cedarActionOf(args: ObjectType): CedarActionJson {
  const call: CedarTypeJson = {
    type: 'Record',
    attributes: { operation: { type: 'String', required: true } },
  }
  return {
    memberOf: [{ id: 'tool.call' }],
    appliesTo: {
      principalTypes: ['Session', 'User'],
      resourceTypes: ['Tool'],
      context: {
        type: 'Record',
        attributes: {
          facts: { type: 'Facts', required: true },
          call: { ...call, required: true },
          args: { ...cedarTypeOf(args), required: true },
        },
      },
    },
  }
}

/** Lists are sets in Cedar, which knows neither their order nor how often a value stands there. */
function cedarTypeOf(type: ArgumentType): CedarTypeJson {
  switch (type.kind) {
    case 'object':
      return {
        type: 'Record',
        attributes: Object.fromEntries(
          Array.from(type.members, ([name, { type: inner, isRequired }]) => [
            name,
            { ...cedarTypeOf(inner), required: isRequired },
          ]),
        ),
      }
    case 'array':
      return { type: 'Set', element: cedarTypeOf(type.items) }
    case 'string':
      return { type: 'String' }
    case 'integer':
      return { type: 'Long' }
    case 'decimal':
      return { type: 'Extension', name: 'decimal' }
    case 'boolean':
      return { type: 'Boolean' }
  }
}

/**
 * The same arguments as Cedar's values.
 *
 * @param value of that type
 * @throws TypeError for one that is not: nobody checked it
 */
export function cedarValueOf(type: ArgumentType, value: Json | undefined): CedarValueJson {
  if (type.kind === 'object') return recordOf(type, value)
  if (type.kind === 'array') {
    if (!Array.isArray(value)) throw new TypeError('no list')
    return value.map((item) => cedarValueOf(type.items, item))
  }
  if (type.kind === 'decimal') {
    if (typeof value !== 'number') throw new TypeError('no number')
    return { __extn: { fn: 'decimal', arg: value.toFixed(4) } }
  }
  if (value === undefined || value === null || typeof value === 'object') {
    throw new TypeError(`no ${type.kind}`)
  }
  return value
}

function recordOf({ members }: ObjectType, value: Json | undefined): CedarValueJson {
  const given = membersOf(value)
  if (given === undefined) throw new TypeError('no object')
  const record: [string, CedarValueJson][] = []
  for (const [name, { type }] of members) {
    if (Object.hasOwn(given, name)) record.push([name, cedarValueOf(type, given[name])])
  }
  return Object.fromEntries(record)
}
