import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Operator } from '../policy/operators.ts'
import type { LeafInput } from '../wire/leaves.ts'
import {
  type QuarantineEntry,
  type ReleaseStatement,
  releaseBytes,
  SignedRelease,
} from '../wire/quarantine.ts'
import { keyDigest, readOperators } from './operator-key.ts'
import { Quarantine, setLeaf, type Subject } from './quarantine.ts'

const digest = (character: string): string => `sha256:${character.repeat(64)}`
const AGENT: Subject = { agent: 'coder', configuration: digest('a'), rootfs: { kind: 'host' } }
const IMAGE = { kind: 'image', name: 'node:26', digest: digest('1') } as const
const BECAUSE = { session: 's-00000000000000000000', reason: 'it called mount', evidence: 'e-1' }
const SET_AT = new Date('2026-03-01T12:00:00.000Z')
const ID = 'q-00000000000000000001'

type Signer = Operator & { secret: KeyObject }
function signer(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { name, key: Buffer.from(x, 'base64url'), secret: privateKey }
}
const [AIKO, BEN, EVE] = [signer('aiko'), signer('ben'), signer('eve')]

let directory = ''
let leaves: LeafInput[] = []
let operators: Operator[] = []
let now = SET_AT
let isLogUp = true
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-quarantine-'))
  leaves = []
  operators = [AIKO, BEN]
  now = SET_AT
  isLogUp = true
})
afterEach(() => rmSync(directory, { recursive: true }))

const file = (): string => join(directory, 'store/quarantine.json')
function open(): Quarantine {
  mkdirSync(join(directory, 'store'), { recursive: true })
  let count = 0
  return new Quarantine({
    file: file(),
    record: async (leaf) => {
      if (!isLogUp) throw new Error('the log is down')
      leaves.push(leaf)
    },
    operators: () => operators,
    now: () => now,
    newId: () => `q-${String((count += 1)).padStart(20, '0')}`,
  })
}

function statement(by: Operator, fields: Partial<ReleaseStatement> = {}): ReleaseStatement {
  const { agent, configuration } = AGENT
  return {
    quarantine: ID,
    agent,
    configuration,
    image: null,
    reason: 'a debugger, looked at',
    key: keyDigest(by.key),
    expiresAt: '2026-03-02T12:00:00.000Z',
    ...fields,
  }
}
function signed(by: Signer, fields: Partial<ReleaseStatement> = {}): SignedRelease {
  const over = statement(by, fields)
  return {
    statement: over,
    signature: sign(null, releaseBytes(over), by.secret).toString('base64'),
  }
}

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
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    expect(quarantine.refuse(subject)?.code).toBe(isRefused ? 'QUARANTINED' : undefined)
  })

  test('every agent on the image that the escape began in', () => {
    const quarantine = open()
    quarantine.set({ ...AGENT, rootfs: IMAGE }, BECAUSE)
    const other = { agent: 'other', configuration: digest('c'), rootfs: IMAGE }
    expect(quarantine.refuse(other)?.code).toBe('QUARANTINED')
    const updated = { ...other, rootfs: { ...IMAGE, digest: digest('2') } }
    expect(quarantine.refuse(updated)).toBeUndefined()
  })

  test('the refusal names the quarantine and what to do, and is in the log', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    await expect(quarantine.admit(AGENT)).rejects.toMatchObject({
      code: 'QUARANTINED',
      message: `agent coder is in quarantine ${ID}: it called mount`,
      hint: `look with \`sekisho quarantine show ${ID}\`; two operators release it with \`sekisho quarantine release ${ID}\``,
    })
    expect(leaves).toEqual([
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
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    isLogUp = false
    await expect(quarantine.admit(AGENT)).rejects.toThrow('the log is down')
  })

  test('nobody is refused before anything happened, and nothing is recorded', async () => {
    await open().admit(AGENT)
    expect(leaves).toEqual([])
  })
})

