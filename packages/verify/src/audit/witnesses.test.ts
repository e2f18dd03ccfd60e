import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { exitCodeOf } from '../command/describe-report.ts'
import { logIn } from '../log-files.ts'
import { addCosignature, type NoteCosigner, noteCosigner } from '../note-signer.ts'
import { type AuditedLog, auditedSample } from '../testing/audited-log.ts'
import { auditLog, type AuditReport, type BrokenAudit } from './audit-log.ts'
import type { Witness } from './witnesses.ts'

const [one, other] = [newWitness('w.example/1'), newWitness('w.example/2')]
const made = auditedSample()
const cosigned = addCosignature(made.log.note, one, 1_700_000_000)

function newWitness(name: string): NoteCosigner {
  return noteCosigner(name, generateKeyPairSync('ed25519').privateKey)
}

function audit(
  { log, rootPem: root }: AuditedLog,
  witnesses: Witness[],
  previousCheckpoint?: string,
): Promise<AuditReport | BrokenAudit> {
  const options = { root, witnesses, previousCheckpoint }
  return log.inDirectory((dir) => auditLog(logIn(dir), options))
}

test('a witness that has cosigned is counted', async () => {
  const report = await audit(made, [{ operator: 'a', vkey: one.vkey }], cosigned)
  expect(report).toMatchObject({ kind: 'sound', witnessed: { size: 17, operators: ['a'] } })
})

test('a witness that was named and has not cosigned is a finding', async () => {
  const report = await audit(made, [{ operator: 'a', vkey: one.vkey }])
  expect(report).toMatchObject({
    kind: 'findings',
    witnessed: { size: 0, operators: [] },
    findings: [
      {
        index: 17,
        kind: 'witness',
        session: null,
        reason: 'no good cosignature of a, who was named as a witness',
      },
    ],
  })
  expect(exitCodeOf(report)).toBe(1)
})

test('of several the one that is missing is named; one key of an operator’s two is enough', async () => {
  const witnesses = [
    { operator: 'a', vkey: one.vkey },
    { operator: 'a', vkey: newWitness('w.example/3').vkey },
    { operator: 'b', vkey: other.vkey },
  ]
  expect(await audit(made, witnesses, cosigned)).toMatchObject({
    kind: 'findings',
    witnessed: { size: 17, operators: ['a'] },
    findings: [{ kind: 'witness', reason: expect.stringContaining('cosignature of b,') }],
  })
})

test('a cosignature that does not fit is none', async () => {
  const ofAnother = addCosignature(auditedSample().log.note, one, 1_700_000_000)
  const line = ofAnother.split('\n').at(-2)
  const report = await audit(made, [{ operator: 'a', vkey: one.vkey }], `${made.log.note}${line}\n`)
  expect(report).toMatchObject({ kind: 'findings', findings: [{ kind: 'witness' }] })
})
