import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { browserPolicy } from './browser-policy.ts'
import { javaTrustStore } from './java-trust-store.ts'

/** Inside, relative to the bind of the session's files; the skeleton's /etc links to these. */
export const SESSION_FILE = {
  certificates: 'certs',
  machineId: 'machine-id',
  browserPolicy: 'browser-policy.json',
} as const

/**
 * Writes what differs between sessions into `directory`, which must not exist yet: the trust
 * anchors (the session's own CA and nothing else, for OpenSSL, for Java and for browsers) and a
 * machine id.
 *
 * @param caPem certificate of the session's CA; never its key
 * @param nowMs wall clock, Unix ms
 */
export function writeSessionFiles(
  directory: string,
  { session, caPem, nowMs }: { session: string; caPem: string; nowMs: number },
): void {
  const certificates = join(directory, SESSION_FILE.certificates)
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  mkdirSync(join(certificates, 'java'), { recursive: true, mode: 0o755 })
  write(join(certificates, 'ca-certificates.crt'), caPem)
  write(join(certificates, 'java', 'cacerts'), javaTrustStore(caPem, nowMs))
  write(join(directory, SESSION_FILE.browserPolicy), browserPolicy(caPem))
  write(join(directory, SESSION_FILE.machineId), `${machineId(session)}\n`)
}

/** machine-id(5): 32 hexadecimal digits. Two sessions must not recognise each other by it. */
export function machineId(session: string): string {
  return createHash('sha256').update(`machine-id ${session}`).digest('hex').slice(0, 32)
}

function write(path: string, content: string | Buffer): void {
  writeFileSync(path, content, { flag: 'wx', mode: 0o644 })
}
