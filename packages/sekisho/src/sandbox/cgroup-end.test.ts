import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { sweep } from './cgroup-end.ts'

const UNIFIED = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
)
const ROOT = join(UNIFIED ?? '/nowhere', `sekisho-sweep-test-${process.pid}`)
const SWEEP = `
import { sweep } from ${JSON.stringify(join(import.meta.dirname, 'cgroup-end.ts'))}
process.stdout.write('ready')
process.stdin.once('data', () => { console.log(sweep([process.argv[1]]).length); process.exit(0) })
`

afterEach(() => expect(sweep([ROOT])).toEqual([]))

test('two that sweep at once, a guardian and the next supervisor, both get through', async () => {
  for (let n = 0; n < 60; n++) mkdirSync(join(ROOT, `berth-${n}`), { recursive: true })
  const args = ['--input-type=module', '--no-warnings', '--eval', SWEEP, ROOT]
  const sweepers = [0, 1].map(() =>
    spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  await Promise.all(sweepers.map(({ stdout }) => once(stdout, 'data')))
  for (const { stdin } of sweepers) stdin.write('go')
  const codes = await Promise.all(sweepers.map(async (one) => (await once(one, 'exit'))[0]))
  expect({ codes, isThere: existsSync(ROOT) }).toEqual({ codes: [0, 0], isThere: false })
})
