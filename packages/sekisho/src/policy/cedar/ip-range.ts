/** Cedar's ipaddr: one address, or the range of those that share its first bits. */
export class IpRange {
  readonly version: 4 | 6
  /** as written: `10.0.0.9/8` and `10.0.0.0/8` are one range and two values */
  readonly address: bigint
  readonly prefix: number

  constructor(version: 4 | 6, address: bigint, prefix: number) {
    this.version = version
    this.address = address
    this.prefix = prefix
  }

  /** true of a range only where it is of every address in it, here and below */
  isLoopback(): boolean {
    if (this.version === 4) return this.address >> 24n === 127n && this.prefix >= 8
    return this.address === 1n && this.prefix === 128
  }

  isMulticast(): boolean {
    if (this.version === 4) return this.address >> 28n === 0xen && this.prefix >= 4
    return this.address >> 120n === 0xffn && this.prefix >= 8
  }

  isWithin(other: IpRange): boolean {
    if (this.version !== other.version || this.prefix < other.prefix) return false
    const free = BigInt(BITS[other.version] - other.prefix)
    return this.address >> free === other.address >> free
  }
}

const BITS = { 4: 32, 6: 128 } as const
const GROUPS = 8
/** eight groups, seven colons, a prefix */
const MAX_TEXT_LENGTH = 43

/**
 * Reads as Cedar does: the address forms of Rust's `std::net::IpAddr` without IPv4 inside of IPv6
 * and without zones, and a prefix without leading zeros. Null for anything else.
 */
export function readIpRange(text: string): IpRange | null {
  if (text.length > MAX_TEXT_LENGTH) return null
  const slash = text.indexOf('/')
  const written = slash < 0 ? text : text.slice(0, slash)
  const version = written.includes(':') ? 6 : 4
  const address = version === 6 ? readIpv6(written) : readIpv4(written)
  const prefix = slash < 0 ? BITS[version] : readPrefix(text.slice(slash + 1), BITS[version])
  return address === null || prefix === null ? null : new IpRange(version, address, prefix)
}

function readPrefix(text: string, max: number): number | null {
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(text)) return null
  const prefix = Number(text)
  return prefix <= max ? prefix : null
}

function readIpv4(text: string): bigint | null {
  const octets = text.split('.')
  if (octets.length !== 4) return null
  let address = 0n
  for (const octet of octets) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > 255) return null
    address = (address << 8n) | BigInt(octet)
  }
  return address
}

function readIpv6(text: string): bigint | null {
  const gap = text.indexOf('::')
  if (gap < 0) return joinGroups(text.split(':'), GROUPS)
  const head = splitGroups(text.slice(0, gap))
  const tail = splitGroups(text.slice(gap + 2))
  const missing = GROUPS - head.length - tail.length
  if (missing < 1) return null
  return joinGroups([...head, ...Array<string>(missing).fill('0'), ...tail], GROUPS)
}

function splitGroups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

function joinGroups(groups: readonly string[], count: number): bigint | null {
  if (groups.length !== count) return null
  let address = 0n
  for (const group of groups) {
    if (!/^[0-9A-Fa-f]{1,4}$/.test(group)) return null
    address = (address << 16n) | BigInt(`0x${group}`)
  }
  return address
}
