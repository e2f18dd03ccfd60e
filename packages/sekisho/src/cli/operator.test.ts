import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseOperators } from '../policy/operators.ts'
import { operator } from './operator.ts'
import { readKey } from './operator-key-file.ts'
import { said } from './testing/said.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-operator-'))
  vi.stubEnv('HOME', home)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

describe('keygen', () => {
  test('writes a key for its owner alone, and the line that the bundle takes', async () => {
    const { code, out } = await said(operator, 'keygen', '--name', 'aiko')
    const file = join(home, '.config/sekisho/operator.key')
    expect([code, statSync(file).mode & 0o777]).toEqual([0, 0o600])
    expect(statSync(join(home, '.config/sekisho')).mode & 0o777).toBe(0o700)
    const operators = parseOperators(
      ['version: 1', 'operators:', ...out].join('\n'),
      'operators.yaml',
    )
    expect(operators).toEqual([{ name: 'aiko', key: readKey(file).publicKey }])
  })

  test('puts nothing of the secret on the screen', async () => {
    const file = join(home, 'k')
    const { out, err } = await said(operator, 'keygen', '--out', file)
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^[A-Za-z0-9+/=]{8,}$/.test(line))
    expect(lines).toHaveLength(1)
    for (const line of lines) expect([...out, ...err].join('\n')).not.toContain(line)
  })

  test('never overwrites a key', async () => {
    const file = join(home, 'k')
    await said(operator, 'keygen', '--out', file)
    const before = readFileSync(file, 'utf8')
    await expect(said(operator, 'keygen', '--out', file)).rejects.toMatchObject({
      code: 'USAGE',
      message: `${file} cannot be made`,
    })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test.for([[], ['release'], ['keygen', 'more']])('called with %j, it says how', async (argv) => {
    await expect(said(operator, ...argv)).rejects.toMatchObject({ code: 'USAGE' })
    expect(existsSync(join(home, '.config'))).toBe(false)
  })
})

function rsaKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

describe('a key is not used', () => {
  type Row = [
    name: string,
    mode: number,
    content: (() => string) | null,
    code: string,
    message: string,
  ]
  test.for<Row>([
    ['that others of its group can read', 0o640, null, 'PERMISSION_REQUIRED', 'is open to others'],
    ['that everybody can read', 0o604, null, 'PERMISSION_REQUIRED', 'is open to others'],
    ['of another kind', 0o600, rsaKey, 'USAGE', 'holds no Ed25519 key'],
    ['that is none', 0o600, () => 'hello', 'USAGE', 'holds no key'],
  ])('%s', async ([, mode, text, code, message]) => {
    const file = join(home, 'k')
    await said(operator, 'keygen', '--out', file)
    if (text !== null) writeFileSync(file, text())
    chmodSync(file, mode)
    expect(() => readKey(file)).toThrow(
      expect.objectContaining({ code, message: `${file} ${message}` }),
    )
  })

  test('that is not there', () => {
    expect(() => readKey(join(home, 'none'))).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})
