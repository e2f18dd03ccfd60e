import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestOverlay, testOverlay } from './testing/overlay.ts'
import { checkWorkspace } from './workspace.ts'

let overlay: TestOverlay
beforeEach(() => {
  overlay = testOverlay()
})
afterEach(() => overlay.remove())

describe('which directory may be a workspace', () => {
  const codeOf = (path: string, state = '/var/lib/sekisho'): string => {
    const passwd = join(overlay.root, 'passwd')
    writeFileSync(passwd, `a:x:1:1::${overlay.lower('home')}:/bin/sh\n`)
    mkdirSync(overlay.lower('home'), { recursive: true })
    try {
      checkWorkspace(path, { state, passwd })
      return 'fine'
    } catch (error) {
      return error instanceof Error ? error.message.replaceAll(overlay.root, 'ROOT') : 'no error'
    }
  }

  test('an ordinary directory, also one that others cannot read', () => {
    chmodSync(overlay.lower(), 0o700)
    expect(codeOf(overlay.lower())).toBe('fine')
  })

  test.for(['/', '/etc', '/usr/local', '/proc/self', '/root', '/home', '/tmp', '/var'])(
    'not %s',
    (path) => {
      expect(codeOf(path)).not.toBe('fine')
    },
  )

  test('no file, no link, nothing below a link, nothing missing or relative', () => {
    writeFileSync(overlay.lower('file'), '')
    mkdirSync(overlay.lower('d/e'), { recursive: true })
    symlinkSync('d', overlay.lower('link'))
    const paths = [
      overlay.lower('file'),
      overlay.lower('link'),
      overlay.lower('link/e'),
      overlay.lower('none'),
      'd',
      `${overlay.lower()}\n`,
    ]
    expect(paths.map((path) => codeOf(path))).toEqual([
      'workspace ROOT/lower/file is not a directory',
      'workspace ROOT/lower/link is a symbolic link',
      'workspace ROOT/lower/link/e is really ROOT/lower/d/e',
      'workspace ROOT/lower/none cannot be read',
      'workspace d is not a plain absolute path',
      'workspace ROOT/lower\n is not a plain absolute path',
    ])
  })

  test('no home, and nothing that holds the platform’s state or lies in it', () => {
    mkdirSync(overlay.lower('state/x'), { recursive: true })
    expect([
      codeOf(overlay.lower('home')),
      codeOf(overlay.lower(), overlay.lower('state')),
      codeOf(overlay.lower('state'), overlay.lower('state')),
      codeOf(overlay.lower('state/x'), overlay.lower('state')),
    ]).toEqual([
      'workspace ROOT/lower/home is a whole home directory',
      'workspace ROOT/lower overlaps the state of the platform',
      'workspace ROOT/lower/state overlaps the state of the platform',
      'workspace ROOT/lower/state/x overlaps the state of the platform',
    ])
  })
})
