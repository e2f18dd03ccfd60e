import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DETECTORS } from '../all.ts'
import type { Detector } from '../detector.ts'
import { compileDetectors } from '../engine.ts'
import { HANDMADE } from './testing/handmade-rows.ts'
import { shapeOf } from './shape.ts'
import type { Format } from './token.ts'

const GUIDE = '../../../../../../docs/guides/detectors.md'
const SECRETS = DETECTORS.filter(({ class: kind }) => kind === 'secret-format')
const FORMATS = SECRETS.filter(isFormat)

/** The checksums of formats that have one, made with another implementation than the detectors’. */
const FINISHED: Readonly<Record<string, (value: string) => string>> = {
  ...Object.fromEntries(
    [
      'github-pat',
      'github-oauth',
      'github-app-user',
      'github-refresh',
      'npm-access',
      'vercel-personal',
      'vercel-integration',
      'vercel-app-access',
      'vercel-app-refresh',
      'vercel-ai-gateway',
    ].map((name) => [
      `secret.${name}`,
      (value: string) => value.slice(0, 4) + withCrc(value.slice(4, -6)),
    ]),
  ),
  'secret.age-identity': withBech32,
  'secret.nostr-private-key': withBech32,
  'secret.gitlab-pat-routable': withGitlabCrc,
  'secret.gitlab-runner-routable': withGitlabCrc,
  'secret.zuplo-api': (value) =>
    value.slice(0, -8) + crc32(value.slice(5, -9)).toString(16).padStart(8, '0'),
}

test('there are at least two hundred formats of secrets, and each names its source', () => {
  expect(SECRETS.length).toBeGreaterThanOrEqual(200)
  expect(SECRETS.filter(({ source }) => !/^https:\/\/[\w.-]+\/\S*$/.test(source))).toEqual([])
  expect(SECRETS.filter(({ id }) => !/^secret\.[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id))).toEqual([])
})

test('every format has its rows', () => {
  const ids = SECRETS.filter((detector) => !isFormat(detector)).map(({ id }) => id)
  expect(new Set(HANDMADE.map(({ id }) => id))).toEqual(new Set(ids))
})

test.for(FORMATS)('$id is found where it stands', (format) => {
  const { text, value } = madeUp(format)
  const start = text.lastIndexOf(value)
  expect(findings(format, `${text}\n`)).toEqual([{ start, end: start + value.length }])
  expect(findings(format, text)).toEqual([{ start, end: start + value.length }])
})

test.for(FORMATS)('$id is not found when it is cut, drawn or left to be filled in', (format) => {
  const { text, value } = madeUp(format)
  const { minLength } = shapeOf(format.pattern)
  const missing = text.replace(value, value.slice(0, minLength - 1))
  const drawn = text.replace(value, flattened(value, format))
  const placeholder = text.replace(value, `${beginningOf(value, format)}\${TOKEN}`)
  for (const near of [missing, drawn, placeholder]) expect(findings(format, near)).toEqual([])
})

test.for(FORMATS.filter(({ assigned }) => !assigned))(
  '$id is not found in the middle of a word',
  (format) => {
    const { text, value } = madeUp(format)
    const { minLength, maxLength } = shapeOf(format.pattern)
    if (/^\w/.test(value)) {
      expect(findings(format, text.replace(value, `word${value}`))).toEqual([])
    }
    if (minLength === maxLength && /\w$/.test(value)) {
      expect(findings(format, text.replace(value, `${value}Z`))).toEqual([])
    }
  },
)

test.for(FORMATS.filter(({ id }) => FINISHED[id] !== undefined))(
  '$id is not found with another checksum',
  (format) => {
    const { text, value } = madeUp(format)
    const other = value.endsWith('2') ? '3' : '2'
    expect(findings(format, text.replace(value, value.slice(0, -1) + other))).toEqual([])
  },
)

test.for(HANDMADE)('$id: $what', ({ id, text, found }) => {
  const detector = SECRETS.find((one) => one.id === id)
  const places = detector === undefined ? undefined : findings(detector, text)
  expect(places?.map(({ start, end }) => text.slice(start, end))).toEqual(found)
})

