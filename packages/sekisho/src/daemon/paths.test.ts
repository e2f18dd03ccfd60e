import { describe, expect, test } from 'vitest'
import { pathsFrom } from './paths.ts'

const placesOf = (environment: Record<string, string>): Record<string, string> => {
  const { state, run, apiSocket, supervisorPid } = pathsFrom(environment)
  return { state, run, apiSocket, supervisorPid }
}

test('root’s platform is the machine’s', () => {
  expect(placesOf({ XDG_STATE_HOME: '/x', XDG_RUNTIME_DIR: '/y' })).toEqual({
    state: '/var/lib/sekisho',
    run: '/run/sekisho',
    apiSocket: '/run/sekisho/api.sock',
    supervisorPid: '/run/sekisho/supervisor.pid',
  })
})

test('a home of its own holds all of an instance', () => {
  const { state, run, isDisposable } = pathsFrom({ SEKISHO_HOME: '/h', SEKISHO_ROOTLESS: '1' })
  expect({ state, run, isDisposable }).toEqual({
    state: '/h/state',
    run: '/h/run',
    isDisposable: true,
  })
})

describe('an ordinary user’s platform is where the user says', () => {
  test.for([
    [
      'state and run directory',
      { XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/run/user/7' },
      { state: '/s/sekisho', run: '/run/user/7/sekisho' },
    ],
    ['no run directory', { XDG_STATE_HOME: '/s' }, { state: '/s/sekisho', run: '/s/sekisho/run' }],
    [
      'a relative path, which the specification wants ignored',
      { XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: 'run' },
      { state: '/s/sekisho', run: '/s/sekisho/run' },
    ],
  ] as const)('%s', ([, variables, places]) => {
    expect(placesOf({ ...variables, SEKISHO_ROOTLESS: '1' })).toMatchObject(places)
  })

  test('or below the home directory', () => {
    expect(placesOf({ SEKISHO_ROOTLESS: '1' })['state']).toMatch(/^\/.*\/\.local\/state\/sekisho$/)
  })
})
