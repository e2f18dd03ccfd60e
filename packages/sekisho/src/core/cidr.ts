import { type AddressClass, parseIpv4, parseIpv6 } from './address.ts'

/** What a name may be given a range of: networks that an organisation numbers by itself. */
export const GRANTABLE: readonly AddressClass[] = ['private', 'unique-local', 'cgnat']

/** A block of addresses of one family, both ends included. */
export type Cidr = { family: 4 | 6; start: bigint; end: bigint }

/** `10.1.0.0/16` or `fd12:3456::/32`; undefined for other text and for an address within a block. */
export function parseCidr(text: string): Cidr | undefined {
  const [, base = '', prefix = ''] = /^([^/]{2,45})\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const address = parseAddress(base)
  if (address === undefined) return undefined
  const bits = address.family === 4 ? 32 : 128
  if (Number(prefix) > bits) return undefined
  const size = 1n << BigInt(bits - Number(prefix))
  if (address.value % size !== 0n) return undefined
  return { family: address.family, start: address.value, end: address.value + size - 1n }
}

/** Whether an address, in its own family's text, lies in the block. */
export function isInCidr({ family, start, end }: Cidr, text: string): boolean {
  const address = parseAddress(text)
  if (address === undefined || address.family !== family) return false
  return start <= address.value && address.value <= end
}

function parseAddress(text: string): { family: 4 | 6; value: bigint } | undefined {
  if (text.includes(':')) {
    const value = parseIpv6(text)
    return value === undefined ? undefined : { family: 6, value }
  }
  const value = parseIpv4(text)
  return value === undefined ? undefined : { family: 4, value: BigInt(value) }
}
