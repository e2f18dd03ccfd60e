import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { noteCosigner } from '../../../verify/src/note-signer.ts'
import { auditedSample } from '../../../verify/src/testing/audited-log.ts'
import { log } from './log.ts'
import { said } from './testing/said.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-verify-'))
  vi.stubEnv('SEKISHO_HOME', home)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

/** An instance's log of version 2, and the root that its supervisor wrote down. */
function writeInstance(change: (text: string) => string = (text) => text): string {
  const made = auditedSample()
  const directory = join(home, 'state/keyholder/log')
  mkdirSync(directory, { recursive: true })
  const text = `${(made.log.segments[0] ?? []).join('\n')}\n`
  writeFileSync(join(directory, '000000000001.log'), change(text))
  writeFileSync(join(home, 'state/root.pem'), made.rootPem)
  writeFileSync(join(home, 'state/log.vkey'), made.vkey)
  return made.rootPem
}

test('an instance’s log is audited by the root that stands beside it', async () => {
  writeInstance()
  expect(await said(log, 'verify')).toMatchObject({
    code: 0,
    out: [
      expect.stringMatching(/^sound: 17 leaves/),
      '16 signatures by 4 certified keys',
      'no checkpoint has an ML-DSA-44 signature of the log',
    ],
  })
})

test('a root that is gone is said, and the tree alone is not taken for all of it', async () => {
  writeInstance()
  rmSync(join(home, 'state/root.pem'))
  await expect(said(log, 'verify')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('root.pem is missing'),
  })
})

test('an edited leaf is named, and so is a root that is another', async () => {
  writeInstance((text) => text.replace('a.example', 'b.example'))
  expect(await said(log, 'verify')).toMatchObject({
    code: 1,
    err: [expect.stringMatching(/^broken at index 4: /)],
  })
  writeInstance()
  const other = join(home, 'other.pem')
  writeFileSync(other, auditedSample().rootPem)
  expect(await said(log, 'verify', '--root', other)).toMatchObject({
    code: 1,
    err: [expect.stringContaining('broken at index 0: it chains to another root')],
  })
})

test('a witness that was named and has not cosigned is a finding', async () => {
  writeInstance()
  const key = generateKeyPairSync('ed25519').privateKey
  const { vkey } = noteCosigner('w.example/1', key)
  const { code, err } = await said(log, 'verify', '--witness', `a=${vkey}`)
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.arrayContaining([
      'index 17, witness: no good cosignature of a, who was named as a witness',
    ]),
  })
})

test('a path is audited wherever it lies, with a root from elsewhere', async () => {
  const root = join(home, 'kept.pem')
  writeFileSync(root, writeInstance())
  const directory = join(home, 'state/keyholder/log')
  vi.stubEnv('SEKISHO_HOME', join(home, 'nowhere'))
  expect((await said(log, 'verify', '--root', root, directory)).code).toBe(0)
})

test.for([
  { name: 'half a bundle', make: (file: string) => writeFileSync(file, 'sekisho-bundle/v1 log\n') },
  { name: 'a file that is no bundle', make: (file: string) => writeFileSync(file, 'x\n') },
  { name: 'a pipe', make: (file: string) => execFileSync('mkfifo', [file]) },
  { name: 'a directory without a log', make: (file: string) => mkdirSync(file) },
])('$name cannot be verified, and the hint is about it', async ({ make }) => {
  const root = join(home, 'kept.pem')
  writeFileSync(root, writeInstance())
  const given = join(home, 'given')
  make(given)
  await expect(said(log, 'verify', '--root', root, given)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    hint: expect.stringContaining('a whole bundle'),
  })
})

test.for([
  { name: 'a root that is none', flags: ['--root', import.meta.filename], message: 'the root: ' },
  { name: 'a witness of nobody', flags: ['--witness', 'x'], message: 'OPERATOR=VKEY' },
  { name: 'a witness without a key', flags: ['--witness', 'a=b'], message: 'a witness’s key' },
])('$name cannot be verified with', async ({ flags, message }) => {
  writeInstance()
  await expect(said(log, 'verify', ...flags)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(message),
    hint: expect.any(String),
  })
})
