import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Debian's place of softhsm2's library. */
export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so'

/**
 * Tokens in a directory of their own.
 *
 * @param uid whose they are
 * @returns what SOFTHSM2_CONF has to say
 */
export function makeTokens(
  directory: string,
  tokens: readonly { label: string; pin: string }[],
  uid = process.getuid?.() ?? 0,
): string {
  const store = join(directory, 'tokens')
  mkdirSync(store, { recursive: true })
  chownSync(store, uid, uid)
  const config = join(directory, 'softhsm2.conf')
  writeFileSync(
    config,
    `directories.tokendir = ${store}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  )
  for (const { label, pin } of tokens) {
    const pins = ['--pin', pin, '--so-pin', `so-${pin}`]
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], {
      env: { SOFTHSM2_CONF: config },
      stdio: 'pipe',
      uid,
      gid: uid,
    })
  }
  return config
}
