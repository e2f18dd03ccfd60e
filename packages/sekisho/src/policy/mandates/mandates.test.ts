import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Approver, Mandate } from '../../wire/decision.ts'
import { parseMandates, parseUnsigned } from '../mandates-file.ts'
import { keyDigest } from '../signing-key.ts'
import { covers, type MandateUse } from './covers.ts'
import { addSignature, mandateBytes, type MandateSignature } from './mandate-signatures.ts'

type Person = { name: string; key: Buffer; secret: KeyObject }
function person(name: string): Person {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { name, key: Buffer.from(x, 'base64url'), secret: privateKey }
}
const AIKO = person('aiko')
const BEN = person('ben')
const UMA = person('uma')
const UDO = person('udo')
const EVE = person('eve')

const approver = (one: Person, as: Approver['as'], fields: Partial<Approver> = {}): Approver => ({
  name: one.name,
  key: one.key.toString('base64'),
  as,
  uid: as === 'user' ? 1000 : null,
  enabled: true,
  ...fields,
})
const APPROVERS = [
  approver(AIKO, 'operator'),
  approver(BEN, 'operator'),
  approver(UMA, 'user'),
  approver(UDO, 'user', { uid: 1001 }),
]

const source = (kinds: string, more = ''): string => `version: 1
mandates:
  # agreed on in March
  - id: small-mails
    for: [${kinds}]
    user: uma
    operations: [mail.send]
    counterparties: [team@example.test]
    maxAmount: 100
    maxUses: 5
    expires: "2027-01-31"
    reason: the weekly letter${more}
`

function signedBy(text: string, ...people: Person[]): string {
  let signed = text
  for (const { name, key, secret } of people) {
    const [read] = parseUnsigned(signed, 'm.yaml')
    if (read === undefined) throw new Error('no mandate')
    const signature = sign(null, mandateBytes(read.mandate), secret).toString('base64')
    signed = addSignature(signed, 0, { by: name, key: keyDigest(key), signature })
  }
  return signed
}

