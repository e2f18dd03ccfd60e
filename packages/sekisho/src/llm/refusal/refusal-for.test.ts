import { expect, test } from 'vitest'
import { MODEL_APIS } from '../../core/action.ts'
import { refusalFor } from './refusal-for.ts'

test.for([
  ['messages', 'budget', 402, { type: 'error', error: { type: 'billing_error', message: 'no' } }],
  [
    'messages',
    'denied',
    403,
    { type: 'error', error: { type: 'permission_error', message: 'no' } },
  ],
  [
    'responses',
    'budget',
    400,
    {
      error: { message: 'no', type: 'invalid_request_error', param: null, code: 'budget_exceeded' },
    },
  ],
  [
    'responses',
    'held-denied',
    400,
    {
      error: { message: 'no', type: 'invalid_request_error', param: null, code: 'invalid_prompt' },
    },
  ],
  [
    'chat',
    'budget',
    402,
    {
      error: { message: 'no', type: 'invalid_request_error', param: null, code: 'budget_exceeded' },
    },
  ],
  ['gemini', 'budget', 400, { error: { code: 400, message: 'no', status: 'FAILED_PRECONDITION' } }],
  ['gemini', 'denied', 403, { error: { code: 403, message: 'no', status: 'PERMISSION_DENIED' } }],
] as const)('%s: %s is told with %i', ([api, kind, status, body]) => {
  const refusal = refusalFor(api, kind, 'no')
  expect({ ...refusal, body: JSON.parse(refusal.body) }).toEqual({
    status,
    fields: ['content-type', 'application/json', 'x-should-retry', 'false'],
    body,
  })
})

test.for(MODEL_APIS)('%s: what is worth another try says when', (api) => {
  const { status, fields } = refusalFor(api, 'unavailable', 'no')
  expect(status).toBe(503)
  expect(fields.slice(2)).toEqual(['x-should-retry', 'true', 'retry-after', '5'])
})

test.for(MODEL_APIS)('%s: no refusal has a status that its clients try again', (api) => {
  const kinds = ['denied', 'held-denied', 'budget', 'malformed'] as const
  const statuses = kinds.map((kind) => refusalFor(api, kind, 'no').status)
  expect(statuses.filter((status) => [408, 409, 429].includes(status) || status >= 500)).toEqual([])
  if (api === 'responses') expect(new Set(statuses)).toEqual(new Set([400]))
})
