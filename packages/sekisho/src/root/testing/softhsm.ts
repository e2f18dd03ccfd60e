import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Debian's place of softhsm2's library. */
export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so'

/**
 * Tokens in a directory of their own.
 *
 * @returns what SOFTHSM2_CONF has to say
 */
export function makeTokens(
  directory: string,
  tokens: readonly { label: string; pin: string }[],
): string {
  const store = join(directory, 'tokens')
  mkdirSync(store, { recursive: true })
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
    })
  }
  return config
}
