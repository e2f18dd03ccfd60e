import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ArgumentValue, UNKNOWN } from '../argument-value.ts'
import { type ProgramCall, readProgram } from './read-program.ts'

/** Runs a program for good, and tells what it asked of its tools. */
async function perform(code: string): Promise<ProgramCall[]> {
  const asked: ProgramCall[] = []
  const tools = new Proxy(
    {},
    {
      get: (_, tool) => (value: unknown) => {
        asked.push({ tool: String(tool), value: JSON.parse(JSON.stringify(value ?? {})) })
        return { output: 'given' }
      },
    },
  )
  const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor
  const helpers = { tools, text: () => undefined, load: () => 'stored', globalThis: { tools } }
  const body = new AsyncFunction(...Object.keys(helpers), `'use strict';${code}`)
  await body(...Object.values(helpers)).catch(() => undefined)
  return asked
}

const NAMES = ['a', 'b', 'c']
const name = fc.constantFrom(...NAMES)
const value: fc.Arbitrary<string> = fc.oneof(
  { depthSize: 'small' },
  fc.constantFrom("'x'", "'y'", '1', "['x', 'y']", "{ k: 'x' }", '[{ k: "x" }]', 'load("n")'),
  name,
  fc.tuple(name, name).map(([a, b]) => `${a} + ${b}`),
  name.map((a) => `\`t \${${a}}\``),
  name.map((a) => `[...${a}]`),
  name.map((a) => `({ ...${a} })`),
  name.map((a) => `${a}.join('-')`),
  name.map((a) => `${a}[0]`),
  name.map((a) => `${a}.k`),
  name.map((a) => `[${a}]`),
  name.map((a) => `({ k: ${a} })`),
)
const statement: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(name, value).map(([a, v]) => `{ const ${a} = ${v}; await tools.run({ v: ${a} }) }`),
  fc.tuple(name, value).map(([a, v]) => `${a} = ${v}`),
  fc.tuple(name, value).map(([a, v]) => `${a}.push(${v})`),
  fc.tuple(name, value).map(([a, v]) => `${a}[0] = ${v}`),
  fc.tuple(name, value).map(([a, v]) => `${a}.k = ${v}`),
  fc.tuple(name, value).map(([a, v]) => `[${a}] = [${v}]`),
  fc
    .tuple(name, value)
    .map(([a, v]) => `for (const e of ${v}) { await tools.run({ v: e, a: ${a} }) }`),
  fc.tuple(name, value).map(([a, v]) => `for (const e of ${a}) { e.k = ${v} }`),
  fc.tuple(name, name).map(([a, b]) => `${a}.map((e, i) => tools.run({ v: e, b: ${b} }))`),
  fc.tuple(name, name).map(([a, b]) => `${a}.forEach((e, i, l) => { l.push(${b}) })`),
  fc.tuple(name, value).map(([a, v]) => `((p) => { p.k = ${v}; p[0] = ${v} })(${a})`),
  value.map((v) => `await tools.run({ v: ${v} })`),
  value.map((v) => `await tools.run(${v})`),
  name.map((a) => `{ const f = tools; f.hidden(${a}) }`),
  value.map((v) => `tools[${v}]({})`),
)
const literal = fc.constantFrom(
  "'x'",
  "'y'",
  "['x', 'y']",
  "{ k: 'x' }",
  '[{ k: "x" }]',
  "['x', ...['z']]",
)
const programs = fc
  .tuple(
    fc.array(literal, { minLength: 3, maxLength: 3 }),
    fc.constantFrom('const', 'let'),
    fc.array(statement, { minLength: 1, maxLength: 6 }),
  )
  .map(([values, kind, statements]) =>
    [
      ...values.map((v, i) => `${kind} ${NAMES[i]} = ${v}`),
      ...statements.map((line) => `try { ${line} } catch {}`),
    ].join(';\n'),
  )

test('nothing is asked of a tool that has not been read', async () => {
  let asked = 0
  await fc.assert(
    fc.asyncProperty(programs, async (code) => {
      const ran = await perform(code)
      asked += ran.length
      let read
      try {
        read = readProgram(code)
      } catch {
        return // no module that runs
      }
      if (read.hidden !== null) return
      for (const call of ran) {
        const isRead = read.calls.some(
          ({ tool, value: known }) => tool === call.tool && fits(known, call.value),
        )
        expect({ code, call, isRead }).toEqual({ code, call, isRead: true })
      }
    }),
    { numRuns: 3000 },
  )
  expect(asked).toBeGreaterThan(500)
})

function fits(known: ArgumentValue, ran: ArgumentValue | undefined): boolean {
  if (known === UNKNOWN) return true
  if (typeof known !== 'object' || known === null) return known === ran
  if (typeof ran !== 'object' || ran === null || Array.isArray(known) !== Array.isArray(ran)) {
    return false
  }
  // what is known to be nothing is left out where it is written
  const members = new Map(Object.entries(known))
  const given = new Map(Object.entries(ran))
  return (
    [...given.keys()].every((name) => members.has(name)) &&
    [...members].every(([name, member]) => fits(member, given.get(name)))
  )
}
