import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'

/**
 * The key of the first root is kept, in a file of this process's own: whoever audits the log is
 * given it, and a root that is another later is noticed.
 *
 * @param certificate of the root, base64 DER
 * @throws SekishoError LOG_BROKEN
 */
export function pinRootKey(path: string, certificate: string): void {
  const root = new X509Certificate(Buffer.from(certificate, 'base64'))
  const pem = root.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  try {
    writeFileSync(path, pem, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    if (readFileSync(path, 'utf8') === pem) return
    throw new SekishoError('LOG_BROKEN', `identities come from another root than ${path} says`, {
      hint: 'restore the state directory, or move it away to begin anew',
    })
  }
}
