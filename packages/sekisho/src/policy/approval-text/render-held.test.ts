import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HeldAction } from '../../wire/approval.ts'
import { escapeCharacter, showLine } from './escape.ts'
import { readHost } from './look-alikes.ts'
import { type RenderOptions, renderHeld } from './render-held.ts'
import { subjectOf } from './subject.ts'

const NOW = Date.parse('2026-03-01T12:00:00.000Z')
const DIGEST = `sha256:${'d'.repeat(64)}`

function held(fields: Partial<HeldAction> = {}): HeldAction {
  return {
    id: 'h-00000000000000000000',
    session: 's-00000000000000000000',
    agent: 'coder',
    user: 'uma',
    action: web(),
    fields: ['host', 'api.example', 'content-type', 'application/json'],
    body: body('{"to":"bob@example.test","text":"hi"}'),
    operation: null,
    credentials: ['MAIL'],
    label: { integrity: 'untrusted', confidentiality: 'internal' },
    sources: [
      {
        what: 'GET https://mail.example/inbox/3',
        label: { integrity: 'untrusted', confidentiality: 'internal' },
      },
    ],
    unconfirmed: [],
    findings: [],
    needs: ['approver'],
    rules: ['default.rule-of-two'],
    reason: 'untrusted content, internal data and an effect outside',
    generation: 3,
    policy: `sha256:${'a'.repeat(64)}`,
    openedAt: '2026-03-01T12:00:00.000Z',
    expiresAt: '2026-03-01T12:10:00.000Z',
    ...fields,
  }
}

type Web = Extract<HeldAction['action'], { kind: 'http.request' }>

function web(fields: Partial<Web> = {}): Web {
  return {
    kind: 'http.request',
    scheme: 'https',
    method: 'POST',
    host: 'api.example',
    port: 443,
    path: '/mail',
    query: null,
    ...fields,
  }
}

function body(content: string | Uint8Array): HeldAction['body'] {
  const bytes = Buffer.from(content)
  return {
    bytes: bytes.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    content: bytes.toString('base64'),
  }
}

const render = (fields: Partial<HeldAction> = {}, options: Partial<RenderOptions> = {}): string[] =>
  renderHeld(held(fields), { digest: DIGEST, needs: ['approver'], nowMs: NOW, ...options })

const unshow = (text: string): string =>
  text.replace(/\\(?:\\|u([0-9a-f]{4})|u\{([0-9a-f]+)\})/gu, (_, four?: string, more?: string) => {
    const hex = four ?? more
    return hex === undefined ? '\\' : String.fromCodePoint(Number.parseInt(hex, 16))
  })

test('all that somebody is asked about, in order', () => {
  const { digest } = body('{"to":"bob@example.test","text":"hi"}') ?? {}
  expect(render()).toEqual([
    'POST https://api.example/mail',
    '',
    'waits      h-00000000000000000000 since 2026-03-01T12:00:00.000Z until 2026-03-01T12:10:00.000Z (600 s left)',
    'for        approver: an operator',
    'agent      coder, session s-00000000000000000000',
    'user       uma',
    'host       api.example',
    'why        untrusted content, internal data and an effect outside',
    'rules      default.rule-of-two',
    `policy     generation 3, sha256:${'a'.repeat(64)}`,
    'secrets    MAIL in place of their placeholders',
    'label      untrusted, internal; the session has seen:',
    '             GET https://mail.example/inbox/3  untrusted, internal',
    '',
    'headers (2):',
    '| host: api.example',
    '| content-type: application/json',
    '',
    `body (37 bytes, ${digest}), all of it, as text:`,
    '| {"to":"bob@example.test","text":"hi"}',
    '(no line feed at the end)',
    '',
    'the same, read as JSON (signed are the bytes above):',
    '| {',
    '|   "to": "bob@example.test",',
    '|   "text": "hi"',
    '| }',
    '',
    'approving lets exactly this leave, once, from s-00000000000000000000, before 2026-03-01T12:10:00.000Z,',
    'under this policy; any other byte, any other session, and a second time need to be asked again',
    `digest ${DIGEST}`,
  ])
})

test.for<readonly [string, HeldAction['action']]>([
  [
    'GET https://api.example/live, which becomes a WebSocket',
    web({ method: 'GET', path: '/live', upgrade: 'websocket' }),
  ],
  [
    'connect by tcp to db.example:5432',
    {
      kind: 'net.connect',
      transport: 'tcp',
      address: '198.18.0.1',
      port: 5432,
      host: 'db.example',
    },
  ],
])('%s: a yes to it is one to all that is said on it', ([subject, action]) => {
  const lines = render({ action, fields: [], body: null })
  expect(lines[0]).toBe(subject)
  expect(lines.slice(-4)).toEqual([
    'approving opens exactly this, once, from s-00000000000000000000, before 2026-03-01T12:10:00.000Z,',
    'under this policy; any other session, and a second time need to be asked again',
    'what is said on it afterwards, either way, nobody is asked about',
    `digest ${DIGEST}`,
  ])
})

test('a declared operation shows its arguments and where the critical ones come from', () => {
  const lines = render({
    operation: { id: 'mail.send', arguments: { to: 'eve@evil.test' } },
    unconfirmed: [
      {
        kind: 'recipient',
        argument: 'to',
        value: 'eve@evil.test',
        origin: 'GET https://mail.example/inbox/3',
      },
    ],
  })
  expect(lines[0]).toBe('mail.send: POST https://api.example/mail')
  expect(lines[2]).toBe(
    'LOOK OUT   the recipient eve@evil.test (to) was not chosen by the user; origin: GET https://mail.example/inbox/3',
  )
  expect(lines).toContain('| {')
  expect(lines).toContain(
    '  to = eve@evil.test  (recipient; origin: GET https://mail.example/inbox/3)',
  )
})

