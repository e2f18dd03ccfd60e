import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingEntries, readLock } from './complete-lock.ts'

test('package-lock.json is complete; if not, run `.runtime/node scripts/complete-lock.ts`', () => {
  const lock = readLock(join(import.meta.dirname, '..', 'package-lock.json'))
  expect(Object.keys(lock.packages).length).toBeGreaterThan(50)
  expect(missingEntries(lock)).toEqual({})
})

test('a platform that was left out comes back with what its name says', () => {
  const packages = {
    'node_modules/tool': {
      dev: true,
      optionalDependencies: {
        '@tool/linux-x64': '1.2.3',
        '@tool/linux-x64-musl': '1.2.3',
        '@tool/binding-win32-arm64-msvc': '1.2.3',
      },
    },
    'node_modules/@tool/linux-x64': {},
  }
  expect(missingEntries({ packages })).toEqual({
    'node_modules/@tool/linux-x64-musl': {
      version: '1.2.3',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    },
    'node_modules/@tool/binding-win32-arm64-msvc': {
      version: '1.2.3',
      cpu: ['arm64'],
      dev: true,
      optional: true,
      os: ['win32'],
    },
  })
})

test('an optional package that names no platform is not guessed at', () => {
  const packages = { 'node_modules/tool': { optionalDependencies: { extras: '1.0.0' } } }
  expect(() => missingEntries({ packages })).toThrow('extras')
})
