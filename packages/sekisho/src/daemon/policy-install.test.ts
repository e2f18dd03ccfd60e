import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { decision, install, PolicyPlace, SESSION } from './testing/policy-place.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-policy-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a generation comes into force', () => {
  test('at every gate, in the log, at the keyholder, and then in each session', async () => {
    const place = new PolicyPlace(directory, { gates: 2, sessions: [SESSION] })
    expect(await place.installer.install(install(1, 'a'))).toEqual({ closed: 3 })
    expect(place.order).toEqual([
      'gate-0 takes 1',
      'gate-1 takes 1',
      'log: policy.generation 1',
      'keyholder takes 1',
      `${SESSION} is decided by 1`,
    ])
    expect(place.sessions[0]?.decision).toEqual(decision(1))
  })

  test('a session that nobody speaks for is granted nothing', async () => {
    const place = new PolicyPlace(directory, { sessions: [SESSION] })
    await place.installer.install({ ...install(1, 'a'), sessions: [] })
    expect(place.sessions[0]?.decision).toEqual({ ...decision(1), policy: { rules: [] } })
  })

  test('one after the other, never two at once', async () => {
    const place = new PolicyPlace(directory, { sessions: [SESSION] })
    await Promise.all([
      place.installer.install(install(1, 'a')),
      place.installer.install(install(2, 'b')),
    ])
    expect(place.order.filter((line) => line.includes('decided'))).toEqual([
      `${SESSION} is decided by 1`,
      `${SESSION} is decided by 2`,
    ])
    expect(place.order.indexOf('gate-0 takes 2')).toBeGreaterThan(
      place.order.indexOf(`${SESSION} is decided by 1`),
    )
  })

  test('a gate and a keyholder that come up later are told', async () => {
    const place = new PolicyPlace(directory)
    await place.installer.install(install(1, 'a'))
    place.order = []
    await place.installer.gateUp(place.gate('gate-9'))
    await place.installer.keyholderUp(place.keyholder)
    expect(place.order).toEqual(['gate-9 takes 1', 'keyholder takes 1'])
  })

  test('it is kept for the next life of the daemon, for root alone', async () => {
    const place = new PolicyPlace(directory)
    expect(place.installer.approved()).toEqual({ generation: 0, files: null })
    await place.installer.install(install(3, 'a'))
    expect(place.installer.approved()).toEqual({ generation: 3, files: { 'agents/a.yaml': 'a' } })
    const next = new PolicyPlace(directory)
    expect(next.installer.approved()).toEqual({ generation: 0, files: { 'agents/a.yaml': 'a' } })
    expect(statSync(join(directory, 'policy.json')).mode & 0o777).toBe(0o600)
  })

  test('what was kept and is not whole stops everything: nobody knows who may sign', () => {
    writeFileSync(join(directory, 'policy.json'), '{"version":1,"files":')
    expect(() => new PolicyPlace(directory).installer.approved()).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

describe('nothing changes', () => {
  let place: PolicyPlace
  beforeEach(async () => {
    place = new PolicyPlace(directory, { gates: 2, sessions: [SESSION] })
    await place.installer.install(install(1, 'a'))
    place.order = []
  })

  test('when a gate finds the generation wrong', async () => {
    place.gateAnswers['gate-1'] = new SekishoError('CONFIG_INVALID', 'no such operator')
    await expect(place.installer.install(install(2, 'b'))).rejects.toThrow('no such operator')
    expect(place.order).toEqual(['gate-0 takes 2', 'gate-0 takes 1'])
    expect([place.installer.inForce?.bundle.generation, place.killed]).toEqual([1, []])
  })

  test('when the log cannot be written', async () => {
    place.logFails = true
    await expect(place.installer.install(install(2, 'b'))).rejects.toThrow('the disk is full')
    expect(place.order).toEqual([
      'gate-0 takes 2',
      'gate-1 takes 2',
      'gate-0 takes 1',
      'gate-1 takes 1',
    ])
    expect(place.installer.inForce?.bundle.generation).toBe(1)
    place.logFails = false
    await place.drift.check() // gates that were put back are none that have drifted
    expect(place.killed).toEqual([])
  })

  test.for([1, 0])('for generation %i, which is not a later one', async (generation) => {
    await expect(place.installer.install(install(generation, 'b'))).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
    })
    expect(place.order).toEqual([])
  })
})

describe('a gate that may go on deciding by the one before is ended', () => {
  test('when it does not take the new one for a session', async () => {
    const place = new PolicyPlace(directory, { sessions: [SESSION] })
    place.decideFails = new SekishoError('TIMEOUT', 'no answer')
    expect(await place.installer.install(install(1, 'a'))).toEqual({ closed: 0 })
    expect(place.killed).toEqual([0])
  })

  test('when it does not take the new one in time', async () => {
    const place = new PolicyPlace(directory, { gates: 2, sessions: [SESSION] })
    place.gateAnswers['gate-1'] = new SekishoError('TIMEOUT', 'no answer')
    await place.installer.install(install(1, 'a'))
    expect([place.killed, place.order.at(-1)]).toEqual([[1], `${SESSION} is decided by 1`])
  })

  test('but not one that is down: its next life begins with the new one', async () => {
    const place = new PolicyPlace(directory, { sessions: [SESSION] })
    place.decideFails = new SekishoError('PEER_UNAVAILABLE', 'the gate is not running')
    await place.installer.install(install(1, 'a'))
    expect(place.killed).toEqual([])
  })
})
