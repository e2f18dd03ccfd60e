import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { signAnswer } from '../../src/cli/approvals-sign.ts'
import { writeNewKey } from '../../src/cli/operator-key-file.ts'
import {
  changeFile,
  closeScene,
  directory,
  endClients,
  expectStopped,
  fileOf,
  instance,
  keyholderNow,
  nextOf,
  openScene,
  refusedFor,
  sekisho,
  send,
  sign,
  start,
  statusOf,
  told,
  upstream,
  usersFile,
  waiting,
} from './approval-scene.ts'
import { processesOf } from './instance.ts'
import { UPSTREAM_HOST } from './recording-upstream.ts'

beforeAll(openScene)
afterAll(closeScene)
afterEach(endClients)

describe('an action that waits', () => {
  test('leaves when an operator has approved exactly it, with its client alive all the while', async () => {
    const asked = await send('/high/ok', 'hello')
    const { id } = asked.shown.held
    expect(upstream.arrived()).not.toContain(asked.path)
    expect(await sekisho('approvals', 'list')).toMatch(new RegExp(`${id} +client +uma +approver`))
    const text = await sekisho('approvals', 'show', id)
    expect(text).toContain(`POST https://${UPSTREAM_HOST}/high/ok`)
    expect(text).toContain('| hello')
    expect(text).toContain(asked.shown.digest)
    const flags = ['--digest', asked.shown.digest, '--key', fileOf('aiko')]
    const approved = await sekisho('approvals', 'approve', id, ...flags)
    expect(approved).toContain('approved')
    expect(await statusOf(asked)).toBe('200')
    expect(upstream.arrived()).toContain(asked.path)
    expect(await told(asked.shown.held.session)).toEqual([
      'action.held',
      'approval.answer approved',
      'action.intent allow',
    ])
  })

  test('takes the user and an operator where both are asked, and no one person as two', async () => {
    const asked = await send('/critical/both', 'pay')
    expect(asked.shown.needs).toEqual(['initiator', 'approver'])
    expect(await refusedFor(sign(asked.shown, 'aiko', { kind: 'initiator' }))).toBe(
      'not-the-initiator',
    )
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('waiting')
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('already-answered')
    expect(upstream.arrived()).not.toContain(asked.path)
    expect(await refusedFor(sign(asked.shown, 'uma', { kind: 'initiator' }))).toBe('approved')
    expect(await statusOf(asked)).toBe('200')
  })

  test('does not leave when somebody denies it', async () => {
    const asked = await send('/high/denied', 'hello')
    await sekisho('approvals', 'deny', asked.shown.held.id, '--key', fileOf('ben'))
    await expectStopped(asked)
    expect(await told(asked.shown.held.session)).toEqual([
      'action.held',
      'approval.answer denied',
      'action.intent deny',
    ])
  })
})

