import type * as Koffi from 'koffi'
import { SekishoError } from '../core/error.ts'
import { FLAGS, refuse } from './pkcs11-codes.ts'

/**
 * A PKCS #11 library, called through its function list. Every call runs on a thread of Node's pool:
 * a library that hangs must not keep this process from seeing that its supervisor is gone.
 */

type Argument = number | bigint | Uint8Array | null
type Native = (...args: readonly Argument[]) => number

/** Place in CK_FUNCTION_LIST (PKCS #11 2.40, pkcs11f.h), and parameters: n a number, p a pointer. */
const FUNCTIONS = {
  C_Initialize: [0, 'p'],
  C_Finalize: [1, 'p'],
  C_GetInfo: [2, 'p'],
  C_GetSlotList: [4, 'bpp'],
  C_GetSlotInfo: [5, 'np'],
  C_GetTokenInfo: [6, 'np'],
  C_GetMechanismInfo: [8, 'nnp'],
  C_OpenSession: [12, 'nnppp'],
  C_CloseSession: [13, 'n'],
  C_Login: [18, 'nnpn'],
  C_DestroyObject: [22, 'nn'],
  C_GetAttributeValue: [24, 'nnpn'],
  C_FindObjectsInit: [26, 'npn'],
  C_FindObjects: [27, 'npnp'],
  C_FindObjectsFinal: [28, 'n'],
  C_SignInit: [42, 'npn'],
  C_Sign: [43, 'npnpp'],
  C_GenerateKeyPair: [59, 'nppnpnpp'],
} as const satisfies Record<string, readonly [at: number, parameters: string]>

export type FunctionName = keyof typeof FUNCTIONS

const WORD_BYTES = 8
/** CK_ATTRIBUTE: type, address, length */
const ATTRIBUTE_BYTES = 24
/** CK_C_INITIALIZE_ARGS: four functions, flags, reserved */
const INITIALIZE_BYTES = 48
const INITIALIZE_FLAGS_AT = 32

const TYPES = { n: 'ulong', p: 'void *', b: 'uint8_t' } as const

/** The library goes when nothing refers to it, and with it whatever its functions lead to. */
type Loaded = { library: Koffi.LibraryHandle; list: unknown }

export class Pkcs11Module {
  readonly #koffi: typeof Koffi
  readonly #loaded: Loaded
  readonly #bound = new Map<FunctionName, Koffi.KoffiFunc<Native>>()
  /** memory that a thread is working on, which must not be collected meanwhile */
  readonly #inUse = new Set<readonly Argument[]>()
  readonly #values = new WeakMap<Buffer, readonly unknown[]>()

  private constructor(koffi: typeof Koffi, loaded: Loaded) {
    this.#koffi = koffi
    this.#loaded = loaded
  }

  /** @throws SekishoError ROOT_KEY_UNUSABLE for a file that is no such library, or does not start */
  static async open(path: string): Promise<Pkcs11Module> {
    const koffi = await import('koffi')
    const module = new Pkcs11Module(koffi, load(koffi, path))
    const options = Buffer.alloc(INITIALIZE_BYTES)
    writeWord(options, FLAGS.osLocking, INITIALIZE_FLAGS_AT) // calls come from threads of a pool
    await module.call('C_Initialize', options)
    return module
  }

  /** @throws SekishoError ROOT_KEY_UNUSABLE for anything but CKR_OK */
  async call(name: FunctionName, ...args: readonly Argument[]): Promise<void> {
    refuse(name, await this.attempt(name, ...args))
  }

  /** @returns CK_RV */
  attempt(name: FunctionName, ...args: readonly Argument[]): Promise<number> {
    const bound = this.#bind(name)
    this.#inUse.add(args)
    return new Promise((resolve, reject) => {
      const answered = (error: unknown, code: unknown): void => {
        this.#inUse.delete(args)
        if (error === null || error === undefined) resolve(Number(code))
        else reject(new SekishoError('ROOT_KEY_UNUSABLE', `${name} did not run`, { cause: error }))
      }
      Reflect.apply(bound.async, bound, [...args, answered])
    })
  }

  /** CK_ATTRIBUTE[], which keeps its values alive. */
  template(attributes: readonly (readonly [type: number, value: Uint8Array | null])[]): Buffer {
    const bytes = Buffer.alloc(attributes.length * ATTRIBUTE_BYTES)
    for (const [index, [type, value]] of attributes.entries()) {
      const at = index * ATTRIBUTE_BYTES
      writeWord(bytes, type, at)
      writeWord(bytes, value === null ? 0 : this.#koffi.address(value), at + WORD_BYTES)
      writeWord(bytes, value?.length ?? 0, at + 2 * WORD_BYTES)
    }
    this.#values.set(bytes, attributes)
    return bytes
  }

  #bind(name: FunctionName): Koffi.KoffiFunc<Native> {
    const known = this.#bound.get(name)
    if (known !== undefined) return known
    const [at, parameters] = FUNCTIONS[name]
    const types = Array.from(parameters, (kind) => TYPES[kind === 'n' || kind === 'b' ? kind : 'p'])
    const proto = this.#koffi.proto('ulong', types)
    // CK_VERSION, filled up to a word, then the functions
    const pointer: unknown = this.#koffi.decode(this.#loaded.list, (at + 1) * WORD_BYTES, 'void *')
    if (pointer === null) throw notOne(`it has no ${name}`)
    const bound: Koffi.KoffiFunc<Native> = this.#koffi.decode(pointer, proto)
    this.#bound.set(name, bound)
    return bound
  }
}

function load(koffi: typeof Koffi, path: string): Loaded {
  const list: unknown[] = [null]
  try {
    const library = koffi.load(path)
    const code: unknown = library.func('ulong C_GetFunctionList(_Out_ void **list)')(list)
    if (code === 0 && list[0] !== null) return { library, list: list[0] }
  } catch (cause) {
    throw notOne(`${path} cannot be loaded`, cause)
  }
  throw notOne(`${path} has no functions`)
}

function notOne(what: string, cause?: unknown): SekishoError {
  return new SekishoError('ROOT_KEY_UNUSABLE', `no PKCS #11 module: ${what}`, {
    hint: 'name the module’s library, readable for all, as identity.root.module in platform.yaml',
    cause,
  })
}

/** CK_ULONG on 64-bit Linux. */
export function word(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(WORD_BYTES)
  writeWord(bytes, value, 0)
  return bytes
}

function writeWord(bytes: Buffer, value: number | bigint, at: number): void {
  bytes.writeBigUInt64LE(BigInt(value), at)
}

/** Handles are numbers without a meaning: they are given back as they came. */
export function readWord(bytes: Buffer, at = 0): bigint {
  return bytes.readBigUInt64LE(at)
}

/** CK_MECHANISM without a parameter. */
export function mechanism(type: number): Buffer {
  return Buffer.concat([word(type), Buffer.alloc(2 * WORD_BYTES)])
}
