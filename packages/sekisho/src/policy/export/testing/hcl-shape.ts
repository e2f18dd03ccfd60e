/** A block of HCL as it stands in a file: enough to see what Terraform would be told. */
export type ShapedBlock = {
  head: string
  attributes: Record<string, string>
  blocks: ShapedBlock[]
}

const HEAD = /^\s*([a-z_0-9]+(?: "[a-z_0-9]+")*) \{$/
const ATTRIBUTE = /^\s*([a-z_0-9]+) += (\S.*)$/
const REFERENCE = /^[a-z_]+(?:\.[a-z_0-9]+)*(?:\([a-z]+\))?$/
const STRING = /^"(?:[^"\\$%]|\\.|\$(?!\{)|%(?!\{))*"$/

/**
 * Reads the lines of a file: comments, `type "label" {`, `name = value`, `}`, and lists over
 * several lines. Stricter than Terraform: what is not exactly that throws.
 */
export function shapeOf(text: string): ShapedBlock[] {
  const top: ShapedBlock = { head: '', attributes: {}, blocks: [] }
  const open = [top]
  for (const line of joinLists(text.split('\n'))) {
    const inner = open.at(-1)
    if (inner === undefined) throw new Error(`nothing is open: ${line}`)
    if (line.trim() === '}') open.pop()
    else if (HEAD.test(line)) open.push(openBlock(inner, line))
    else addAttribute(inner, line)
  }
  if (open.length !== 1) throw new Error('a block is left open')
  return top.blocks
}

/** A list over several lines, as one. */
function joinLists(lines: readonly string[]): string[] {
  const joined: string[] = []
  let list: string | undefined
  for (const line of lines) {
    if (line.trim() === '' || line.startsWith('#')) continue
    if (list === undefined && !line.endsWith('= [')) joined.push(line)
    else list = `${list ?? ''}${list === undefined ? line : line.trim()}`
    if (line.trim() !== ']' || list === undefined) continue
    joined.push(list)
    list = undefined
  }
  return joined
}

function openBlock(inner: ShapedBlock, line: string): ShapedBlock {
  const block = { head: HEAD.exec(line)?.[1] ?? '', attributes: {}, blocks: [] }
  inner.blocks.push(block)
  return block
}

function addAttribute({ attributes }: ShapedBlock, line: string): void {
  const [, name, value] = ATTRIBUTE.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`no HCL: ${line}`)
  if (Object.hasOwn(attributes, name)) throw new Error(`${name} twice`)
  attributes[name] = checkValue(value)
}

export function itemsOf(list: string | undefined): string[] {
  return [...(list ?? '').matchAll(/"([^"]*)"/g)].map(([, item = '']) => item)
}

function checkValue(value: string): string {
  const scalars = value.startsWith('[')
    ? value
        .slice(1, -1)
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : [value]
  for (const scalar of scalars) {
    if (STRING.test(scalar) || REFERENCE.test(scalar) || /^\d+$/.test(scalar)) continue
    throw new Error(`no value: ${scalar}`)
  }
  return value
}
