import { spawnSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openNote, parseVkey } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Keys } from './keys.ts'
import { loadMasterKey } from './master-key.ts'

const master = Buffer.alloc(32, 7)

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-keys-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('a directory that is somebody else’s is an error with a hint', () => {
  const keys = join(dir, 'keys')
  loadMasterKey(keys)
  chmodSync(dir, 0o755)
  const module = join(import.meta.dirname, 'master-key.ts')
  const script = `import(${JSON.stringify(module)}).then(({ loadMasterKey }) => loadMasterKey(${JSON.stringify(keys)}))
    .catch(({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })))`
  const args = ['--no-warnings', '--input-type=module', '-e', script]
  const ran = spawnSync(process.execPath, args, { uid: 65_534, encoding: 'utf8', cwd: '/' })
  expect(ran.stderr).toBe('')
  expect(JSON.parse(ran.stdout)).toEqual({
    code: 'PERMISSION_REQUIRED',
    message: `${keys} is not the keyholder’s to use`,
    hint: expect.stringContaining('owner'),
  })
})

test('the same master key gives the same keys again, another gives others', () => {
  const [one, again, other] = [new Keys(master), new Keys(master), new Keys(Buffer.alloc(32, 8))]
  expect(again.logSigner().vkey).toBe(one.logSigner().vkey)
  expect(other.logSigner().vkey).not.toBe(one.logSigner().vkey)
  expect(spkiOf(again, 's-a')).toBe(spkiOf(one, 's-a'))
  expect(spkiOf(one, 's-b')).not.toBe(spkiOf(one, 's-a'))
  expect(spkiOf(other, 's-a')).not.toBe(spkiOf(one, 's-a'))
})

test('the log signer signs notes that its vkey opens', () => {
  const signer = new Keys(master).logSigner()
  expect(signer.name).toMatch(/^sekisho\/log\/[0-9a-f]{16}$/)
  expect(openNote(signer.sign('text\n'), parseVkey(signer.vkey))).toEqual({
    kind: 'opened',
    text: 'text\n',
  })
})

test('a session authority is a P-256 key', () => {
  const key = new Keys(master).sessionAuthority('s-a')
  expect(key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
})

test('uses of the master key do not meet, however their names are split', () => {
  const keys = new Keys(master)
  const seen = [['a', 'b'], ['ab'], ['a","b'], ['b', 'a']].map((subject) =>
    keys.placeholderBytes(subject, 16).toString('hex'),
  )
  expect(new Set(seen).size).toBe(seen.length)
})

test('the master key is made once, for its owner alone', () => {
  const made = loadMasterKey(join(dir, 'keys'))
  const path = join(dir, 'keys/master.key')
  expect(made).toHaveLength(32)
  expect(loadMasterKey(join(dir, 'keys'))).toEqual(made)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(statSync(join(dir, 'keys')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(dir, 'keys')).filter((name) => name.startsWith('master'))).toEqual([
    'master.key',
  ])
})

test.for([
  ['others can read', (path: string) => chmodSync(path, 0o640), 'is open to others'],
  [
    'is cut short',
    (path: string) => writeFileSync(path, 'x', { mode: 0o600 }),
    'has 1 bytes, not 32',
  ],
] as const)('a master key that %s is refused, not replaced', ([, spoil, message]) => {
  loadMasterKey(dir)
  spoil(join(dir, 'master.key'))
  const before = statSync(join(dir, 'master.key')).size
  expect(() => loadMasterKey(dir)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
  )
  expect(statSync(join(dir, 'master.key')).size).toBe(before)
})

test('a link in the place of the master key is not followed', () => {
  writeFileSync(join(dir, 'elsewhere'), master, { mode: 0o600 })
  mkdirSync(join(dir, 'keys'))
  symlinkSync('../elsewhere', join(dir, 'keys/master.key'))
  expect(() => loadMasterKey(join(dir, 'keys'))).toThrow(
    expect.objectContaining({ code: 'INTERNAL' }),
  )
})

function spkiOf(keys: Keys, session: string): string {
  const key = createPublicKey(keys.sessionAuthority(session))
  return key.export({ format: 'der', type: 'spki' }).toString('hex')
}
