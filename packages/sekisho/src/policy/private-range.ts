import { IPV4_BLOCKS, IPV6_BLOCKS } from '../core/address.ts'
import { type Cidr, GRANTABLE, parseCidr } from '../core/cidr.ts'
import { printable, type Read } from './problem.ts'

/**
 * A range that the addresses of one name may lie in. All of it must be private: one that also
 * holds the host itself, a cloud's metadata service or public addresses is refused.
 */
export function readPrivateRange(text: string): Read<string> {
  const cidr = parseCidr(text)
  if (cidr === undefined) {
    return {
      problem: `\`${printable(text)}\` is not a range`,
      hint: 'write 10.1.0.0/16, with nothing but zeros after the first 16 bits',
    }
  }
  const blocks = cidr.family === 4 ? IPV4_BLOCKS : IPV6_BLOCKS
  const forbidden = blocks.find((block) => !GRANTABLE.includes(block.is) && overlap(block, cidr))
  if (forbidden !== undefined) {
    return {
      problem: `\`${text}\` holds ${forbidden.is} addresses`,
      hint: 'write the range of the one network that the name is in',
    }
  }
  const isPrivate = blocks.some(
    (block) => GRANTABLE.includes(block.is) && block.start <= cidr.start && cidr.end <= block.end,
  )
  if (isPrivate) return { value: text }
  return {
    problem: `\`${text}\` is not private`,
    hint: 'a name with public addresses needs no range',
  }
}

function overlap(a: { start: bigint; end: bigint }, b: Cidr): boolean {
  return a.start <= b.end && b.start <= a.end
}
