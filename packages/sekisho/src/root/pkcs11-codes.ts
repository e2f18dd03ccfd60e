import { SekishoError } from '../core/error.ts'

/** Numbers of PKCS #11 2.40, as far as a signing key takes them. */

export const FLAGS = {
  /** CKF_HW: a mechanism that the device itself does */
  hardware: 1,
  readWrite: 2,
  /** CKF_HW_SLOT */
  hardwareSlot: 4,
  serial: 4,
  osLocking: 2,
} as const

export const USER = 1

export const MECHANISM = { ecKeyPairGen: 0x1040, ecdsa: 0x1041 } as const

export const ATTRIBUTE = {
  class: 0x00,
  token: 0x01,
  private: 0x02,
  label: 0x03,
  value: 0x11,
  keyType: 0x100,
  id: 0x102,
  sensitive: 0x103,
  sign: 0x108,
  verify: 0x10a,
  extractable: 0x162,
  local: 0x163,
  neverExtractable: 0x164,
  alwaysSensitive: 0x165,
  ecParams: 0x180,
  ecPoint: 0x181,
} as const

export const OBJECT_CLASS = { publicKey: 2, privateKey: 3 } as const
export const KEY_TYPE_EC = 3

export const RESULT = {
  ok: 0x00,
  attributeSensitive: 0x11,
  attributeTypeInvalid: 0x12,
} as const

const KNOWN: Readonly<Record<number, { says: string; hint: string }>> = {
  0x30: { says: 'the device reports an error', hint: 'see its own log' },
  0x70: { says: 'the token has no ECDSA of P-256', hint: 'use a token that has' },
  0xa0: {
    says: 'another PIN than the token’s',
    hint: 'give the right one; the token counts wrong ones, and locks itself',
  },
  0xa2: { says: 'a PIN of a length that the token does not have', hint: 'give the right one' },
  0xa4: { says: 'the PIN is locked', hint: 'unlock it with the security officer’s PIN' },
  0xe0: { says: 'the token is not there any more', hint: 'put it in' },
  0xe1: { says: 'the token is not recognized', hint: 'see the module’s documentation' },
  0xe2: { says: 'the token is write-protected', hint: 'make the key while it is not' },
}

/** @throws SekishoError ROOT_KEY_UNUSABLE for anything but CKR_OK */
export function refuse(name: string, code: number): void {
  if (code === RESULT.ok) return
  const known = KNOWN[code]
  throw new SekishoError(
    'ROOT_KEY_UNUSABLE',
    `${name}: ${known?.says ?? 'the module refuses it'} (0x${code.toString(16)})`,
    {
      hint:
        known?.hint ??
        'see the module’s log; it needs its files and environment for the uid of the root process',
    },
  )
}
