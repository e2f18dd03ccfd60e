import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionsOf } from '../agents/platform.ts'
import { leavesOf, quarantineOf } from './containment-log.ts'
import { type Ended, type Instance, openInstance, run } from './instance.ts'

const file = (name: string, more: object = {}): object => ({
  version: 1,
  name,
  presets: 'none',
  ...more,
})
const AGENTS = {
  reader: file('reader'),
  storm: file('storm'),
  deaf: file('deaf'),
  tolerant: file('tolerant', { containment: { tolerated: ['unshare'] } }),
  recorded: file('recorded', { containment: { onEscape: 'record' } }),
}

let instance: Instance
beforeAll(async () => {
  instance = await openInstance({ agents: AGENTS })
})
afterAll(async () => instance?.close())

const sh = (agent: keyof typeof AGENTS | 'default', script: string): Promise<Ended> =>
  run(instance, ['sh', '-c', script], { flags: ['--agent', agent] })

test('an opened tripwire is an attempt too', async () => {
  const end = await sh('reader', 'cat /root/.ssh/id_ed25519; echo after')
  expect(end).toMatchObject({ code: 137, stdout: '' })
  expect(end.stderr).toContain('it opened /root/.ssh/id_ed25519')
  const types = (await leavesOf(instance, 'reader', 0)).map(({ type }) => type)
  expect(types).toContain('session.contained')
  expect(await sessionsOf(instance, 'reader')).toEqual([])
})

test('a program that hears no signal is stopped as well', async () => {
  const end = await sh('deaf', `trap '' TERM INT HUP; mount -t tmpfs none /tmp; echo after`)
  expect(end).toMatchObject({ code: 137, stdout: '' })
})

test('a storm of attempts, by calls and by tripwires, leaves whoever answers them free', async () => {
  const storm = `for i in $(seq 60); do mount -t tmpfs none /tmp & cat /root/.ssh/id_rsa & done; wait; echo after`
  expect(await sh('storm', storm)).toMatchObject({ code: 137 })
  const leaves = await leavesOf(instance, 'storm', 0)
  expect(leaves.filter(({ type }) => type === 'session.contained')).toHaveLength(1)
  expect(leaves.filter(({ type }) => type === 'quarantine.set')).toHaveLength(1)
  // both answers are still given, to another session
  const end = await sh('recorded', 'mount -t tmpfs none /tmp; cat /root/.ssh/id_rsa; echo through')
  expect(end).toMatchObject({ code: 0, stdout: 'through\n' })
})

test('what the agent file tolerates is refused and recorded, and the session goes on', async () => {
  const end = await sh('tolerant', 'unshare -r true || echo refused')
  expect(end).toMatchObject({ code: 0, stdout: 'refused\n' })
  const leaves = await leavesOf(instance, 'tolerant', 0)
  expect(leaves.map(({ type }) => type)).not.toContain('session.contained')
  expect(leaves.at(-1)).toMatchObject({
    counters: expect.objectContaining({ 'containment.tolerated': 1, 'supervisor.denied': 1 }),
  })
})

test('where attempts are only recorded, the session goes on', async () => {
  const end = await sh('recorded', 'mount -t tmpfs none /tmp || echo refused')
  expect(end).toMatchObject({ code: 0, stdout: 'refused\n' })
  expect(await quarantineOf(instance, 'recorded')).toBe('')
})

/** Found by running them: `io_uring_setup`, `fanotify_init`, sockets of ss; and no tripwire by perl. */
test('ordinary programs run under an agent file that says nothing of containment', async () => {
  const script = [
    'git init -q r && cd r && echo x > f && git add . && git -c user.name=a -c user.email=b commit -qm c',
    'node -e "new (require(`worker_threads`).Worker)(`1`, {eval: true})"',
    'perl -e "print((getpwuid(\\$<))[0])"',
    'ss -tln > /dev/null; id -un; ps aux > /dev/null; echo done',
  ].join('\n')
  const end = await sh('default', script)
  expect(end).toMatchObject({ code: 0, stdout: 'agentagent\ndone\n' })
})

test('nothing of an attempt is left beside its evidence and the list', () => {
  expect(existsSync(join(instance.home, 'state/quarantine.json'))).toBe(true)
  expect(existsSync(join(instance.home, 'state/quarantine.json.new'))).toBe(false)
})
