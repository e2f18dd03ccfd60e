import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  changesOf,
  readSessionRecord,
  readSessionRecords,
  type SessionRecord,
  writeSessionRecord,
} from './session-record.ts'

const record: SessionRecord = {
  version: 1,
  session: 's-00000000000000000000',
  agent: 'a',
  argv: ['make', 'é'],
  workspace: '/home/me/project',
  startedAt: '2026-01-02T00:00:00.000Z',
  endedAt: null,
  exitCode: null,
}

let sessions = ''
beforeEach(() => {
  sessions = mkdtempSync(join(tmpdir(), 'sekisho-records-'))
})
afterEach(() => rmSync(sessions, { recursive: true }))

test('what was written is read; the last one counts, and nothing is left beside it', () => {
  writeSessionRecord(sessions, record)
  const ended = { ...record, endedAt: '2026-01-02T00:00:01.000Z', exitCode: 0 }
  writeSessionRecord(sessions, ended)
  expect(readSessionRecord(sessions, record.session)).toEqual(ended)
  expect(readdirSync(join(sessions, record.session))).toEqual(['session.json'])
})

test('only root may look at what a session left', () => {
  writeSessionRecord(sessions, record)
  expect(statSync(join(sessions, record.session)).mode & 0o777).toBe(0o700)
  expect(statSync(join(sessions, record.session, 'session.json')).mode & 0o777).toBe(0o600)
})

test('records are listed from the oldest on; what is no session is passed over', () => {
  const older = { ...record, session: 's-zzzzzzzzzzzzzzzzzzzz', startedAt: '2026-01-01T00:00:00Z' }
  writeSessionRecord(sessions, record)
  writeSessionRecord(sessions, older)
  mkdirSync(join(sessions, 'lost+found'))
  expect(readSessionRecords(sessions)).toEqual([older, record])
  expect(readSessionRecords(join(sessions, 'nowhere'))).toEqual([])
})

test.for([
  's-11111111111111111111',
  '../../etc',
  '',
  's-0000000000000000000/',
  'S-00000000000000000000',
])('%j is no session that left changes', (session) => {
  writeSessionRecord(sessions, record)
  expect(() => readSessionRecord(sessions, session)).toThrow(
    expect.objectContaining({ code: 'SESSION_UNKNOWN', hint: 'run `sekisho ps --all`' }),
  )
})

test.for([
  ['cut off', '{"version":1,'],
  ['of another version', JSON.stringify({ ...record, version: 2 })],
  ['with a field more', JSON.stringify({ ...record, extra: 1 })],
] as const)('a record %s is said to be damaged', ([, text]) => {
  writeSessionRecord(sessions, record)
  writeFileSync(join(sessions, record.session, 'session.json'), text)
  expect(() => readSessionRecord(sessions, record.session)).toThrow(
    expect.objectContaining({
      code: 'INTERNAL',
      message: `the record of ${record.session} is damaged`,
    }),
  )
})

test('changes lie below the session’s own directory', () => {
  expect(changesOf('/state/sessions', record.session)).toBe(
    '/state/sessions/s-00000000000000000000/upper',
  )
})
