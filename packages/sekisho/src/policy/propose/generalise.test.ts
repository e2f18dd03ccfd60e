import { expect, test } from 'vitest'
import { generalise } from './generalise.ts'

const uuid = (n: number): string => `0000000${n}-0000-4000-8000-000000000000`

test.for([
  ['two numbers stay two paths', ['/v1/items/1', '/v1/items/2'], ['/v1/items/1', '/v1/items/2']],
  ['three numbers are a kind', ['/v1/items/1', '/v1/items/2', '/v1/items/3'], ['/v1/items/*']],
  ['three words are three words', ['/a', '/b', '/c'], ['/a', '/b', '/c']],
  ['the same path three times is one path', ['/1', '/1', '/1'], ['/1']],
  [
    'what is common to all stays',
    ['/repos/7/issues/1', '/repos/7/issues/2', '/repos/7/issues/3'],
    ['/repos/7/issues/*'],
  ],
  [
    'both places when both vary',
    ['/repos/1/issues/4', '/repos/2/issues/5', '/repos/3/issues/6'],
    ['/repos/*/issues/*'],
  ],
  ['another word after it is another kind', ['/1/a', '/2/a', '/3/b'], ['/1/a', '/2/a', '/3/b']],
  ['UUIDs are identifiers', [1, 2, 3].map((n) => `/o/${uuid(n)}`), ['/o/*']],
  ['hashes are identifiers', ['/c/0123abc', '/c/1123abc', '/c/2123abc'], ['/c/*']],
  [
    'a file name is none',
    ['/x-1.tgz', '/x-2.tgz', '/x-3.tgz'],
    ['/x-1.tgz', '/x-2.tgz', '/x-3.tgz'],
  ],
] as const)('%s', ([, paths, globs]) => {
  expect(generalise(paths)).toEqual(globs)
})
