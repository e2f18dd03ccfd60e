import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeKey } from '../policy/operators.ts'
import { type ApprovedFiles, operatorsNow, readOperators } from './operator-key.ts'
import { setLeaf, type Subject } from './quarantine.ts'
import { AGENT, BECAUSE, digest, ID, QuarantineBench } from './testing/quarantine.ts'

const IMAGE = { kind: 'image', name: 'node:26', digest: digest('1') } as const

let bench: QuarantineBench
beforeEach(() => {
  bench = new QuarantineBench()
})
afterEach(() => bench.close())

describe('what is in quarantine does not start', () => {
  test.for([
    ['the agent itself', AGENT, true],
    ['the agent with an edited file', { ...AGENT, configuration: digest('b') }, true],
    ['its definition under another name', { ...AGENT, agent: 'coder2' }, true],
    [
      'another agent on the same host file system',
      { agent: 'other', configuration: digest('c'), rootfs: { kind: 'host' } },
      false,
    ],
  ] as const)('%s', async ([, subject, isRefused]) => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    expect(quarantine.refuse(subject)?.code).toBe(isRefused ? 'QUARANTINED' : undefined)
  })

  test('every agent on the image that the escape began in', () => {
    const quarantine = bench.open()
    quarantine.set({ ...AGENT, rootfs: IMAGE }, BECAUSE)
    const other = { agent: 'other', configuration: digest('c'), rootfs: IMAGE }
    expect(quarantine.refuse(other)?.code).toBe('QUARANTINED')
    const updated = { ...other, rootfs: { ...IMAGE, digest: digest('2') } }
    expect(quarantine.refuse(updated)).toBeUndefined()
  })

  test('the refusal names the quarantine and what to do, and is in the log', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    await expect(quarantine.admit(AGENT)).rejects.toMatchObject({
      code: 'QUARANTINED',
      message: `agent coder is in quarantine ${ID}: it called mount`,
      hint: `look with \`sekisho quarantine show ${ID}\`; two operators release it with \`sekisho quarantine release ${ID}\``,
    })
    expect(bench.leaves).toEqual([
      {
        type: 'session.refused',
        agent: 'coder',
        configuration: digest('a'),
        rule: 'invariant.quarantine',
        reason: `agent coder is in quarantine ${ID}: it called mount`,
      },
    ])
  })

  test('it is refused also when the log is down', async () => {
    const quarantine = bench.open()
    quarantine.set(AGENT, BECAUSE)
    bench.isLogUp = false
    await expect(quarantine.admit(AGENT)).rejects.toThrow('the log is down')
  })

  test('nobody is refused before anything happened, and nothing is recorded', async () => {
    await bench.open().admit(AGENT)
    expect(bench.leaves).toEqual([])
  })
})

describe('the store', () => {
  test('survives a restart, as a file of root alone', () => {
    const { entry, isNew } = bench.open().set(AGENT, BECAUSE)
    expect(isNew).toBe(true)
    expect(bench.open().list()).toEqual({ entries: [entry], operators: ['aiko', 'ben'] })
    expect(bench.open().refuse(AGENT)?.code).toBe('QUARANTINED')
    expect(JSON.parse(readFileSync(bench.file, 'utf8'))).toEqual({ version: 1, entries: [entry] })
    expect(existsSync(`${bench.file}.new`)).toBe(false)
  })

  test('one quarantine stands for further attempts of the same agent', () => {
    const quarantine = bench.open()
    const first = quarantine.set(AGENT, BECAUSE)
    const again = quarantine.set(AGENT, { ...BECAUSE, session: 's-11111111111111111111' })
    expect(again).toEqual({ entry: first.entry, isNew: false })
    expect(quarantine.list().entries).toEqual([first.entry])
  })

  test('its leaf says what is shut out and why', () => {
    const { entry } = bench.open().set({ ...AGENT, rootfs: IMAGE }, BECAUSE)
    expect(setLeaf(entry)).toEqual({
      type: 'quarantine.set',
      id: ID,
      agent: 'coder',
      configuration: digest('a'),
      image: digest('1'),
      session: 's-00000000000000000000',
      reason: 'it called mount',
    })
  })

  test.for([
    ['half a file', (text: string) => text.slice(0, -20)],
    ['an entry with a field taken out', (text: string) => text.replace('"agent":"coder",', '')],
    ['a field that nobody knows', (text: string) => text.replace('"version"', '"x":1,"version"')],
    ['an empty file', () => ''],
  ] as const)('%s stops the platform from starting', ([, damage]) => {
    bench.open().set(AGENT, BECAUSE)
    writeFileSync(bench.file, damage(readFileSync(bench.file, 'utf8')))
    expect(() => bench.open()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  test('what cannot be written is in force all the same, and nothing else starts until it is', () => {
    const quarantine = bench.open()
    const store = join(bench.directory, 'store')
    rmSync(store, { recursive: true })
    quarantine.set(AGENT, BECAUSE)
    const other: Subject = { ...AGENT, agent: 'other', configuration: digest('c') }
    expect(quarantine.refuse(AGENT)?.message).toContain(ID)
    expect(quarantine.refuse(other)).toMatchObject({
      code: 'QUARANTINED',
      message: 'the list of quarantines cannot be written: no session starts',
    })
    mkdirSync(store)
    expect(quarantine.refuse(other)).toBeUndefined()
    expect(bench.open().refuse(AGENT)?.code).toBe('QUARANTINED')
  })
})

describe('operators of the bundle in force', () => {
  const named = (name: string): string =>
    `version: 1\noperators:\n  - { name: ${name}, key: "${writeKey(Buffer.alloc(32, name.length))}" }\n`
  const approved = (files: Record<string, string> | null): ApprovedFiles => ({
    approved: () => ({ files }),
  })
  const names = (files: Record<string, string> | null): string[] =>
    operatorsNow(bench.directory, approved(files)).map(({ name }) => name)

  test('count, and whoever writes to the directory makes nobody one', () => {
    writeFileSync(join(bench.directory, 'operators.yaml'), named('mallory'))
    expect(names({ 'operators.yaml': named('aiko') })).toEqual(['aiko'])
  })

  test('are those of the directory while no bundle names any', () => {
    writeFileSync(join(bench.directory, 'operators.yaml'), named('aiko'))
    expect([names(null), names({})]).toEqual([['aiko'], ['aiko']])
  })
})

describe('operators.yaml', () => {
  test('is read anew each time; without it there is nobody', () => {
    expect(readOperators(bench.directory)).toEqual([])
    writeFileSync(join(bench.directory, 'operators.yaml'), 'version: 1\noperators: []')
    expect(readOperators(bench.directory)).toEqual([])
  })

  test('that is not valid is an error, not an empty list', () => {
    writeFileSync(join(bench.directory, 'operators.yaml'), 'operators: [')
    expect(() => readOperators(bench.directory)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    mkdirSync(join(bench.directory, 'b/operators.yaml'), { recursive: true })
    chmodSync(join(bench.directory, 'b'), 0o700)
    expect(() => readOperators(join(bench.directory, 'b'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})
