import { expect, test } from 'vitest'
import { certificate, type CertificateFields, newKey, toPem } from '../testing/certificates.ts'
import { readRoots } from './pem.ts'

const T0 = Date.parse('2026-01-02T03:00:00.000Z')
const ROOT: Omit<CertificateFields, 'spki'> = {
  subject: 'root',
  issuer: 'root',
  uri: 'spiffe://td.internal',
  notBefore: T0,
  notAfter: T0 + 3_600_000,
  pathLength: 1,
  protection: { class: 'derived', emulated: false },
  extensions: [],
}

test('roots are read from certificates and from public keys, several if there are', () => {
  const [issuing, root] = [newKey(), newKey()]
  const one = certificate({ ...ROOT, spki: issuing.spki }, root.key)
  const two = toPem(root.spki.toString('base64'), 'PUBLIC KEY')
  expect(readRoots(`${toPem(one)}\n${two}`)).toEqual([
    { algorithm: 'p256', spki: issuing.spki },
    { algorithm: 'p256', spki: root.spki },
  ])
  const ed = newKey('ed25519')
  expect(readRoots(toPem(ed.spki.toString('base64'), 'PUBLIC KEY'))).toBe('a root has a P-256 key')
  expect(readRoots('')).toBe('no certificate and no public key in PEM')
  expect(readRoots(toPem('!!!'))).toBe('a PEM block that is not base64')
  expect(readRoots('x'.repeat(70_000))).toBe('too long for a root')
})
