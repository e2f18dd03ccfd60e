import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { quarantineIdFrom } from '../core/ids.ts'
import { Containment } from './containment.ts'
import { operatorsNow } from './operator-key.ts'
import type { Paths } from './paths.ts'
import type { Platform } from './platform.ts'
import { Quarantine } from './quarantine.ts'

/**
 * The platform's one quarantine, and what fills it.
 *
 * @throws SekishoError CONFIG_INVALID when the store cannot be read: nothing may start then
 */
export function openContainment(
  paths: Paths,
  platform: () => Pick<Platform, 'keyholder' | 'policy' | 'record' | 'warn' | 'revocation'>,
): Pick<Platform, 'quarantine' | 'containment'> {
  const now = (): Date => new Date()
  const quarantine = new Quarantine({
    file: join(paths.state, 'quarantine.json'),
    record: (leaf) => platform().record(leaf),
    operators: () => operatorsNow(paths.bundle, platform().policy),
    now,
    newId: () => quarantineIdFrom(randomBytes(20)),
  })
  const containment = new Containment({
    quarantine,
    evidence: join(paths.state, 'evidence'),
    sessions: paths.sessions,
    logSize: async () => (await platform().keyholder().call('status', {})).logSize,
    now,
    warn: (line) => platform().warn(line),
    contained: (session, attempt) => platform().revocation.contained(session, attempt),
  })
  return { quarantine, containment }
}
