/** Of a `CREATE TABLE`; of what begins and does not end, a text of it is looked through for each. */
const MAX_SQL_CHARACTERS = 16_384
/** A quoted text, a comment, or one character. */
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?\*\/|[\w$\u0080-\uffff]+|[^]/g
/** Blanks and comments. */
const NOTHING = /^(?:\s|--|\/\*)/
/** Where these begin a definition, it is of the table and not of a column. */
const OF_TABLE = /^(?:constraint|primary|unique|check|foreign)$/i

/** Names of a table's columns in their order, as the statement that made it has them. */
export function columnNames(sql: string): string[] {
  const names: string[] = []
  let depth = 0
  let isFirst = false
  for (const token of tokensOf(sql)) {
    if (isFirst && !OF_TABLE.test(token)) names.push(unquoted(token))
    if (token === '(') depth += 1
    if (token === ')') depth -= 1
    isFirst = depth === 1 && (token === '(' || token === ',')
  }
  return names
}

function tokensOf(sql: string): string[] {
  const tokens = sql.slice(0, MAX_SQL_CHARACTERS).match(TOKEN) ?? []
  return tokens.filter((token) => !NOTHING.test(token))
}

function unquoted(token: string): string {
  const [quote = ''] = token
  if (quote === '[') return token.slice(1, -1)
  return `"'\``.includes(quote) ? token.slice(1, -1).replaceAll(quote + quote, quote) : token
}
