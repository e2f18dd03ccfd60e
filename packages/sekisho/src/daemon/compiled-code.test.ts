import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
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
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMPILED_CODE, compiledCode } from './compiled-code.ts'

const OTHER_UID = 70_999
const NOTHING = { permissions: [], environment: {} }

let code = ''
let directory = ''
const main = (): string => join(code, 'packages/sekisho/src/daemon/main.ts')

beforeEach(() => {
  code = mkdtempSync(join(tmpdir(), 'sekisho-compiled-'))
  directory = join(code, COMPILED_CODE)
  mkdirSync(join(code, 'packages/sekisho/src/daemon'), { recursive: true })
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  writeFileSync(join(code, 'package.json'), '{"type":"module"}')
  writeFileSync(main(), 'const said: string = "first"\nprocess.stdout.write(said)\n')
})
afterEach(() => rmSync(code, { recursive: true }))

test('a child may read and, for Node’s sake, name the folder of compiled code as writable', () => {
  expect(compiledCode(code)).toEqual({
    permissions: [`--allow-fs-write=${directory}`],
    environment: { NODE_COMPILE_CACHE: directory, NODE_COMPILE_CACHE_PORTABLE: '1' },
  })
})

test.for([
  { name: 'that is missing', spoil: () => rmSync(directory, { recursive: true }) },
  { name: 'of another owner', spoil: () => chownSync(directory, OTHER_UID, OTHER_UID) },
  { name: 'that its group may write to', spoil: () => chmodSync(directory, 0o775) },
  { name: 'that everybody may write to', spoil: () => chmodSync(directory, 0o757) },
  {
    name: 'that is a link',
    spoil: () => {
      rmSync(directory, { recursive: true })
      symlinkSync(tmpdir(), directory)
    },
  },
  {
    name: 'that is a file',
    spoil: () => {
      rmSync(directory, { recursive: true })
      writeFileSync(directory, '')
    },
  },
])('a folder $name is not used', ({ spoil }) => {
  spoil()
  expect(compiledCode(code)).toEqual(NOTHING)
})

describe('a start', () => {
  test('writes what it compiled, and the next one uses it', () => {
    expect(start()).toMatchObject({ said: 'first', accepted: false })
    expect(start()).toMatchObject({ said: 'first', accepted: true })
  })

  test('from damaged files is the same start, slower', () => {
    start()
    for (const file of filesOf(directory)) writeFileSync(file, Buffer.alloc(64, 0xff))
    expect(start()).toMatchObject({ said: 'first', accepted: false })
  })

  test('after the source was changed runs the source', () => {
    start()
    writeFileSync(main(), 'const said: string = "other"\nprocess.stdout.write(said)\n')
    expect(start()).toMatchObject({ said: 'other', accepted: false })
  })

  test('under another name of the clone uses it all the same', () => {
    start()
    const moved = mkdtempSync(join(tmpdir(), 'sekisho-moved-'))
    cpSync(code, moved, { recursive: true })
    rmSync(code, { recursive: true })
    code = moved
    directory = join(code, COMPILED_CODE)
    expect(start()).toMatchObject({ said: 'first', accepted: true })
  })

  test('with other flags of V8 takes nothing of it', () => {
    start()
    expect(start(['--no-opt'])).toMatchObject({ said: 'first', accepted: false })
  })
})

/** As a child is started, with what Node says about compiled code. */
function start(flags: readonly string[] = []): { said: string; accepted: boolean } {
  const { permissions, environment } = compiledCode(code)
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--permission', `--allow-fs-read=${code}`, ...permissions, ...flags, main()],
    { encoding: 'utf8', env: { ...environment, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' } },
  )
  expect(status).toBe(0)
  return { said: stdout, accepted: stderr.includes('was accepted') }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}
