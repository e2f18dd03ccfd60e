import { mkdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { bindTree, MOUNT_FLAGS, mount } from '../kernel/mounts.ts'
import { RootDescription } from '../wire/root.ts'
import { HeldRootSettings, TrustDomain } from '../wire/root-settings.ts'
import type { ChildFailure } from './child-failure.ts'
import { IS_ROOTLESS } from './identities.ts'
import { BOX, type Paths } from './paths.ts'
import { refuseSecondRoot, writeRootFile } from './root-file.ts'
import { RootProcess } from './root-process.ts'
import { makeRoomFor } from './rootless.ts'

/** What `sekisho root init` asks of the process that makes a root. */
export const Ceremony = z.strictObject({
  settings: HeldRootSettings,
  trustDomain: TrustDomain,
  /** typed by the operator; absent: what the settings refer to */
  secret: z.string().min(1).max(1024).optional(),
})
export type Ceremony = z.infer<typeof Ceremony>

/** What it answers, in a line. */
export const CeremonyResult = z.strictObject({ made: RootDescription })

/**
 * Makes a root key by the very process, uid and rights that will use it, and keeps its file: what
 * does not work later does not work now.
 *
 * @throws SekishoError as {@link RootProcess.create}; USAGE where there is a root already
 */
async function makeRootKey(
  paths: Paths,
  { settings, trustDomain, secret }: Ceremony,
): Promise<RootDescription> {
  refuseHostNamespace()
  refuseSecondRoot(paths) // as root of the namespace: an ordinary user cannot see its own log
  mountCode(paths)
  mkdirSync(paths.state, { recursive: true, mode: 0o711 })
  const root = new RootProcess({
    settings,
    file: paths.rootFile,
    environment: process.env,
    warn: (line) => void process.stderr.write(`sekisho: ${line}\n`),
  })
  const { file, description } = await root.create(trustDomain, secret)
  writeRootFile(paths.rootFile, file)
  return description
}

/** @returns the exit status */
export async function runCeremony(paths: Paths): Promise<number> {
  try {
    const asked = Ceremony.parse(parseJson(await text(process.stdin)))
    const made = await makeRootKey(paths, asked)
    process.stdout.write(`${JSON.stringify({ made })}\n`)
    return 0
  } catch (thrown) {
    const { code, message, hint = null, cause } = toSekishoError(thrown)
    const because = cause instanceof Error ? cause.message : null
    const failure: ChildFailure = { failed: { code, message, hint, cause: because } }
    process.stdout.write(`${JSON.stringify(failure)}\n`)
    return 1
  }
}

/** The code where every user can read it, as {@link Box} has it for the platform. */
function mountCode(paths: Paths): void {
  if (IS_ROOTLESS) makeRoomFor(BOX)
  mkdirSync(BOX, { recursive: true, mode: 0o711 })
  const flags = MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices
  mount({ source: 'tmpfs', target: BOX, type: 'tmpfs', flags, options: 'mode=0711' })
  mkdirSync(join(BOX, 'code'), { mode: 0o711 })
  bindTree(paths.code, join(BOX, 'code'), MOUNT_FLAGS.readOnly | flags)
}

function refuseHostNamespace(): void {
  if (process.env['SEKISHO_OUTER_MOUNTS'] !== readlinkSync('/proc/self/ns/mnt')) return
  throw new SekishoError('HOST_UNSUPPORTED', 'this is the host’s mount namespace', {
    hint: 'start it by `sekisho root init`',
  })
}
