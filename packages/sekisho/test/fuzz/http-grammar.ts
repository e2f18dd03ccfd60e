import type { Random } from './random.ts'
import { EVIL, GOOD, pathText, queryText } from './spellings.ts'
import { METHODS, VERSIONS, ENDS, FRAMING, OTHERS } from './http-tables.ts'

const CRLF = '\r\n'

const HOSTS = [
  GOOD,
  GOOD,
  GOOD,
  GOOD,
  GOOD,
  `${GOOD}:443`,
  `${GOOD}.`,
  GOOD.toUpperCase(),
  EVIL,
  `${GOOD}:80`,
  `${GOOD}:0443`,
  `${GOOD}:`,
  `${GOOD}:443:443`,
  `x@${GOOD}`,
  `${GOOD}@${EVIL}`,
  `${GOOD}, ${EVIL}`,
  `${GOOD} ${EVIL}`,
  `${GOOD}\0`,
  `${GOOD}/x`,
  `${GOOD}#`,
  `${GOOD}\\`,
  '',
  '127.0.0.1',
  '[::1]',
  `${GOOD}\t`,
  `\t${GOOD}`,
  `${GOOD}\xa0`,
  `http://${GOOD}`,
  'good%2eexample',
  `"${GOOD}"`,
] as const

/** What one connection might carry: one to three requests, each bent at times. */
export function connectionBytes(random: Random): string {
  const bytes = random.some(() => requestBytes(random), 1, 3)
  return latin1(random.once(4) ? bend(random, bytes) : bytes)
}

function requestBytes(random: Random): string {
  const lead = random.once(20)
    ? random.pick([CRLF, `${CRLF}${CRLF}`, '\n', ' ', '\0', '\ufeff', '\x16\x03\x01'])
    : ''
  const line = requestLine(random)
  const framing = random.once(2)
    ? ''
    : random.some(() => fieldLine(random, random.pick(FRAMING)), 1, random.once(4) ? 2 : 1)
  const host = random.once(30)
    ? ''
    : fieldLine(random, `Host: ${random.once(3) ? random.pick(HOSTS) : GOOD}`)
  const others = random.some(
    () => fieldLine(random, random.pick(OTHERS)),
    0,
    random.once(2) ? 0 : 3,
  )
  return (
    lead +
    line +
    (random.once(2) ? host + framing + others : framing + others + host) +
    lineEnd(random) +
    bodyBytes(random, framing)
  )
}

function requestLine(random: Random): string {
  const method = random.once(3) ? random.pick(METHODS) : random.pick(['GET', 'POST'])
  const target = random.once(3) ? targetText(random) : '/x'
  const version = random.once(5) ? random.pick(VERSIONS) : 'HTTP/1.1'
  const space = (): string =>
    random.once(30) ? random.pick(['  ', '\t', '', '\u00a0', '\u000c', '%20']) : ' '
  return `${method}${space()}${target}${space()}${version}${lineEnd(random)}`
}

function targetText(random: Random): string {
  return random.pick([
    (): string => pathText(random) + queryText(random),
    (): string => `https://${random.pick(HOSTS)}${pathText(random)}`,
    (): string => `http://${GOOD}/x`,
    (): string => `${GOOD}:443`,
    (): string =>
      random.pick([
        '*',
        '',
        'x',
        '?x',
        '//x',
        `//${EVIL}/x`,
        `https:///${GOOD}`,
        `HTTPS://${GOOD}/x`,
        `https://${GOOD}?x`,
        `https://${GOOD}#x`,
        `/x HTTP/1.1${CRLF}X: y`,
        '/x y',
        '/\xe9',
        '/%00',
        `https://${GOOD}\\@${EVIL}/`,
      ]),
  ])()
}

function fieldLine(random: Random, line: string): string {
  return line + lineEnd(random)
}

function lineEnd(random: Random): string {
  return random.once(100) ? random.pick(ENDS) : CRLF
}

function bodyBytes(random: Random, framing: string): string {
  if (framing === '') return random.once(30) ? 'hello' : ''
  if (random.once(12))
    return random.pick([
      '',
      'hell',
      'hello!',
      `GET /smuggled HTTP/1.1${CRLF}Host: ${GOOD}${CRLF}${CRLF}`,
    ])
  if (!/chunked/i.test(framing)) return /: ?0\b/.test(framing) ? '' : 'hello'
  return random.some(() => chunk(random), 0, 3) + lastChunk(random)
}

function chunk(random: Random): string {
  const extension = random.once(6)
    ? random.pick([
        ';a',
        ';a=b',
        ';a="b"',
        ';a="b\r\n"',
        ';',
        ';a=',
        ' ;a',
        '\t',
        ' ',
        ';\n',
        ';a=b\n',
        `;${'x'.repeat(200)}`,
        ';a="\x00"',
        ';a="\\"',
        ';a=b;c',
        ';\xe9',
      ])
    : ''
  const size = random.once(12)
    ? random.pick([
        '0x5',
        '+5',
        '-5',
        '05',
        '000000005',
        '5 ',
        ' 5',
        '5h',
        '',
        'ffffffffffffffff',
        '10000000000000005',
        '５',
        '5_0',
        '5,',
        '4',
        '6',
        '00',
      ])
    : '5'
  return `${size}${extension}${lineEnd(random)}hello${lineEnd(random)}`
}

function lastChunk(random: Random): string {
  const trailers = random.once(8)
    ? random.pick([
        `X-T: y${CRLF}`,
        `Content-Length: 5${CRLF}`,
        `Host: ${EVIL}${CRLF}`,
        `X-T : y${CRLF}`,
        'X-T: y\n',
        `X-T: a${CRLF} b${CRLF}`,
        `X${CRLF}`,
      ])
    : ''
  return `${random.once(20) ? random.pick(['00', '0;a', '0 ', '0\n', '-0', '']) : '0'}${lineEnd(random)}${trailers}${lineEnd(random)}`
}

/** One byte changed, dropped or doubled. */
function bend(random: Random, bytes: string): string {
  const at = random.below(bytes.length + 1)
  const put = random.pick([
    () => '',
    () => String.fromCharCode(random.below(256)),
    () => random.pick(['\r', '\n', '\0', ' ', '\t', ':', ';', '%', '\x0b', '\xff']),
    () => bytes.slice(at, at + 8),
  ])()
  return bytes.slice(0, at) + put + bytes.slice(at + random.below(3))
}

/** One byte a character: what lies beyond comes as its UTF-8. */
function latin1(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}