describe('what an eye or a terminal would be led astray by', () => {
  test.for<readonly [string, string, string]>([
    ['an escape sequence', 'ok\u001b[2J\u001b[1;1Happroved', 'escape characters'],
    ['a turn of direction', 'pay \u202e001$', 'turn the direction'],
    ['a character without width', 'ad\u200bmin', 'take no room'],
    ['a tag character', 'x\u{e0041}', 'take no room'],
    ['a backspace', 'echo hello && rm -rf / # \b\b\b', 'other control characters'],
    ['an eight-bit control sequence', 'evil \u009b2K good things', 'other control characters'],
    [
      'a word of two scripts',
      'p\u0430ypal',
      'look-alike letters in p\u0430ypal (Latin and Cyrillic)',
    ],
  ])('%s is named, and cannot act', ([, text, named]) => {
    const lines = render({ body: body(text) })
    expect(lines.find((line) => line.startsWith('LOOK OUT'))).toContain(named)
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  })

  test('a host in other letters shows both its names', () => {
    const action = web({ host: 'xn--pple-43d.example' })
    const lines = render({ action })
    expect(lines[2]).toBe(
      'LOOK OUT   the host reads \u0430pple.example: letters of Latin, Cyrillic that can look like others',
    )
    expect(lines).toContain('host       xn--pple-43d.example, which reads \u0430pple.example')
    expect(readHost('xn--mnchen-3ya.example')).toEqual({
      unicode: 'm\u00fcnchen.example',
      warning: undefined,
    })
  })

  test('a text cannot look like an escape of ours, nor a header like another line', () => {
    expect(showLine('a\\u202eb')).toBe('a\\\\u202eb')
    const lines = render({ fields: ['x-a', 'b\r\nhost: other.example'] })
    expect(lines).toContain('| x-a: b\\u000d\\u000ahost: other.example')
  })

  test('marks that are stacked on a letter are spread out', () => {
    expect(showLine(`a${'\u0301'.repeat(5)}`)).toBe('a\u0301\u0301\\u0301\\u0301\\u0301')
  })
})

test('what stands at the end of ten thousand lines is there', () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `- line ${i}`)
  const text = `${lines.join('\n')}\nrm -rf /\n`
  const rendered = render({ body: body(text) })
  expect(rendered).toContain('| rm -rf /')
  expect(rendered.filter((line) => line.startsWith('| '))).toHaveLength(2 + 10_001)
})

test('bytes that are no text are shown as bytes, all of them', () => {
  const lines = render({
    body: body(Uint8Array.from([0, 1, 2, 0xff, 0x41, ...Array(14).fill(0x42)])),
  })
  const at = lines.findIndex((line) => line.startsWith('body (19 bytes'))
  expect(lines.slice(at + 1, at + 3)).toEqual([
    '| 00000000  00 01 02 ff 41 42 42 42 42 42 42 42 42 42 42 42  ....ABBBBBBBBBBB',
    '| 00000010  42 42 42                                         BBB',
  ])
})

test('a coding is undone beside the bytes, or it is said that it was not', () => {
  const decoded = { coding: 'gzip', bytes: Buffer.from('hello') }
  const lines = render({}, { decoded })
  expect(lines).toContain('the same without its coding gzip (5 bytes; signed are the bytes above):')
  expect(lines).toContain('| hello')
  expect(render({}, { decoded: { coding: 'zstd', problem: 'not known here' } })).toContain(
    'LOOK OUT   the coding zstd was not undone: not known here',
  )
})

test('a long line of what will be done says how much it leaves out in a list, and nothing elsewhere', () => {
  const action = web({ path: `/${'a'.repeat(5000)}` })
  expect(subjectOf({ action, operation: null })).toMatch(
    /^POST .{400,500}… \(\d+ more characters\)$/,
  )
  expect(render({ action })[0]).toContain('a'.repeat(5000))
})

const anyText = fc.string({ unit: 'binary', maxLength: 200 })

test('any text is shown without a character that is not seen, and can be read back', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const shown = showLine(text)
      expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
      expect(unshow(shown)).toBe(text)
    }),
    { numRuns: 2000 },
  )
})

test('any body can be read back from what is shown of it, byte by byte', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    anyText.map((text) => new TextEncoder().encode(text)),
  )
  fc.assert(
    fc.property(bytes, (content) => {
      const lines = renderHeld(held({ body: body(content), fields: [] }), {
        digest: DIGEST,
        needs: ['approver'],
        nowMs: NOW,
      })
      const from = lines.findIndex((line) => line.startsWith('body ('))
      const shown = lines
        .slice(from + 1)
        .filter((line, i, all) => !all.slice(0, i).includes('') && line !== '')
      expect(readBack(shown, lines[from] ?? '')).toEqual(Buffer.from(content))
    }),
    { numRuns: 1000 },
  )
})

function readBack(shown: readonly string[], head: string): Buffer {
  if (head.endsWith('as bytes:')) {
    return Buffer.from(shown.map((line) => line.slice(12, 59).replaceAll(' ', '')).join(''), 'hex')
  }
  const isOpen = shown.at(-1) === '(no line feed at the end)'
  const lines = isOpen ? shown.slice(0, -1) : shown
  const text = lines.map((line) => unshow(line.slice(2))).join('\n')
  return Buffer.from(lines.length === 0 || isOpen ? text : `${text}\n`)
}

test('an escape is by code point', () => {
  expect(['\u0007', '\u{e0041}'].map(escapeCharacter)).toEqual(['\\u0007', '\\u{e0041}'])
})
