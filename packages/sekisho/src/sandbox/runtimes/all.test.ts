import { expect, test } from 'vitest'
import { Isolation, RuntimeName } from '../../wire/sandbox.ts'
import { RUNTIMES, runtimeFor } from './all.ts'

test('each runtime that may be named is there once', () => {
  expect(RUNTIMES.map(({ name }) => name)).toEqual(RuntimeName.options)
})

test.for([
  ['standard', 'crun', 'crun'],
  ['standard', 'runc', 'runc'],
  ['standard', 'runsc', 'runsc'],
  ['strong', 'crun', 'runsc'],
  ['strong', 'runc', 'runsc'],
  ['strong', 'runsc', 'runsc'],
] as const)('%s, where %s is preferred, is %s', ([isolation, preferred, want]) => {
  expect(runtimeFor(isolation, preferred).name).toBe(want)
})

test('no preference makes an isolation weaker than asked for', () => {
  for (const isolation of Isolation.options) {
    for (const preferred of RuntimeName.options) {
      const chosen = runtimeFor(isolation, preferred)
      expect(isolation === 'strong' && chosen.isolation !== 'strong').toBe(false)
    }
  }
})
