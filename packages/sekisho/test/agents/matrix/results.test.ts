import { expect, test } from 'vitest'
import { matrixTable } from './results.ts'

const ok = { faults: [], calls: 2, tookMs: 4_321 }

test('the table has a line for each client, faults below, and what was not run', () => {
  const cells = { allowed: ok, denied: ok, approved: ok, refused: ok, exhausted: ok }
  const failed = { faults: ['the tool ran'], calls: 1, tookMs: 900 }
  const rows = [
    { client: 'A client', cells },
    { client: 'B', cells: { ...cells, denied: failed } },
  ]
  const good = 'ok, 2 calls, 4 s'
  expect(matrixTable({ rows, skipped: ['C'] }).split('\n')).toEqual([
    '          allowed           denied               held 60 s, approved  held, denied      out of budget',
    `A client  ${good}  ${good}     ${good}     ${good}  ${good}`,
    `B         ${good}  FAILED, 1 call, 1 s  ${good}     ${good}  ${good}`,
    '✗ B, denied: the tool ran',
    'not run without --all: C',
    '',
  ])
})