describe('the store', () => {
  test('survives a restart, as a file of root alone', () => {
    const { entry, isNew } = open().set(AGENT, BECAUSE)
    expect(isNew).toBe(true)
    expect(open().list()).toEqual({ entries: [entry], operators: ['aiko', 'ben'] })
    expect(open().refuse(AGENT)?.code).toBe('QUARANTINED')
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ version: 1, entries: [entry] })
    expect(existsSync(`${file()}.new`)).toBe(false)
  })

  test('one quarantine stands for further attempts of the same agent', () => {
    const quarantine = open()
    const first = quarantine.set(AGENT, BECAUSE)
    const again = quarantine.set(AGENT, { ...BECAUSE, session: 's-11111111111111111111' })
    expect(again).toEqual({ entry: first.entry, isNew: false })
    expect(quarantine.list().entries).toEqual([first.entry])
  })

  test('its leaf says what is shut out and why', () => {
    const { entry } = open().set({ ...AGENT, rootfs: IMAGE }, BECAUSE)
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
    open().set(AGENT, BECAUSE)
    writeFileSync(file(), damage(readFileSync(file(), 'utf8')))
    expect(open).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  test('what cannot be written is in force all the same, and nothing else starts until it is', () => {
    const quarantine = open()
    const store = join(directory, 'store')
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
    expect(open().refuse(AGENT)?.code).toBe('QUARANTINED')
  })
})