const known = {
  agents: ['a'],
  users: ['uma', 'udo'],
  operations: ['mail.send'],
  rules: ['send'],
  approvers: APPROVERS,
}
const parse = (text: string): readonly Mandate[] => parseMandates(text, 'm.yaml', known)
const why = (text: string): string => {
  try {
    parse(text)
    return 'in force'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('a mandate is in force when those whom it stands for have signed it', () => {
  test.for<readonly [string, string, readonly Person[]]>([
    ['an operator, for one', 'approver', [AIKO]],
    ['two operators, for two', 'approver, second-approver', [AIKO, BEN]],
    ['the user, for the initiator', 'initiator', [UMA]],
    ['both, for both', 'initiator, approver', [UMA, BEN]],
  ])('%s', ([, kinds, people]) => {
    expect(why(signedBy(source(kinds), ...people))).toBe('in force')
  })

  test.for<readonly [string, string, readonly Person[], string]>([
    ['nobody', 'approver', [], 'it takes the signatures of an operator, and has 0'],
    ['a stranger', 'approver', [EVE], 'it takes the signatures of an operator, and has 0'],
    [
      'a user, for an operator',
      'approver',
      [UMA],
      'it takes the signatures of an operator, and has 0',
    ],
    [
      'one operator twice, for two',
      'approver, second-approver',
      [AIKO, AIKO],
      'it takes the signatures of 2 operators, and has 1',
    ],
    [
      'another user, for the initiator',
      'initiator',
      [UDO],
      'it stands for the initiator, and uma has not signed it',
    ],
    [
      'an operator, for the initiator',
      'initiator',
      [AIKO],
      'it stands for the initiator, and uma has not signed it',
    ],
  ])('not by %s', ([, kinds, people, missing]) => {
    expect(why(signedBy(source(kinds), ...people))).toBe(
      `m.yaml:4:5: mandate \`small-mails\` is not in force: ${missing}`,
    )
  })

  test('not when it was changed after it was signed', () => {
    const text = signedBy(source('approver'), AIKO).replace('maxUses: 5', 'maxUses: 500')
    expect(why(text)).toContain('has 0')
  })

  test('not by one who is disabled, nor by one person as two', () => {
    const text = signedBy(source('initiator, approver'), UMA)
    const both = [approver(UMA, 'user'), approver(UMA, 'operator')]
    expect(() => parseMandates(text, 'm.yaml', { ...known, approvers: both })).toThrow('has 0')
    const off = [approver(AIKO, 'operator', { enabled: false })]
    const other = signedBy(source('approver'), AIKO)
    expect(() => parseMandates(other, 'm.yaml', { ...known, approvers: off })).toThrow('has 0')
  })

  test('a signature is added without touching the rest of the file', () => {
    const text = signedBy(source('approver, second-approver'), AIKO, BEN)
    expect(text).toContain('# agreed on in March')
    expect(text.split('\n').filter((line) => line.includes('signature:'))).toHaveLength(2)
    expect(
      parseUnsigned(text, 'm.yaml')[0]?.signatures.map(({ by }: MandateSignature) => by),
    ).toEqual(['aiko', 'ben'])
  })
})

describe('covers', () => {
  const [mandate] = parse(signedBy(source('approver'), AIKO))
  const use: MandateUse = {
    agent: 'a',
    user: 'uma',
    needs: ['approver'],
    operation: 'mail.send',
    rules: ['send'],
    critical: [{ kind: 'recipient', value: 'team@example.test' }],
    unconfirmed: [],
    nowMs: Date.parse('2027-01-31T23:59:59Z'),
  }
  const check = (fields: Partial<MandateUse>, over: Partial<Mandate> = {}): boolean => {
    if (mandate === undefined) throw new Error('no mandate')
    return covers({ ...mandate, ...over }, { ...use, ...fields })
  }

  test('what it is for', () => {
    expect(check({})).toBe(true)
    expect(check({ critical: [...use.critical, { kind: 'amount', value: '100' }] })).toBe(true)
    expect(check({ operation: null }, { rules: ['send'] })).toBe(true)
  })

  test.for<readonly [string, Partial<MandateUse>, Partial<Mandate>]>([
    ['another agent', { agent: 'b' }, { agent: 'a' }],
    ['another user', { user: 'udo' }, {}],
    ['more than it stands for', { needs: ['initiator', 'approver'] }, {}],
    ['another operation', { operation: 'bank.pay' }, {}],
    ['an operation, by a rule that lets it pass', { operation: 'bank.pay' }, { rules: ['send'] }],
    ['another rule', { operation: null, rules: ['other'] }, { rules: ['send'] }],
    [
      'a counterparty that it does not name',
      { critical: [{ kind: 'recipient', value: 'eve@evil.test' }] },
      {},
    ],
    [
      'one of two that it does not name',
      { critical: [...use.critical, { kind: 'recipient', value: 'eve@evil.test' }] },
      {},
    ],
    [
      'a value that nobody has confirmed, where it names none',
      { unconfirmed: [{ kind: 'recipient', value: 'team@example.test' }] },
      { counterparties: [] },
    ],
    ['more than the amount', { critical: [{ kind: 'amount', value: '100.01' }] }, {}],
    ['an amount in another writing', { critical: [{ kind: 'amount', value: '1e1' }] }, {}],
    ['an amount below nothing', { critical: [{ kind: 'amount', value: '-5' }] }, {}],
    [
      'an amount, where it speaks of none',
      { critical: [{ kind: 'amount', value: '1' }] },
      { maxAmount: null },
    ],
    ['the day after its last', { nowMs: Date.parse('2027-02-01T00:00:00Z') }, {}],
  ])('not %s', ([, fields, over]) => {
    expect(check(fields, over)).toBe(false)
  })
})
