import { hash, randomBytes, X509Certificate } from 'node:crypto'
import { SekishoError } from '../core/error.ts'
import { type Paths, pathsFrom } from '../daemon/paths.ts'
import { readRootFile } from '../daemon/root-file.ts'
import { askCeremony } from '../daemon/ask-ceremony.ts'
import { readSettings, type Settings } from '../daemon/settings.ts'
import type { RootDescription } from '../wire/root.ts'
import { type HeldRootSettings, secretReferenceOf } from '../wire/root-settings.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { typedSecret } from './typed-secret.ts'

const USAGE = 'sekisho root init [--type] [--json] | sekisho root show [--pem] [--json]'

export const root: Command = {
  name: 'root',
  summary: 'Make the key that certifies every identity, where platform.yaml says; show it',
  usage: USAGE,
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(USAGE, argv, {
      type: { type: 'boolean', default: false },
      pem: { type: 'boolean', default: false },
    })
    const action = onePositional(USAGE, positionals)
    const paths = pathsFrom(process.env)
    if (action === 'init') {
      const made = await init(paths, values['type'] === true)
      tell(made, { paths, terminal, isJson: values['json'] === true })
      if (values['json'] !== true) terminal.err(adviceFor(made, paths))
      return 0
    }
    if (action !== 'show') throw new SekishoError('USAGE', `root ${action}`, { hint: USAGE })
    const kept = readRootFile(paths.rootFile)
    if (kept === undefined) {
      throw new SekishoError('ROOT_KEY_UNUSABLE', `no root key was made: ${paths.rootFile}`, {
        hint: 'without identity.root in platform.yaml the keyholder has its own; else run `sekisho root init`',
      })
    }
    if (values['pem'] === true) terminal.out(certificateOf(kept).toString().trimEnd())
    else tell(kept, { paths, terminal, isJson: values['json'] === true })
    return 0
  },
}

async function init(paths: Paths, isTyped: boolean): Promise<RootDescription> {
  if (readRootFile(paths.rootFile) !== undefined) {
    throw new SekishoError('USAGE', `${paths.rootFile} is there already`, {
      hint: 'a platform has one root: `sekisho root show`',
    })
  }
  const { identity } = readSettings(paths.bundle)
  const settings = heldRoot(identity, paths)
  const secret = isTyped ? await typed(settings) : undefined
  const trustDomain = identity.trustDomain ?? `sekisho-${randomBytes(8).toString('hex')}.internal`
  return askCeremony(paths, { settings, trustDomain, ...(secret === undefined ? {} : { secret }) })
}

function heldRoot({ root: settings }: Settings['identity'], paths: Paths): HeldRootSettings {
  if (settings.provider !== 'derived') return settings
  throw new SekishoError('USAGE', 'the keyholder derives this platform’s root by itself', {
    hint: `name a provider as identity.root in ${paths.bundle}/platform.yaml first (docs/guides/root-keys.md)`,
  })
}

async function typed(settings: HeldRootSettings): Promise<string> {
  const reference = secretReferenceOf(settings)
  if (reference !== undefined) return typedSecret(`what ${reference} will say`)
  throw new SekishoError('USAGE', 'this key has no secret to type', {
    hint: 'add auth to identity.root if it is to have one',
  })
}

type Telling = { paths: Paths; terminal: Terminal; isJson: boolean }

function tell(known: RootDescription, { paths, terminal, isJson }: Telling): void {
  const { trustDomain, protection } = known
  const certificate = certificateOf(known)
  const fingerprint = hash('sha256', certificate.raw)
  const spki = certificate.publicKey.export({ format: 'der', type: 'spki' })
  const key = hash('sha256', spki).slice(0, 32)
  const notAfter = certificate.validToDate.toISOString()
  if (isJson) {
    const file = paths.rootFile
    terminal.out(JSON.stringify({ trustDomain, fingerprint, key, protection, notAfter, file }))
    return
  }
  terminal.out(`trust domain  ${trustDomain}`)
  terminal.out(`fingerprint   sha256:${fingerprint}`)
  terminal.out(`key           ${key}`)
  terminal.out(`protection    ${protectionText(protection)}`)
  terminal.out(`valid until   ${notAfter}`)
}

const PLACES: Readonly<Record<RootDescription['protection']['class'], string>> = {
  derived: 'derived from the keyholder’s master key',
  software: 'in memory',
  passphrase: 'passphrase: in a file, which only its passphrase opens',
  pkcs11: 'pkcs11: in a token, which does not give it away',
  tpm2: 'tpm2: in a file, which only this TPM opens',
}

function protectionText({ class: kind, emulated }: RootDescription['protection']): string {
  return `${PLACES[kind]}${emulated ? '; EMULATED: the device is a program' : ''}`
}

function adviceFor({ protection }: RootDescription, { rootFile }: Paths): string {
  const copy =
    protection.class === 'pkcs11'
      ? 'the key is in the token alone'
      : `keep a copy of ${rootFile} elsewhere`
  return `${copy}; give the fingerprint to whoever is to verify the log`
}

function certificateOf({ certificate }: Pick<RootDescription, 'certificate'>): X509Certificate {
  return new X509Certificate(Buffer.from(certificate, 'base64'))
}
