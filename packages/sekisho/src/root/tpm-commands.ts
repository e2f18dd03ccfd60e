import { setTimeout as pause } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { sized, TpmReader, u16, u32 } from './tpm-bytes.ts'
import type { TpmChannel } from './tpm-channel.ts'

/** The few commands that a signing key takes (TCG TPM 2.0 Library, Part 3), with password sessions. */

const ST_NO_SESSIONS = 0x8001
const ST_SESSIONS = 0x8002
const ST_HASHCHECK = 0x8024
const RH_OWNER = 0x4000_0001
const RH_NULL = 0x4000_0007
const RS_PW = 0x4000_0009
const SU_CLEAR = 0
const CAP_TPM_PROPERTIES = 6
const ALG = { aes: 0x06, sha256: 0x0b, null: 0x10, ecdsa: 0x18, ecc: 0x23, cfb: 0x43 } as const
const CURVE_P256 = 3

const CC = {
  createPrimary: 0x131,
  startup: 0x144,
  create: 0x153,
  load: 0x157,
  sign: 0x15d,
  flushContext: 0x165,
  readPublic: 0x173,
  getCapability: 0x17a,
} as const

/** TPMA_OBJECT (Part 2 §8.3). */
export const ATTRIBUTES = {
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  noDictionaryProtection: 1 << 10,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const

const {
  fixedTpm,
  fixedParent,
  sensitiveDataOrigin,
  userWithAuth,
  noDictionaryProtection,
  restricted,
  decrypt,
  sign,
} = ATTRIBUTES
/** Made in this TPM, for this TPM alone. */
const OWN = fixedTpm | fixedParent | sensitiveDataOrigin | userWithAuth
const NONE = u16(ALG.null)
const EMPTY = sized()

/** The parent: the same each time, from the owner's seed, so that nothing has to be stored. */
const STORAGE_TEMPLATE = Buffer.concat([
  u16(ALG.ecc),
  u16(ALG.sha256),
  u32(OWN | noDictionaryProtection | restricted | decrypt),
  EMPTY,
  u16(ALG.aes),
  u16(128),
  u16(ALG.cfb),
  NONE,
  u16(CURVE_P256),
  NONE,
  EMPTY,
  EMPTY,
])
/** With dictionary protection: the TPM itself counts wrong auth values. */
const SIGNING_TEMPLATE = Buffer.concat([
  u16(ALG.ecc),
  u16(ALG.sha256),
  u32(OWN | sign),
  EMPTY,
  NONE,
  u16(ALG.ecdsa),
  u16(ALG.sha256),
  u16(CURVE_P256),
  NONE,
  EMPTY,
  EMPTY,
])

/** A key that lies in the TPM now. */
export type LoadedKey = { handle: number }

/** What of a public area counts here. */
export type TpmPublic = { attributes: number; x: Buffer; y: Buffer }

/** After a reset a bare TPM wants it; the kernel has done it for a device. */
export async function startUp(tpm: TpmChannel): Promise<void> {
  const { code } = await attempt(tpm, frame(ST_NO_SESSIONS, CC.startup, u16(SU_CLEAR)))
  if (code !== RC.initialize) refuse('TPM2_Startup', code)
}

/** TPM_PT_MANUFACTURER: four characters (Part 2 §6.13). */
export async function manufacturer(tpm: TpmChannel): Promise<string> {
  const asked = [u32(CAP_TPM_PROPERTIES), u32(0x105), u32(1)]
  const answer = await call(
    tpm,
    'TPM2_GetCapability',
    frame(ST_NO_SESSIONS, CC.getCapability, ...asked),
  )
  answer.take(1 + 4) // moreData, capability
  if (answer.u32() !== 1) throw broken('TPM2_GetCapability')
  answer.take(4)
  return answer.take(4).toString('latin1')
}

/** @throws SekishoError ROOT_KEY_UNUSABLE where the owner hierarchy has a password */
export async function createParent(tpm: TpmChannel): Promise<LoadedKey> {
  const command = authorized(CC.createPrimary, RH_OWNER, {
    auth: Buffer.alloc(0),
    parameters: [sized(EMPTY, EMPTY), sized(STORAGE_TEMPLATE), EMPTY, u32(0)],
  })
  return { handle: (await call(tpm, 'TPM2_CreatePrimary', command)).u32() }
}

/** @param auth at most 32 bytes @returns both halves, of which the private is encrypted by the parent */
export async function createSigningKey(
  tpm: TpmChannel,
  parent: LoadedKey,
  auth: Buffer,
): Promise<{ private: Buffer; public: Buffer }> {
  const command = authorized(CC.create, parent.handle, {
    auth: Buffer.alloc(0),
    parameters: [sized(sized(auth), EMPTY), sized(SIGNING_TEMPLATE), EMPTY, u32(0)],
  })
  const answer = parametersOf(await call(tpm, 'TPM2_Create', command))
  return { private: answer.sized(), public: answer.sized() }
}

/** @throws SekishoError ROOT_KEY_UNUSABLE for what another TPM made, or was changed since */
export async function load(
  tpm: TpmChannel,
  parent: LoadedKey,
  key: { private: Buffer; public: Buffer },
): Promise<LoadedKey> {
  const command = authorized(CC.load, parent.handle, {
    auth: Buffer.alloc(0),
    parameters: [sized(key.private), sized(key.public)],
  })
  return { handle: (await call(tpm, 'TPM2_Load', command)).u32() }
}

export async function readPublic(tpm: TpmChannel, { handle }: LoadedKey): Promise<TpmPublic> {
  const command = frame(ST_NO_SESSIONS, CC.readPublic, u32(handle))
  const area = new TpmReader((await call(tpm, 'TPM2_ReadPublic', command)).sized())
  const [type, nameAlgorithm, attributes] = [area.u16(), area.u16(), area.u32()]
  area.sized() // authPolicy
  const parameters = [area.u16(), area.u16(), area.u16(), area.u16(), area.u16()]
  const wanted = [ALG.null, ALG.ecdsa, ALG.sha256, CURVE_P256, ALG.null]
  if (type !== ALG.ecc || nameAlgorithm !== ALG.sha256) throw broken('TPM2_ReadPublic')
  if (!parameters.every((value, at) => value === wanted[at])) throw broken('TPM2_ReadPublic')
  return { attributes, x: coordinate(area.sized()), y: coordinate(area.sized()) }
}

/** @param digest SHA-256 @returns r‖s, 64 bytes */
export async function signDigest(
  tpm: TpmChannel,
  { handle }: LoadedKey,
  { auth, digest }: { auth: Buffer; digest: Buffer },
): Promise<Buffer> {
  const noTicket = Buffer.concat([u16(ST_HASHCHECK), u32(RH_NULL), EMPTY])
  const command = authorized(CC.sign, handle, { auth, parameters: [sized(digest), NONE, noTicket] })
  const answer = parametersOf(await call(tpm, 'TPM2_Sign', command))
  if (answer.u16() !== ALG.ecdsa || answer.u16() !== ALG.sha256) throw broken('TPM2_Sign')
  return Buffer.concat([coordinate(answer.sized()), coordinate(answer.sized())])
}

/** A TPM holds three keys at a time. */
export async function flush(tpm: TpmChannel, { handle }: LoadedKey): Promise<void> {
  await call(tpm, 'TPM2_FlushContext', frame(ST_NO_SESSIONS, CC.flushContext, u32(handle)))
}

/** Left-padded: some TPMs leave leading zeros out. */
function coordinate(bytes: Buffer): Buffer {
  if (bytes.length > 32) throw broken('a number of more than 256 bits')
  return Buffer.concat([Buffer.alloc(32 - bytes.length), bytes])
}

function frame(tag: number, command: number, ...rest: readonly Buffer[]): Buffer {
  const body = Buffer.concat([u32(command), ...rest])
  return Buffer.concat([u16(tag), u32(2 + 4 + body.length), body])
}

type Authorized = { auth: Buffer; parameters: readonly Buffer[] }

/** One handle and its password (Part 1 §19.4). */
function authorized(command: number, handle: number, { auth, parameters }: Authorized): Buffer {
  const session = Buffer.concat([u32(RS_PW), EMPTY, Buffer.from([0]), sized(auth)])
  return frame(ST_SESSIONS, command, u32(handle), u32(session.length), session, ...parameters)
}

/** With sessions, the parameters' size stands before them (Part 1 §18.5). */
function parametersOf(answer: TpmReader): TpmReader {
  return new TpmReader(answer.take(answer.u32()))
}

/** @returns what follows the response's header */
async function call(tpm: TpmChannel, name: string, command: Buffer): Promise<TpmReader> {
  for (let tries = 1; ; tries += 1) {
    const { code, answer } = await attempt(tpm, command)
    if (!NOT_YET.has(code) || tries === MAX_TRIES) {
      refuse(name, code)
      return answer
    }
    await pause(RETRY_MS)
  }
}

async function attempt(
  tpm: TpmChannel,
  command: Buffer,
): Promise<{ code: number; answer: TpmReader }> {
  const answer = new TpmReader(await tpm.exchange(command))
  answer.take(2 + 4) // tag, size
  return { code: answer.u32(), answer }
}

/** TPM_RC (Part 2 §6.6); those of format one carry which handle, session or parameter it was. */
const RC = {
  initialize: 0x100,
  integrity: 0x9f,
  authFail: 0x8e,
  badAuth: 0xa2,
  lockout: 0x921,
  objectMemory: 0x902,
} as const

/** TPM_RC_YIELDED, TESTING, RETRY: the same command is to be sent again (Part 2 §6.6.3). */
const NOT_YET = new Set([0x908, 0x90a, 0x922])
const MAX_TRIES = 50
const RETRY_MS = 20

const KNOWN: Readonly<Record<number, { says: string; hint: string }>> = {
  [RC.integrity]: {
    says: 'the key is of another TPM, or its file was changed',
    hint: 'put the root’s file back from its copy; after a clear of the TPM, or in another machine, it does not open any more',
  },
  [RC.authFail]: {
    says: 'another auth value than the key was made with',
    hint: 'give the right one; the TPM counts wrong ones, and locks itself for a while',
  },
  [RC.badAuth]: {
    says: 'another auth value than is wanted, or the owner hierarchy has one',
    hint: 'clear the owner’s auth value with `tpm2_changeauth -c owner`',
  },
  [RC.lockout]: {
    says: 'the TPM has counted too many wrong auth values and is locked',
    hint: 'wait until it has forgotten one, or `tpm2_dictionarylockout --clear-lockout`',
  },
  [RC.objectMemory]: {
    says: 'no room for another key in the TPM',
    hint: 'use the kernel’s resource manager, /dev/tpmrm0; restart an emulator',
  },
}

function refuse(name: string, code: number): void {
  if (code === 0) return
  const isFormatOne = (code & 0x80) !== 0
  const known = KNOWN[isFormatOne ? code & 0xbf : code]
  throw new SekishoError(
    'ROOT_KEY_UNUSABLE',
    `${name}: ${known?.says ?? 'the TPM refuses it'} (0x${code.toString(16).padStart(3, '0')})`,
    { hint: known?.hint ?? 'look the code up with `tpm2_rc_decode`' },
  )
}

function broken(where: string): SekishoError {
  return new SekishoError('ROOT_KEY_UNUSABLE', `${where}: the TPM answers what was not asked`)
}
