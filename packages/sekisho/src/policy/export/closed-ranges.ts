import {
  type AddressClass,
  formatIpv4,
  formatIpv6,
  GLOBAL_UNICAST,
  IPV4_BLOCKS,
  IPV6_BLOCKS,
  parseIpv4,
  parseIpv6,
} from '../../core/address.ts'

type Block = { start: bigint; end: bigint; is: AddressClass }

/** CIDR text of every address of a family that a session may reach. */
export const PUBLIC = { ipv4: '0.0.0.0/0', ipv6: '2000::/3' } as const

const MAPPED = '::ffff:0:0/96'

/**
 * CIDR texts, ascending, none inside another: what the gate denies by `invariant.private-address`,
 * from the same tables. ISATAP addresses are no block and are left to the gate.
 */
export const CLOSED = {
  ipv4: outermost(IPV4_BLOCKS).map((block) => cidrOf(block, 32)),
  /** below 2000::/3 only: nothing else of IPv6 is ever open */
  ipv6: outermost(IPV6_BLOCKS.filter((block) => contains(GLOBAL_UNICAST, block))).map((block) =>
    cidrOf(block, 128),
  ),
  /**
   * all of it, for fences that close by naming, but for the mapped block: some readers take it for
   * all of IPv4, and no packet has such an address
   */
  allIpv6: outermost(IPV6_BLOCKS)
    .map((block) => cidrOf(block, 128))
    .filter((cidr) => cidr !== MAPPED),
} as const

function outermost(blocks: readonly Block[]): readonly Block[] {
  return blocks
    .filter((block) => !blocks.some((other) => other !== block && contains(other, block)))
    .toSorted((a, b) => (a.start < b.start ? -1 : 1))
}

function contains(outer: Pick<Block, 'start' | 'end'>, inner: Block): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

function cidrOf({ start, end }: Block, bits: 32 | 128): string {
  const hostBits = (end - start + 1n).toString(2).length - 1
  const base = bits === 32 ? formatIpv4(Number(start)) : formatIpv6(start)
  return `${base}/${bits - hostBits}`
}

/** `10.0.0.5/32` or `fd00::5/128` */
export function hostCidr(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}

/** Whether one block, both of them CIDR text, lies in the other. */
export function isWithin(inner: string, outer: string): boolean {
  const [small, large] = [readCidr(inner), readCidr(outer)]
  if (small === undefined || large === undefined || small.bits !== large.bits) return false
  const hostBits = BigInt(large.bits - large.prefix)
  return small.prefix >= large.prefix && small.value >> hostBits === large.value >> hostBits
}

function readCidr(cidr: string): { value: bigint; bits: 32 | 128; prefix: number } | undefined {
  const [text = '', prefix = ''] = cidr.split('/')
  const ipv6 = text.includes(':') ? parseIpv6(text) : undefined
  if (ipv6 !== undefined) return { value: ipv6, bits: 128, prefix: Number(prefix) }
  const ipv4 = parseIpv4(text)
  if (ipv4 === undefined) return undefined
  return { value: BigInt(ipv4), bits: 32, prefix: Number(prefix) }
}
