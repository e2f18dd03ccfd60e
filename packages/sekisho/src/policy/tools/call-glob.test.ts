import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compileCallPath,
  compileNameGlob,
  compileProgramGlob,
  readCallPathGlob,
  readNameGlob,
  readProgramGlob,
} from './call-glob.ts'

describe('a name', () => {
  test.for([
    ['Bash', 'Bash', true],
    ['Bash', 'bash', false],
    ['Bash', 'BashOutput', false],
    ['mcp__*', 'mcp__github__push', true],
    ['*search*', 'web_search_20250305', true],
    ['a*a', 'a', false],
    ['a*b*a', 'aba', true],
    ['a*ab*a', 'aba', false],
    ['*', '', true],
    ['**', 'x', true],
  ] as const)('glob %s and %s: %s', ([glob, name, expected]) => {
    expect(compileNameGlob(glob)(name)).toBe(expected)
  })

  test('is matched as an expression would', () => {
    const glob = fc.array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 6 })
    const name = fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 })
    fc.assert(
      fc.property(glob, name, (parts, letters) => {
        const text = letters.join('')
        const expression = new RegExp(`^${parts.join('').replaceAll('*', '.*')}$`, 's')
        expect(compileNameGlob(parts.join(''))(text)).toBe(expression.test(text))
      }),
    )
  })
})

describe('a program', () => {
  test.for([
    ['git', 'git', true, true],
    ['git', '/usr/bin/git', true, true],
    ['git', '/usr/bin/../../tmp/git', false, true],
    ['git', '/tmp/git', false, true],
    ['git', './git', false, true],
    ['git', 'git-shell', false, false],
    ['python3*', 'python3.12', true, true],
    ['/workspace/bin/*', '/workspace/bin/x', true, true],
    ['/workspace/bin/*', 'x', false, false],
    ['/workspace/bin/*', 'bin/x', false, true],
    ['node_modules/.bin/*', './node_modules/.bin/tsc', true, true],
    ['node_modules/.bin/*', '/workspace/node_modules/.bin/tsc', true, true],
    ['node_modules/.bin/*', '/tmp/node_modules/.bin/tsc', false, false],
  ] as const)('%s named by %s: for certain %s, perhaps %s', ([glob, program, surely, maybe]) => {
    const { isSurely, mayBe } = compileProgramGlob(glob)
    expect([isSurely(program), mayBe(program)]).toEqual([surely, maybe])
  })
})

describe('a path', () => {
  test.for([
    ['src/**', 'src/a/b', true, true],
    ['src/**', './src/../src/a', true, true],
    ['src/**', 'src/../secrets', false, false],
    ['src/**', '/workspace/src/a', true, true],
    ['src/**', '/etc/src/a', false, false],
    ['/etc/**', '/etc/passwd', true, true],
    ['/etc/**', '/tmp/../etc/passwd', true, true],
    ['/etc/**', '../../../etc/passwd', false, true],
    ['/etc/**', 'etc/passwd', false, true],
    ['~/.ssh/*', '~/.ssh/id_ed25519', true, true],
    ['~/.ssh/*', '/home/agent/.ssh/id_ed25519', true, true],
    ['/home/agent/.ssh/*', '~/.ssh/id_ed25519', true, true],
    ['~/.ssh/*', '../.ssh/id_ed25519', false, true],
    ['*', '..', false, true],
    ['*/passwd', '../passwd', false, true],
    ['**', '../x', true, true],
    ['**', '/x', true, true],
  ] as const)('%s named by %s: for certain %s, perhaps %s', ([glob, path, surely, maybe]) => {
    const { isSurely, mayBe } = compileCallPath(glob)
    expect([isSurely(path), mayBe(path)]).toEqual([surely, maybe])
  })

  test('that is there for certain may be there', () => {
    const part = fc.constantFrom('.', '..', 'a', 'etc', '~', 'workspace', 'home', 'agent')
    const path = fc
      .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 5 }))
      .map(([isAbsolute, parts]) => `${isAbsolute ? '/' : ''}${parts.join('/')}`)
    const glob = fc.constantFrom('**', '/etc/**', 'a/*', '~/a', '/workspace/**', '*')
    fc.assert(
      fc.property(glob, path, (text, named) => {
        const { isSurely, mayBe } = compileCallPath(text)
        expect(isSurely(named) && !mayBe(named)).toBe(false)
      }),
    )
  })
})

test.for([
  [readNameGlob, 'a b', '`a b` is no name of a tool'],
  [readNameGlob, '', '`` is no name of a tool'],
  [readProgramGlob, 'rm -rf', '`rm -rf` is no program'],
  [readProgramGlob, 'bin/../x', '`bin/../x` is not a normal path'],
  [readCallPathGlob, './src', '`./src` is not a normal path'],
  [readCallPathGlob, 'src/', '`src/` is not a normal path'],
  [readCallPathGlob, 'src/a**', '`src/a**` mixes ** with other characters in one segment'],
  [readCallPathGlob, 'a\u202eb', '`a\\u{202e}b` is no path'],
] as const)('%o refuses %o', ([read, text, problem]) => {
  expect(read(text)).toMatchObject({ problem })
})
