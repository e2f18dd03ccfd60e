import { FRAMING, METHODS, OTHERS } from './http-tables.ts'
import type { Random } from './random.ts'
import { EVIL, GOOD, hostText, pathText, portText, queryText, withStray } from './spellings.ts'

const STRANGE = [
  ':status: 200',
  ':protocol: websocket',
  ': x',
  ':Path: /y',
  `host: ${GOOD}`,
  `host: ${EVIL}`,
  'cookie: a=b',
  'te: trailers',
  'te: gzip',
  'Upper: case',
  'x y: z',
  'x: a\r\nhost: y',
  'x: a\0b',
  'x:  padded ',
  'content-length: 0',
  'content-length: 5',
] as const

/** Fields of one request, `name: value` a line; CR and LF inside them as `\r` and `\n`. */
export function fieldsText(random: Random): string {
  const lines = [
    `:method: ${random.once(5) ? random.pick(METHODS) : random.pick(['GET', 'POST'])}`,
    `:scheme: ${random.once(10) ? random.pick(['http', 'HTTPS', 'ftp', '']) : 'https'}`,
    `:authority: ${random.once(4) ? hostText(random) + portText(random) : GOOD}`,
    `:path: ${random.once(2) ? pathText(random) + queryText(random) : '/x'}`,
  ]
  if (random.once(10)) lines.splice(random.below(4), 1)
  if (random.once(15)) lines.push(lines[random.below(lines.length)] ?? '')
  const more = Array.from({ length: random.below(4) }, () => otherLine(random))
  const all = [...lines, ...more]
  if (random.once(15)) all.reverse()
  return all.map((line) => escaped(random.once(20) ? withStray(random, line) : line)).join('\n')
}

/** The list that nghttp2 gives: name, value, name, value … */
export function rawFields(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const cut = line.indexOf(': ', 1)
    const whole = line.replaceAll('\\r', '\r').replaceAll('\\n', '\n')
    return cut === -1 ? [whole, ''] : [whole.slice(0, cut), whole.slice(cut + 2)]
  })
}

function otherLine(random: Random): string {
  if (random.once(2)) return random.pick(STRANGE)
  const line: string = random.once(4) ? random.pick(FRAMING) : random.pick(OTHERS)
  const cut = line.indexOf(':')
  return cut === -1 || random.once(10) ? line : line.slice(0, cut).toLowerCase() + line.slice(cut)
}

function escaped(line: string): string {
  return line.replaceAll('\r', '\\r').replaceAll('\n', '\\n')
}