describe('release', () => {
  test('two different operators release, each step in the log first', async () => {
    const quarantine = open()
    const { entry } = quarantine.set(AGENT, BECAUSE)
    const consent = (by: Operator): QuarantineEntry['consents'][number] => ({
      operator: by.name,
      key: keyDigest(by.key),
      reason: 'a debugger, looked at',
      expiresAt: '2026-03-02T12:00:00.000Z',
    })
    expect(await quarantine.release(signed(AIKO))).toEqual({ ...entry, consents: [consent(AIKO)] })
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
    now = new Date('2026-03-01T13:00:00.000Z')
    const released = await open().release(signed(BEN)) // also after a restart
    expect(released).toEqual({
      ...entry,
      consents: [consent(AIKO), consent(BEN)],
      releasedAt: '2026-03-01T13:00:00.000Z',
    })
    expect(open().refuse(AGENT)).toBeUndefined()
    const leaf = { type: 'quarantine.release', id: ID, reason: 'a debugger, looked at' }
    const name = (by: Operator): unknown => ({ name: by.name, key: keyDigest(by.key) })
    expect(leaves).toEqual([
      { ...leaf, operators: [name(AIKO)], released: false },
      { ...leaf, operators: [name(AIKO), name(BEN)], released: true },
    ])
  })

  test('a released agent that tries again is in a new quarantine', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    await quarantine.release(signed(BEN))
    const { entry, isNew } = quarantine.set(AGENT, BECAUSE)
    expect([entry.id, isNew]).toEqual(['q-00000000000000000002', true])
    expect(quarantine.refuse(AGENT)?.message).toContain(entry.id)
  })

  test('no record, no release', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    isLogUp = false
    await expect(quarantine.release(signed(BEN))).rejects.toThrow('the log is down')
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
    isLogUp = true
    await quarantine.release(signed(BEN))
    expect(quarantine.refuse(AGENT)).toBeUndefined()
  })

  test('one operator’s two requests at once are one consent', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    const both = [quarantine.release(signed(AIKO)), quarantine.release(signed(AIKO))]
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
    ])
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
  })

  test('a consent that has expired counts no more, and its operator may give it again', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    now = new Date('2026-03-02T12:00:00.000Z')
    const expiresAt = '2026-03-03T12:00:00.000Z'
    expect((await quarantine.release(signed(BEN, { expiresAt }))).releasedAt).toBeNull()
    expect((await quarantine.release(signed(AIKO, { expiresAt }))).releasedAt).not.toBeNull()
  })

  test('the consent of an operator who was taken off the list counts no more', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    operators = [BEN, EVE]
    expect((await quarantine.release(signed(BEN))).releasedAt).toBeNull()
  })

  /** Each tries to be the second consent, after aiko's. */
  const REFUSED: readonly (readonly [string, () => SignedRelease, string])[] = [
    [
      'the same operator again',
      () => signed(AIKO, { expiresAt: '2026-03-02T11:00:00.000Z' }),
      'aiko has agreed already',
    ],
    ['a replay of the first signature', () => signed(AIKO), 'aiko has agreed already'],
    ['a key that is no operator’s', () => signed(EVE), 'this key is no operator’s'],
    [
      'a stranger who gives an operator’s key as their own',
      () => signed(EVE, { key: keyDigest(BEN.key) }),
      'the signature is not over this statement',
    ],
    [
      'a reason changed after it was signed',
      () => ({ ...signed(BEN), statement: statement(BEN, { reason: 'never mind' }) }),
      'the signature is not over this statement',
    ],
    [
      'another reason than the first operator’s',
      () => signed(BEN, { reason: 'never mind' }),
      'aiko agreed for another reason: a debugger, looked at',
    ],
    [
      'a signature of which the expiry was put off',
      () => ({
        ...signed(BEN),
        statement: statement(BEN, { expiresAt: '2026-03-02T12:00:00.001Z' }),
      }),
      'the signature is not over this statement',
    ],
    [
      'an expired signature',
      () => signed(BEN, { expiresAt: '2026-03-01T12:00:00.000Z' }),
      'the signature expired at 2026-03-01T12:00:00.000Z',
    ],
    [
      'a signature for years to come',
      () => signed(BEN, { expiresAt: '2029-03-01T12:00:00.000Z' }),
      'the signature is valid for more than a day',
    ],
    [
      'a signature over another id, with the id put in place',
      () => ({
        ...signed(BEN, { quarantine: 'q-00000000000000000009' }),
        statement: statement(BEN),
      }),
      'the signature is not over this statement',
    ],
    [
      'a signature over another id',
      () => signed(BEN, { quarantine: 'q-00000000000000000009' }),
      'no quarantine q-00000000000000000009 is in force',
    ],
    [
      'a statement about another agent',
      () => signed(BEN, { agent: 'other' }),
      'the statement names another agent or image than the quarantine',
    ],
    [
      'a statement about another definition',
      () => signed(BEN, { configuration: digest('f') }),
      'the statement names another agent or image than the quarantine',
    ],
    [
      'a statement about an image that it has not',
      () => signed(BEN, { image: digest('f') }),
      'the statement names another agent or image than the quarantine',
    ],
    [
      'a signature over the bare statement, without its domain',
      () => ({
        statement: statement(BEN),
        signature: sign(null, releaseBytes(statement(BEN)).slice(32), BEN.secret).toString(
          'base64',
        ),
      }),
      'the signature is not over this statement',
    ],
  ]
  test.for(REFUSED)('%s is refused', async ([, second, message]) => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    const first = await quarantine.release(signed(AIKO))
    const attempt = SignedRelease.parse(second())
    await expect(quarantine.release(attempt)).rejects.toMatchObject({ message })
    expect(quarantine.list().entries).toEqual([first])
    expect(leaves).toHaveLength(1)
    expect(quarantine.refuse(AGENT)?.code).toBe('QUARANTINED')
  })

  test('a release that was made is made once', async () => {
    const quarantine = open()
    quarantine.set(AGENT, BECAUSE)
    await quarantine.release(signed(AIKO))
    await quarantine.release(signed(BEN))
    await expect(quarantine.release(signed(BEN))).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
  })

  test.for([
    ['nobody', () => [], 0],
    ['one operator', () => [AIKO], 1],
  ] as const)(
    'with %s in operators.yaml, it says how there come to be two',
    async ([, who, count]) => {
      operators = who()
      const quarantine = open()
      quarantine.set(AGENT, BECAUSE)
      await expect(quarantine.release(signed(AIKO))).rejects.toMatchObject({
        code: 'PERMISSION_REQUIRED',
        message: `a release takes two operators, and operators.yaml of the bundle names ${count}`,
        hint: 'each operator runs `sekisho operator keygen` and adds the line that it prints to operators.yaml',
      })
    },
  )

  test.for([
    ['a line feed', 'x\nsekisho: released'],
    ['an escape sequence', 'x\u001b[2J'],
    ['a turn of direction', 'x\u202e'],
    ['nothing', ' '],
    ['half a character', 'x\ud800'],
  ] as const)('a reason with %s is no statement', ([, reason]) => {
    expect(
      SignedRelease.safeParse({
        statement: { ...statement(BEN), reason },
        signature: 'A'.repeat(88),
      }).success,
    ).toBe(false)
  })
})

describe('operators.yaml', () => {
  test('is read anew each time; without it there is nobody', () => {
    expect(readOperators(directory)).toEqual([])
    writeFileSync(join(directory, 'operators.yaml'), 'version: 1\noperators: []')
    expect(readOperators(directory)).toEqual([])
  })

  test('that is not valid is an error, not an empty list', () => {
    writeFileSync(join(directory, 'operators.yaml'), 'operators: [')
    expect(() => readOperators(directory)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    mkdirSync(join(directory, 'b/operators.yaml'), { recursive: true })
    chmodSync(join(directory, 'b'), 0o700)
    expect(() => readOperators(join(directory, 'b'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})
