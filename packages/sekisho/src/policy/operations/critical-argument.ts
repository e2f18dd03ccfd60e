import type { Json } from '../../core/facts.ts'
import { printable, type Read } from '../problem.ts'
import { type ArgumentType, membersOf } from './argument-type.ts'

/** A step of a path: the member of that name, or each entry of a list. */
type Step = { member: string } | 'each'

/** `to`, `message.recipients[].address` */
export type ArgumentPath = readonly Step[]

/** Reads a path, and follows it through the type: it must lead to texts or numbers. */
export function readArgumentPath(text: string, type: ArgumentType): Read<ArgumentPath> {
  const shown = `\`${printable(text)}\``
  const steps = text.split('.').flatMap(readSteps)
  let here: ArgumentType | undefined = type
  for (const step of steps) here = here && typeAfter(step, here)
  if (here === undefined) return { problem: `${shown} leads to no argument of the schema` }
  if (here.kind === 'array') {
    return { problem: `${shown} leads to a list`, hint: 'write [] behind it for each entry' }
  }
  return here.kind === 'object' || here.kind === 'boolean'
    ? { problem: `${shown} leads to no text and no number` }
    : { value: steps }
}

/** `to[]` is the member `to` and each of its entries. */
export function readSteps(part: string): Step[] {
  const [, member = part, lists = ''] = /^([^[\]]+)((?:\[\])*)$/.exec(part) ?? []
  return [{ member }, ...Array.from({ length: lists.length / 2 }, (): Step => 'each')]
}

function typeAfter(step: Step, type: ArgumentType): ArgumentType | undefined {
  if (step === 'each') return type.kind === 'array' ? type.items : undefined
  return type.kind === 'object' ? type.members.get(step.member)?.type : undefined
}

/** What stands at a path, and where exactly; nothing for an argument that is left out. */
export function valuesAt(
  path: ArgumentPath,
  value: Json | undefined,
  at = '',
): { argument: string; value: string | number }[] {
  const [step, ...rest] = path
  if (step === undefined) {
    return typeof value === 'string' || typeof value === 'number' ? [{ argument: at, value }] : []
  }
  if (step === 'each') {
    const items = Array.isArray(value) ? value : []
    return items.flatMap((item, index) => valuesAt(rest, item, `${at}[${index}]`))
  }
  const members = membersOf(value)
  if (members === undefined || !Object.hasOwn(members, step.member)) return []
  return valuesAt(rest, members[step.member], at === '' ? step.member : `${at}.${step.member}`)
}

/** A number as people write it: never with an exponent. */
export function writeNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(4).replace(/0+$/, '')
}
