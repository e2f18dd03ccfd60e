import { X509Certificate } from 'node:crypto'

/**
 * What browsers of the Chromium family read as the orders of their machine's owner. They bring their
 * own roots and look at no bundle, variable or directory of the system.
 *
 * - `CACertificates`: trust anchors beside the built-in ones, Base64 of DER
 * - `EncryptedClientHelloEnabled`: with it, every hello carries an extension that looks like an
 *   encrypted one (GREASE, RFC 9849 §6.2), and the gate refuses what it cannot read
 * - `DnsOverHttpsMode`: names are asked of the session's resolver, which knows what is allowed
 *
 * Cost: a file of 1 KB a session.
 *
 * @see https://chromeenterprise.google/policies/
 */
export function browserPolicy(caPem: string): string {
  return `${JSON.stringify({
    CACertificates: [new X509Certificate(caPem).raw.toString('base64')],
    DnsOverHttpsMode: 'off',
    EncryptedClientHelloEnabled: false,
  })}\n`
}
