/** HCL2, as much of it as a list of resources needs: blocks, strings, numbers, booleans, lists. */

/** An expression that stands as it is, such as `var.project`. */
export class Reference {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Value = string | number | boolean | Reference | readonly (string | number)[]

/** Attributes first, then blocks inside; a block with several bodies is repeated. */
export type Body = {
  attributes: Readonly<Record<string, Value>>
  blocks?: readonly Block[]
}
export type Block = Body & { type: string; labels?: readonly string[] }

/** As `terraform fmt` has it: two spaces, equal signs of neighbours in line. */
export function writeBlock(block: Block, depth = 0): string {
  const indent = '  '.repeat(depth)
  const head = [block.type, ...(block.labels ?? []).map(quote)].join(' ')
  const attributes = writeAttributes(block.attributes, depth + 1)
  const blocks = (block.blocks ?? []).map((inner) => writeBlock(inner, depth + 1))
  const parts = [attributes, ...blocks].filter((part) => part !== '')
  return `${indent}${head} {\n${parts.join('\n')}${indent}}\n`
}

function writeAttributes(attributes: Body['attributes'], depth: number): string {
  const indent = '  '.repeat(depth)
  const width = Math.max(0, ...Object.keys(attributes).map((name) => name.length))
  return Object.entries(attributes)
    .map(([name, value]) => `${indent}${name.padEnd(width)} = ${writeValue(value, depth)}\n`)
    .join('')
}

function writeValue(value: Value, depth: number): string {
  if (value instanceof Reference) return value.text
  if (typeof value === 'string') return quote(value)
  if (typeof value !== 'object') return String(value)
  const items = value.map((item) => writeValue(item, depth))
  const line = `[${items.join(', ')}]`
  if (line.length <= 80) return line
  const indent = '  '.repeat(depth)
  return `[\n${items.map((item) => `${indent}  ${item},\n`).join('')}${indent}]`
}

/**
 * `${` and `%{` begin templates in a quoted string. Doubling them is not enough (`$$${` is a template
 * again); an escaped brace is no brace to the reader of templates.
 */
function quote(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, String.raw`\$&`)
    .replace(/(?<=[$%])\{/g, String.raw`\u007b`)
    .replace(/[^\x20-\x7e]/gu, (character) => {
      const hex = (character.codePointAt(0) ?? 0).toString(16)
      return hex.length > 4 ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
    })
  return `"${escaped}"`
}
