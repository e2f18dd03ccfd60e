import { expect, test } from 'vitest'
import { approvals } from './approvals.ts'
import { log } from './log.ts'
import { policy } from './policy.ts'
import { said } from './testing/said.ts'

test.for(['check', 'test', 'replay', 'prove', 'sign'])(
  '`policy %s` of two directories does nothing with either',
  async (action) => {
    const refused = { code: 'USAGE', message: 'too many arguments' }
    await expect(said(policy, action, 'mine', 'yours')).rejects.toMatchObject(refused)
  },
)

test.for([
  [policy, 'reload'],
  [policy, 'status'],
  [approvals, 'list'],
] as const)('what takes no argument refuses one: %#', async ([command, action]) => {
  const refused = { code: 'USAGE', message: 'too many arguments' }
  await expect(said(command, action, 'mine')).rejects.toMatchObject(refused)
})

test.for([
  [['verify', '--root', 'a', '--root', 'b'], '--root is given twice'],
  [['query', '--limit', '1', '--limit=2'], '--limit is given twice'],
] as const)('a flag that has one value is given once: %s', async ([argv, message]) => {
  await expect(said(log, ...argv)).rejects.toMatchObject({ code: 'USAGE', message })
})