describe('refused, each with its own reason, recorded, and with nothing sent', () => {
  test('one request approved and another sent', async () => {
    const mild = await send('/high/mild', 'ok')
    const harm = await send('/high/harm', 'not ok')
    const forged = sign({ ...mild.shown, held: harm.shown.held }, 'aiko')
    expect(await refusedFor(forged)).toBe('other-action')
    const other = sign(mild.shown, 'aiko')
    expect(
      await refusedFor({ ...other, statement: { ...other.statement, hold: harm.shown.held.id } }),
    ).toBe('bad-signature')
    expect(await refusedFor(sign(mild.shown, 'aiko', { answer: 'deny' }))).toBe('denied')
    expect(await refusedFor(sign(harm.shown, 'aiko', { answer: 'deny' }))).toBe('denied')
    await expectStopped(mild)
    await expectStopped(harm)
    expect(await told(harm.shown.held.session)).toEqual([
      'action.held',
      'approval.answer refused other-action',
      'approval.answer refused bad-signature',
      'approval.answer denied',
      'action.intent deny',
    ])
  })

  test('an approval that is sent again', async () => {
    const asked = await send('/high/once', 'hello')
    const signed = sign(asked.shown, 'aiko')
    expect(await refusedFor(signed)).toBe('approved')
    expect(await statusOf(asked)).toBe('200')
    expect(await refusedFor(signed)).toBe('already-answered')
    const leaves = await told(asked.shown.held.session)
    expect(leaves.at(-1)).toBe('approval.answer refused already-answered')
    expect(upstream.arrived().filter((path) => path === asked.path)).toHaveLength(1)
  })

  test('an approval of a stranger', async () => {
    const asked = await send('/high/stranger', 'hello')
    const stranger = writeNewKey(join(directory, 'stranger.key'))
    const answering = { shown: asked.shown, kind: 'approver', answer: 'approve', note: '' } as const
    expect(await refusedFor(signAnswer({ ...answering, key: stranger, now: new Date() }))).toBe(
      'unknown-key',
    )
    await sekisho('stop', asked.shown.held.session)
    await asked.client.ended
    expect(upstream.arrived()).not.toContain(asked.path)
    const { session } = asked.shown.held
    while (!(await sekisho('log', 'show', '--session', session)).includes('session ends'))
      await pass(20)
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('session-ended')
  })

  test('an approval after the policy has changed', async () => {
    const asked = await send('/high/changed', 'hello')
    await changeFile('approvals.yaml', { version: 1, timeout: '61s' })
    await expectStopped(asked)
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('policy-changed')
    expect(await told(asked.shown.held.session)).toEqual([
      'action.held',
      'approval.ended policy-changed',
      'action.intent deny',
      'approval.answer refused policy-changed',
    ])
  })

  test.for<readonly [string, string]>([
    ['drives a terminal', 'ok \u001b[2J\u001b[1;1H approved'],
    ['turns the direction of text', 'pay \u202e001 to eve'],
  ])('text that %s is put before nobody', async ([, body]) => {
    const path = `/high/text-${body.length}`
    await expectStopped({ client: start(path, body), path })
    const log = await sekisho('log', 'show')
    const line = log.split('\n').find((one) => one.includes('DENY') && one.includes(path)) ?? ''
    expect(line).toMatch(/body: characters that (?:drive a terminal|turn the direction of text)/)
    expect(await waiting()).toEqual([])
  })

  test('an approval for a user who has been disabled', async () => {
    const asked = await send('/high/disabled', 'hello')
    await changeFile('users.yaml', usersFile(false))
    await expectStopped(asked)
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('user-disabled')
    expect(await refusedFor(sign(asked.shown, 'uma', { kind: 'initiator' }))).toBe('not-asked-for')
    await changeFile('users.yaml', usersFile(true))
  })
})

describe('nobody left to ask', () => {
  test('an agent that goes away takes its question along', async () => {
    const asked = await send('/high/gone', 'hello')
    asked.client.process.kill('SIGKILL')
    await asked.client.ended
    while ((await waiting()).includes(asked.shown.held.id)) await pass(20)
    expect(await told(asked.shown.held.session)).toContain('approval.ended withdrawn')
    expect(upstream.arrived()).not.toContain(asked.path)
  })

  test('a keyholder that is killed takes all approvals along, and the next one asks anew', async () => {
    const asked = await send('/high/killed', 'hello')
    const { keyholder = 0 } = await processesOf(instance)
    process.kill(keyholder, 'SIGKILL')
    expect(await statusOf(asked)).toMatch(/^(?:403|503)$/)
    expect(upstream.arrived()).not.toContain(asked.path)
    while (((await keyholderNow()) ?? keyholder) === keyholder) await pass(20)
    // of a session that this keyholder has not seen begin
    asked.client.process.stdin?.write('/high/anew\n')
    const again = { ...asked, ...(await nextOf(asked.shown.held.session)), path: '/high/anew' }
    expect(await refusedFor(sign(asked.shown, 'aiko'))).toBe('unknown-hold')
    expect(await refusedFor(sign(again.shown, 'aiko'))).toBe('approved')
    expect(await statusOf(again)).toBe('200')
  })
})
