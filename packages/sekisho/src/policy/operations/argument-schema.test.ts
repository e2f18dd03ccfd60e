import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import { describePath } from '../problem.ts'
import { readArgumentSchema } from './argument-schema.ts'

const problemOf = (schema: unknown): string | undefined => {
  const read = readArgumentSchema(schema)
  if ('value' in read) return undefined
  return read.problems.map(({ path, at }) => `${describePath(path)} ${at}`).join(', ')
}
const object = (properties: object, rest: object = {}): object => ({
  type: 'object',
  properties,
  ...rest,
})

test.for([
  ['a schema that is none', 'text', ''],
  ['no type', object({ a: {} }), 'properties.a.type value'],
  ['null', object({ a: { type: 'null' } }), 'properties.a.type value'],
  ['two types', object({ a: { type: ['string', 'null'] } }), 'properties.a.type value'],
  ['open arguments', object({}, { additionalProperties: true }), 'additionalProperties value'],
  ['anyOf', object({ a: { type: 'string', anyOf: [] } }), 'properties.a.anyOf key'],
  ['patternProperties', object({}, { patternProperties: {} }), 'patternProperties key'],
  ['a default', object({ a: { type: 'string', default: 'x' } }), 'properties.a.default key'],
  [
    'a keyword of another type',
    object({ a: { type: 'string', minimum: 1 } }),
    'properties.a.minimum key',
  ],
  [
    'another format',
    object({ a: { type: 'string', format: 'ipv4' } }),
    'properties.a.format value',
  ],
  [
    'required and unknown',
    object({ a: { type: 'string' } }, { required: ['b'] }),
    'required[0] value',
  ],
  ['a list of anything', object({ a: { type: 'array' } }), 'properties.a.items value'],
  [
    'fractions that are not exact',
    object({ a: { type: 'number' } }),
    'properties.a.multipleOf value',
  ],
  [
    'fractions that Cedar does not have',
    object({ a: { type: 'number', multipleOf: 0.00001 } }),
    'properties.a.multipleOf value',
  ],
  [
    'a bound that is not exact',
    object({ a: { type: 'integer', maximum: 2 ** 60 } }),
    'properties.a.maximum value',
  ],
  [
    'a pattern that goes back',
    object({ a: { type: 'string', maxLength: 9, pattern: String.raw`(a)\1` } }),
    'properties.a.pattern value',
  ],
  [
    'a pattern for any length',
    object({ a: { type: 'string', pattern: 'a' } }),
    'properties.a.pattern value',
  ],
  ['a name that Cedar escapes', object({ __extn: { type: 'string' } }), 'properties.__extn value'],
  [
    'a reference elsewhere',
    object({ a: { $ref: 'https://x.example/s' } }),
    'properties.a.$ref value',
  ],
  ['a reference to nothing', object({ a: { $ref: '#/$defs/x' } }), 'properties.a.$ref value'],
  [
    'a reference to itself',
    object({ a: { $ref: '#/$defs/x' } }, { $defs: { x: object({ y: { $ref: '#/$defs/x' } }) } }),
    '$defs.x.properties.y.$ref value, $defs.x.properties.y.$ref value',
  ],
  ['no object at the top', { type: 'string' }, 'type value'],
] as const)('%s is refused where it stands', ([, schema, where]) => {
  expect(problemOf(schema)?.trim()).toBe(where === '' ? 'value' : where)
})

test('references to references that double each time are cut', () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [
      `d${i}`,
      object({ a: { $ref: `#/$defs/d${i + 1}` }, b: { $ref: `#/$defs/d${i + 1}` } }),
    ]),
  )
  const schema = object(
    { a: { $ref: '#/$defs/d0' } },
    { $defs: { ...$defs, d20: { type: 'boolean' } } },
  )
  const tookMs = startThreadClock()
  expect(readArgumentSchema(schema)).toHaveProperty('problems')
  expect(tookMs()).toBeLessThan(2000)
})

test('nesting has an end', () => {
  let deep: object = { type: 'string' }
  for (let depth = 0; depth < 40; depth += 1) deep = object({ a: deep })
  expect(readArgumentSchema(deep)).toHaveProperty('problems')
})

test('a whole schema is read', () => {
  const schema = object(
    {
      to: { type: 'array', items: { $ref: '#/$defs/address' }, maxItems: 3 },
      amount: { type: 'number', multipleOf: 0.01, minimum: 0 },
      kind: { type: 'string', enum: ['a', 'b'], description: 'which one' },
    },
    {
      required: ['to'],
      additionalProperties: false,
      $defs: { address: { type: 'string', format: 'email' } },
    },
  )
  const text = { kind: 'string', minLength: 0, maxLength: Number.MAX_SAFE_INTEGER, pattern: null }
  expect(readArgumentSchema(schema)).toEqual({
    value: {
      kind: 'object',
      members: new Map([
        [
          'to',
          {
            isRequired: true,
            type: {
              kind: 'array',
              minItems: 0,
              maxItems: 3,
              items: { ...text, format: 'email', allowed: null },
            },
          },
        ],
        [
          'amount',
          {
            isRequired: false,
            type: {
              kind: 'decimal',
              minimum: 0,
              maximum: Number.MAX_SAFE_INTEGER / 10_000,
              tenThousandths: 100,
              allowed: null,
            },
          },
        ],
        [
          'kind',
          { isRequired: false, type: { ...text, format: null, allowed: new Set(['a', 'b']) } },
        ],
      ]),
    },
  })
})
