import { parse, type ParsedScript } from 'unbash'
import { Unreadable } from '../unreadable.ts'

/** UTF-16 units of a line, which the parser takes in linear time at this size. */
const MAX_LINE = 65_536

/** @throws Unreadable for a line that is too long, or nested too deep */
export function parseLine(line: string): ParsedScript {
  if (line.length > MAX_LINE)
    throw new Unreadable(`a shell line of more than ${MAX_LINE} characters`)
  try {
    return parse(line)
  } catch (thrown) {
    // the parser has a bound of its own for most nesting, and the stack for the rest
    if (thrown instanceof RangeError) throw new Unreadable('a shell line that is nested too deep')
    throw thrown
  }
}

/** @throws Unreadable for what is no bash */
export function refuseErrors(script: ParsedScript): void {
  const [first] = script.errors ?? []
  if (first === undefined) return
  throw new Unreadable(`no shell line that can be read: ${first.message}`)
}
