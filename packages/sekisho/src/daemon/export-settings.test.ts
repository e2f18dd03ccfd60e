import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ExportSettings, resolveSinks } from './export-settings.ts'

/** Made up, and put together here so that no scanner takes it for one. */
const TOKEN = ['made', 'up', 'token'].join('-')

test('what is left out has its default', () => {
  expect(ExportSettings.parse({})).toEqual({
    sinks: [],
    lag: { leaves: 100_000, bytes: 64 * 1024 * 1024, age: 60_000 },
  })
  const { sinks } = ExportSettings.parse({ sinks: [{ name: 'a', kind: 'jsonl' }] })
  expect(sinks).toEqual([
    { name: 'a', kind: 'jsonl', heartbeat: 60_000, rotateAt: 64 * 1024 * 1024, keep: 16 },
  ])
})

test('references are read, each kind becomes what the exporter takes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-exports-'))
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), `${text}\n`)
    return `file:${join(dir, name)}`
  }
  const settings = ExportSettings.parse({
    sinks: [
      { name: 'a', kind: 'ocsf-file', rotateAt: '1MiB', keep: 2 },
      { name: 'b', kind: 'ocsf', url: 'https://c.example/x', headers: { 'x-key': 'env:TOKEN' } },
      {
        name: 'c',
        kind: 'syslog',
        host: 'l.example',
        ca: file('ca', 'CA'),
        key: file('key', 'KEY'),
      },
      { name: 'd', kind: 'otlp', url: 'https://o.example', signals: ['traces'], heartbeat: '5s' },
    ],
  })
  const none = { ca: null, certificate: null, key: null }
  expect(resolveSinks(settings, { TOKEN })).toEqual([
    { name: 'a', kind: 'ocsf', heartbeatMs: 60_000, to: { rotateBytes: 1024 * 1024, keep: 2 } },
    {
      name: 'b',
      kind: 'ocsf',
      heartbeatMs: 60_000,
      to: { url: 'https://c.example/x', headers: { 'x-key': TOKEN }, tls: none },
    },
    {
      name: 'c',
      kind: 'syslog',
      heartbeatMs: 60_000,
      host: 'l.example',
      port: 6514,
      facility: 13,
      tls: { ...none, ca: 'CA', key: 'KEY' },
    },
    {
      name: 'd',
      kind: 'otlp',
      heartbeatMs: 5000,
      endpoint: { url: 'https://o.example', headers: {}, tls: none },
      signals: ['traces'],
    },
  ])
  rmSync(dir, { recursive: true })
})

test('a reference that leads nowhere is named by its sink, and by nothing secret', () => {
  const settings = ExportSettings.parse({
    sinks: [{ name: 'b', kind: 'ocsf', url: 'https://c.example', headers: { auth: 'env:NONE' } }],
  })
  expect(() => resolveSinks(settings, {})).toThrow(
    expect.objectContaining({
      code: 'SECRET_MISSING',
      message: 'secret b auth: variable NONE of the daemon is not set or empty',
    }),
  )
})

const ocsf = { name: 'b', kind: 'ocsf', url: 'https://c.example' }
test.for<[string, object[], string]>([
  [
    'a token in the clear',
    [{ ...ocsf, headers: { authorization: TOKEN } }],
    'a reference, not a value',
  ],
  ['a receiver in the clear', [{ ...ocsf, url: 'http://c.example' }], 'Invalid URL'],
  ['a password in a URL', [{ ...ocsf, url: 'https://u:p@c.example' }], 'without user or password'],
  ['two sinks of a name', [ocsf, ocsf], 'another name for each sink'],
  ['a name with a way out', [{ ...ocsf, name: '../x' }], 'lower-case letters'],
  ['an unknown kind', [{ name: 'b', kind: 'kafka' }], 'Invalid discriminator value'],
  ['a misspelt key', [{ ...ocsf, header: {} }], 'header'],
  ['a size without a unit', [{ name: 'a', kind: 'jsonl', rotateAt: '64' }], 'want a size'],
  ['a heartbeat of nothing', [{ ...ocsf, heartbeat: '0s' }], 'want a duration'],
])('%s is refused', ([, sinks, why]) => {
  const parsed = ExportSettings.safeParse({ sinks })
  expect(parsed.success).toBe(false)
  expect(parsed.error?.message).toContain(why)
  expect(parsed.error?.message).not.toContain(TOKEN)
})
