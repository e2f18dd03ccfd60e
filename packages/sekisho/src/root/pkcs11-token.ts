import { SekishoError } from '../core/error.ts'
import { type ATTRIBUTE, FLAGS, MECHANISM, RESULT, USER } from './pkcs11-codes.ts'
import { mechanism, Pkcs11Module, readWord, word } from './pkcs11-module.ts'

const MAX_SLOTS = 64
const MAX_ATTRIBUTE_BYTES = 4096
const NOT_THERE = 0xffff_ffff_ffff_ffffn
const SIGNATURE_BYTES = 64

export type TokenWanted = { module: string; token: string; serial?: string | undefined }
export type Attributes = readonly (readonly [type: number, value: Uint8Array])[]

type Slot = {
  id: bigint
  label: string
  serial: string
  manufacturer: string
  model: string
  isHardware: boolean
}

/** One token, in a session of its user's. */
export class Token {
  readonly #module: Pkcs11Module
  readonly #session: bigint
  readonly slot: Slot

  private constructor(module: Pkcs11Module, slot: Slot, session: bigint) {
    this.#module = module
    this.slot = slot
    this.#session = session
  }

  /**
   * @param pin given to the module once, and overwritten here
   * @throws SekishoError ROOT_KEY_UNUSABLE for no such token, several, or another PIN
   */
  static async open(wanted: TokenWanted, pin: string): Promise<Token> {
    const module = await Pkcs11Module.open(wanted.module)
    try {
      const slot = choose(await readSlots(module), wanted)
      const session = word(0)
      const flags = FLAGS.serial | FLAGS.readWrite
      await module.call('C_OpenSession', slot.id, flags, null, null, session)
      const token = new Token(module, slot, readWord(session))
      const bytes = Buffer.from(pin)
      try {
        await module.call('C_Login', token.#session, USER, bytes, bytes.length)
      } finally {
        bytes.fill(0)
      }
      return token
    } catch (error) {
      await module.attempt('C_Finalize', null)
      throw error
    }
  }

  /** Ends the session and the module's work: whoever is logged in is not any more. */
  async close(): Promise<void> {
    await this.#module.attempt('C_CloseSession', this.#session)
    await this.#module.attempt('C_Finalize', null)
  }

  /** At most two: one is wanted, and two are one too many. */
  async find(attributes: Attributes): Promise<bigint[]> {
    const handles = Buffer.alloc(16)
    const count = word(0)
    const template = this.#module.template(attributes)
    await this.#call('C_FindObjectsInit', template, attributes.length)
    try {
      await this.#call('C_FindObjects', handles, 2, count)
    } finally {
      await this.#module.attempt('C_FindObjectsFinal', this.#session)
    }
    return [readWord(handles), readWord(handles, 8)].slice(0, Number(readWord(count)))
  }

  /** @returns undefined where the token does not give it away, or has no such thing */
  async read(object: bigint, type: number): Promise<Buffer | undefined> {
    const asked = this.#module.template([[type, null]])
    const length = await this.#readInto(object, asked)
    if (length === undefined) return undefined
    const value = Buffer.alloc(length)
    const answered = await this.#readInto(object, this.#module.template([[type, value]]))
    return answered === undefined ? undefined : value.subarray(0, answered)
  }

  async #readInto(object: bigint, template: Buffer): Promise<number | undefined> {
    const name = 'C_GetAttributeValue'
    const code = await this.#module.attempt(name, this.#session, object, template, 1)
    if (code === RESULT.attributeSensitive || code === RESULT.attributeTypeInvalid) return undefined
    const length = readWord(template, 16)
    if (code === RESULT.ok && length !== NOT_THERE && length <= MAX_ATTRIBUTE_BYTES) {
      return Number(length)
    }
    throw new SekishoError(
      'ROOT_KEY_UNUSABLE',
      `${name}: no answer to use (0x${code.toString(16)})`,
    )
  }

  /** @returns the private key */
  async generate(publicKey: Attributes, privateKey: Attributes): Promise<bigint> {
    const handles = [word(0), word(0)] as const
    await this.#call(
      'C_GenerateKeyPair',
      mechanism(MECHANISM.ecKeyPairGen),
      this.#module.template(publicKey),
      publicKey.length,
      this.#module.template(privateKey),
      privateKey.length,
      ...handles,
    )
    return readWord(handles[1])
  }

  /** @returns r‖s (PKCS #11 §2.3.1) */
  async sign(key: bigint, digest: Buffer): Promise<Buffer> {
    const signature = Buffer.alloc(SIGNATURE_BYTES)
    const length = word(SIGNATURE_BYTES)
    await this.#call('C_SignInit', mechanism(MECHANISM.ecdsa), key)
    await this.#call('C_Sign', digest, digest.length, signature, length)
    return signature.subarray(0, Number(readWord(length)))
  }

  #call(
    name: Parameters<Pkcs11Module['call']>[0],
    ...args: (number | bigint | Uint8Array)[]
  ): Promise<void> {
    return this.#module.call(name, this.#session, ...args)
  }
}

function choose(slots: readonly Slot[], { token, serial }: TokenWanted): Slot {
  const fit = slots.filter(
    (slot) => slot.label === token && (serial === undefined || slot.serial === serial),
  )
  const [slot, second] = fit
  if (slot !== undefined && second === undefined) return slot
  const there = slots.map(({ label, serial: number }) => `${label} (${number})`).join(', ')
  const what = slot === undefined ? 'no token' : 'more than one token'
  throw new SekishoError('ROOT_KEY_UNUSABLE', `${what} is named ${token}; there are: ${there}`, {
    hint: 'give token and serial in identity.root; the root’s process has to see the token',
  })
}

async function readSlots(module: Pkcs11Module): Promise<Slot[]> {
  const ids = Buffer.alloc(MAX_SLOTS * 8)
  const count = word(MAX_SLOTS)
  await module.call('C_GetSlotList', 1, ids, count)
  const slots: Slot[] = []
  for (let at = 0; at < Number(readWord(count)); at += 1) {
    slots.push(await readSlot(module, readWord(ids, at * 8)))
  }
  return slots
}

async function readSlot(module: Pkcs11Module, id: bigint): Promise<Slot> {
  const slot = Buffer.alloc(112)
  await module.call('C_GetSlotInfo', id, slot)
  const token = Buffer.alloc(208)
  await module.call('C_GetTokenInfo', id, token)
  const how = Buffer.alloc(24)
  const canSign = await module.attempt('C_GetMechanismInfo', id, MECHANISM.ecdsa, how)
  const does = canSign === RESULT.ok ? readWord(how, 16) : 0n
  return {
    id,
    label: padded(token.subarray(0, 32)),
    manufacturer: padded(token.subarray(32, 64)),
    model: padded(token.subarray(64, 80)),
    serial: padded(token.subarray(80, 96)),
    isHardware:
      (readWord(slot, 96) & BigInt(FLAGS.hardwareSlot)) !== 0n ||
      (does & BigInt(FLAGS.hardware)) !== 0n,
  }
}

/** Texts are filled up with blanks. */
function padded(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/[ \0]+$/, '')
}

export const YES = Buffer.from([1])
export const NO = Buffer.from([0])

/** CK_BBOOL */
export async function isSet(
  token: Token,
  object: bigint,
  type: (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE],
): Promise<boolean> {
  return (await token.read(object, type))?.[0] === 1
}
