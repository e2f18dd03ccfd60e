import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mostOpenFiles } from './open-files.ts'

test('the most that any process of the list has open', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-fds-'))
  const processes = join(directory, 'cgroup.procs')
  writeFileSync(processes, `${process.pid}\n4194304\n`)
  const before = mostOpenFiles(processes)
  const opened = Array.from({ length: 40 }, () => openSync('/dev/null', 'r'))
  expect(mostOpenFiles(processes)).toBe(before + 40)
  for (const fd of opened) closeSync(fd)
  rmSync(directory, { recursive: true })
})

test('of a cgroup that is gone nothing is open', () => {
  expect(mostOpenFiles('/sys/fs/cgroup/nowhere/cgroup.procs')).toBe(0)
})