test('no pattern of a format repeats what repeats without a bound', () => {
  const sources = globSync('*.ts', { cwd: import.meta.dirname })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
  const nested = sources.flatMap((text) => text.match(/[*+]\)[*+{]/g) ?? [])
  expect(sources.length).toBeGreaterThan(15)
  expect(nested).toEqual([])
})

test('the guide lists every format, and no other', () => {
  const guide = readFileSync(join(import.meta.dirname, GUIDE), 'utf8')
  const [, list = ''] = guide.split('## The formats')
  const listed = [...list.matchAll(/`(?<name>[a-z0-9-]+)`/g)].map(({ groups }) => groups?.['name'])
  expect(new Set(listed.map((name) => `secret.${name}`))).toEqual(
    new Set(SECRETS.map(({ id }) => id)),
  )
})

test.for(['\\n', '%3D', '%0a', '\\u003d', '"', '=', ':', '/', '_'])(
  'a token may stand right after %s',
  (before) => {
    const token = `npm_${withCrc('k3Jd92mZpQ7xLb41vNcT8yRwE5aHgS')}`
    expect(all.scanText(`x${before}${token}`).map(({ detector }) => detector)).toEqual([
      'secret.npm-access',
    ])
  },
)

const all = compileDetectors(SECRETS)

function findings(detector: Detector, text: string): { start: number; end: number }[] {
  return compileDetectors([detector])
    .scanText(text)
    .map(({ start, end }) => ({ start, end }))
}

/** A text with a value of the format that was drawn by chance, always the same. */
function madeUp(format: Format): { text: string; value: string } {
  const drawn = fc.sample(fc.stringMatching(new RegExp(`^(?:${format.pattern})$`)), {
    seed: 4,
    numRuns: 60,
  })
  const value = drawn
    .map((one) => FINISHED[format.id]?.(one) ?? one)
    .find((one) => findings(format, inText(one, format)).length > 0)
  if (value === undefined) throw new Error(`${format.id}: none of ${drawn.length} is found`)
  return { text: inText(value, format), value }
}

function inText(value: string, { assigned, trigger }: Format): string {
  if (!assigned || trigger.kind !== 'keyword') return `  "${value}`
  return `${trigger.words[0]?.toUpperCase()}_SECRET="${value}`
}

function isFormat(detector: Detector): detector is Format {
  return 'pattern' in detector
}

function beginningOf(value: string, { pattern }: Format): string {
  return shapeOf(pattern).beginnings.find((one) => value.startsWith(one)) ?? ''
}

/** One character all along, after what the format begins with. */
function flattened(value: string, format: Format): string {
  const beginning = beginningOf(value, format)
  return beginning.padEnd(value.length, value[beginning.length])
}

function withCrc(body: string): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let text = ''
  for (let rest = crc32(body); text.length < 6; rest = Math.floor(rest / 62)) {
    text = `${digits[rest % 62]}${text}`
  }
  return body + text
}

/** @see BIP 173, its reference encoder */
function withBech32(value: string): string {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
  const lower = value.toLowerCase().slice(0, -6)
  const split = lower.lastIndexOf('1')
  const human = Array.from(lower.slice(0, split), (character) => character.charCodeAt(0))
  const digits = Array.from(lower.slice(split + 1), (character) => alphabet.indexOf(character))
  const values = [
    ...human.map((code) => code >> 5),
    0,
    ...human.map((code) => code % 32),
    ...digits,
  ]
  const generators = [0x3b6a57b2n, 0x26508e6dn, 0x1ea119fan, 0x3d4233ddn, 0x2a1462b3n]
  let check = 1n
  for (const one of [...values, 0, 0, 0, 0, 0, 0]) {
    const top = check >> 25n
    check = ((check & 0x1ffffffn) << 5n) ^ BigInt(one)
    for (const [bit, generator] of generators.entries()) {
      if ((top >> BigInt(bit)) & 1n) check ^= generator
    }
  }
  const sum = [25n, 20n, 15n, 10n, 5n, 0n]
    .map((shift) => alphabet[Number(((check ^ 1n) >> shift) & 31n)])
    .join('')
  return value === value.toUpperCase() ? `${lower}${sum}`.toUpperCase() : `${lower}${sum}`
}

function withGitlabCrc(value: string): string {
  const body = value.slice(0, -7)
  return body + crc32(body).toString(36).padStart(7, '0')
}
