import { parseIpv4 } from '../core/address.ts'

const FIRST = 0xc612_0001 // 198.18.0.1
const END = 0xc613_ff00 // 198.19.255.0: the top /24 is the link's own

/** The gate's end of a session's link; its DNS. */
export const RESOLVER_ADDRESS = '198.19.255.1'

/** A session that dials more names than this is not working, it is searching. */
const MAX_NAMES = 16_384

/**
 * A made-up address for each name of one session, from 198.18.0.0/15 (RFC 2544), so that a TCP
 * connection tells its name. An address never gets a second name while the session lives: a
 * connection by an old answer must not reach a new host.
 */
export class SyntheticNames {
  readonly #byName = new Map<string, number>()
  readonly #byAddress = new Map<number, string>()
  readonly #maxNames: number
  #next = FIRST

  constructor(maxNames = MAX_NAMES) {
    this.#maxNames = maxNames
  }

  /** The name's address, made on first asking; undefined when the pool is used up. */
  addressOf(name: string): number | undefined {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    if (this.#byName.size >= this.#maxNames || this.#next >= END) return undefined
    const address = this.#next
    this.#next = following(address)
    this.#byName.set(name, address)
    this.#byAddress.set(address, name)
    return address
  }

  /** @param address dotted quad */
  nameOf(address: string): string | undefined {
    const value = parseIpv4(address)
    return value === undefined ? undefined : this.#byAddress.get(value)
  }
}

/** Skips .0 and .255: some stacks take them for a network's own. */
function following(address: number): number {
  return (address & 255) === 254 ? address + 3 : address + 1
}
