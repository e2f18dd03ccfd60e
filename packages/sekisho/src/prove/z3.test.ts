import { init } from 'z3-solver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { likeLanguage, pathLanguage } from './language.ts'
import {
  and,
  arithmetic,
  equal,
  int,
  less,
  match,
  not,
  or,
  string,
  type Term,
  variable,
} from './term.ts'
import { Z3 } from './z3.ts'

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

const [x, y, z] = [variable('x', 'Int'), variable('y', 'Int'), variable('z', 'Int')]
const [host, path] = [variable('host', 'String'), variable('path', 'String')]
const exact = { timeoutMs: 60_000, detail: 'exact' } as const

test('numbers are solved, negative ones too', async () => {
  const sum = equal(arithmetic('+', x, int(7)), int(2))
  expect(await z3.ask([sum], exact)).toEqual({
    kind: 'satisfiable',
    model: { assignment: new Map([['x', -5n]]), stand: new Set(), guesses: new Map() },
  })
  expect(await z3.ask([sum, less(int(0), x)], exact)).toEqual({ kind: 'unsatisfiable' })
})

test('texts that are only compared come back as the constants they are', async () => {
  const either = or(equal(host, string('a"b\\')), equal(host, string('é😀')))
  expect(await z3.ask([either, not(equal(host, string('a"b\\')))], exact)).toEqual({
    kind: 'satisfiable',
    model: { assignment: new Map([['host', 'é😀']]), stand: new Set(), guesses: new Map() },
  })
})

test('texts that a pattern looks into come back as texts', async () => {
  const question = [
    match(path, likeLanguage([{ Literal: 'é"\\' }, 'Wildcard'])),
    match(path, likeLanguage(['Wildcard', { Literal: '😀' }])),
    not(match(path, likeLanguage(['Wildcard', { Literal: '\\😀' }]))),
  ]
  const answer = await z3.ask(question, exact)
  const found = answer.kind === 'satisfiable' ? answer.model.assignment.get('path') : answer
  expect(found).toMatch(/^é"\\(?:.*[^\\])?😀$/su)
})

test('a glob within a segment does not match across one', async () => {
  const within = match(path, pathLanguage('/a/*/b'))
  expect(await z3.ask([within, equal(path, string('/a/x/y/b'))], exact)).toEqual({
    kind: 'unsatisfiable',
  })
  const across = match(path, pathLanguage('/a/**/b'))
  expect((await z3.ask([across, equal(path, string('/a/x/y/b'))], exact)).kind).toBe('satisfiable')
  expect((await z3.ask([within, not(across)], exact)).kind).toBe('unsatisfiable')
})

test('without detail, what a pattern says is open but for constants', async () => {
  const pattern = match(path, pathLanguage('/a/**'))
  const abstract = { timeoutMs: 60_000, detail: 'abstract' } as const
  expect((await z3.ask([pattern, not(pattern)], abstract)).kind).toBe('unsatisfiable')
  expect((await z3.ask([pattern, equal(path, string('/b'))], abstract)).kind).toBe('unsatisfiable')
  const deeper = match(path, pathLanguage('/a/b/**'))
  expect((await z3.ask([deeper, not(pattern)], abstract)).kind).toBe('satisfiable')
  expect((await z3.ask([deeper, not(pattern)], exact)).kind).toBe('unsatisfiable')
})

test('what takes too long is unknown, and the next question is answered', async () => {
  const cube = (t: Term): Term => arithmetic('*', t, arithmetic('*', t, t))
  const fermat = [
    ...[x, y, z].map((t) => less(int(1), t)),
    equal(arithmetic('+', cube(x), cube(y)), cube(z)),
  ]
  const [late, next] = await Promise.all([
    z3.ask(fermat, { timeoutMs: 100, detail: 'exact' }),
    z3.ask([and(less(x, y), less(y, x))], exact),
  ])
  expect(late).toEqual({ kind: 'unknown', why: 'z3 ran out of time' })
  expect(next).toEqual({ kind: 'unsatisfiable' })
})

test('a question that z3 refuses is an error and no answer', async () => {
  await expect(z3.ask([not(x)], exact)).rejects.toThrow(SekishoError)
})

test('after it is closed it answers nothing', async () => {
  const own = await Z3.open()
  await own.close()
  await expect(own.ask([less(x, y)], exact)).rejects.toThrow('z3 is closed')
})

test('a z3 that does not stop is reported, and answers nothing more', async () => {
  const told: string[] = []
  const hanging = async (): ReturnType<typeof init> => {
    const api = await init()
    return { ...api, Z3: { ...api.Z3, solver_check: () => new Promise(() => {}) } }
  }
  const own = await Z3.open((error) => told.push(error.message), hanging)
  const asked = [own.ask([less(x, y)], { ...exact, timeoutMs: 50 }), own.ask([less(y, x)], exact)]
  const answers = await Promise.allSettled(asked)
  expect(answers.map((answer) => answer.status === 'rejected' && String(answer.reason))).toEqual([
    'SekishoError: z3 did not stop within 100 ms',
    'SekishoError: z3 hangs',
  ])
  expect(told).toEqual(['z3 did not stop within 100 ms'])
  await own.close()
})
