import { expect, test } from 'vitest'
import { type ArgumentValue, hasUnknown } from '../argument-value.ts'
import { type ProgramCall, readProgram } from './read-program.ts'

const run = (value: ArgumentValue): ProgramCall => ({ tool: 'run', value })

test.for<[what: string, code: string, calls: ProgramCall[]]>([
  [
    'a call',
    'const r = await tools.run({ cmd: "ls", n: 1 }); text(r.output)',
    [run({ cmd: 'ls', n: 1 })],
  ],
  ['a text', "await tools.run('ls')", [run('ls')]],
  ['nothing', 'tools.run()', [run({})]],
  ['a quoted name', "tools['r' + 'un']({})", [run({})]],
  [
    'texts put together',
    "tools.run('a' + ' ' + `b ${'c'} ${1}` + ['d', 2].join(' '))",
    [run('a b c 1d 2')],
  ],
  ['a long sum', `tools.run(${"'x' + ".repeat(200)}1 + 2)`, [run(`${'x'.repeat(200)}12`)]],
  ['a raw text', 'tools.run(String.raw`a\\n\\d`)', [run('a\\n\\d')]],
  [
    'names that are given a value once',
    "const a = 'x', b = a + 'y'; let c = b; tools.run({ a, b: c })",
    [run({ a: 'x', b: 'xy' })],
  ],
  ['an object by its name', "const o = { cmd: 'x' }; tools.run(o)", [run({ cmd: 'x' })]],
  [
    'a member of it',
    "const o = { cmd: 'x' }; tools.run(o.cmd); tools.run(o['cmd'])",
    [run('x'), run('x')],
  ],
  [
    'an object within an object',
    "const o = { cmd: 'x' }; tools.run({ ...o, n: 1 })",
    [run({ cmd: 'x', n: 1 })],
  ],
  [
    'a list by its name',
    "const a = ['x', 'y']; tools.run({ c: [...a, 'z'], d: a.join(';') })",
    [run({ c: ['x', 'y', 'z'], d: 'x;y' })],
  ],
  ['one or the other', "tools.run(ok ? 'x' : 'y'); const ok = text('')", [run('x'), run('y')]],
  [
    'a loop over texts',
    "for (const c of ['x', 'y']) await tools.run({ c })",
    [run({ c: 'x' }), run({ c: 'y' })],
  ],
  [
    'a loop over objects',
    "for (const c of [{ cmd: 'x' }, { cmd: 'y' }]) tools.run(c)",
    [run({ cmd: 'x' }), run({ cmd: 'y' })],
  ],
  [
    'several at once',
    "const l = ['x', 'y']; await Promise.all(l.map((c) => tools.run({ c: `do ${c}` })))",
    [run({ c: 'do x' }), run({ c: 'do y' })],
  ],
  [
    'the index of a loop',
    "['x'].forEach((c, i) => { tools.run(c); text(l[i]) }); const l = [1]",
    [run('x')],
  ],
  [
    'a branch that may not run',
    "if (false) { tools.run('x') } else tools.other('y')",
    [run('x'), { tool: 'other', value: 'y' }],
  ],
  ['a function', "async function f() { await tools.run('x') } await f()", [run('x')]],
  ['a call that may not be one', "await tools.run?.('x')", [run('x')]],
  [
    'an error that is caught',
    "try { await tools.run('x') } catch (e) { text(e.message) }",
    [run('x')],
  ],
  ['a pause', "await new Promise((done) => setTimeout(done, 100)); tools.run('x')", [run('x')]],
  [
    'a count',
    "for (let i = 0; i < 3; i++) { text(l[i] + l[i + 1]) } const l = [1]; tools.run('x')",
    [run('x')],
  ],
  [
    'what comes back',
    "const { output, items: [first] } = await tools.run('x'); text(JSON.stringify(Object.keys(output)))",
    [run('x')],
  ],
  ['a value that is returned', "return await tools.run('x')", [run('x')]],
])('%s is read', ([, code, calls]) => {
  expect(readProgram(code)).toEqual({ calls, hidden: null })
})

test.for<[what: string, code: string]>([
  ['what a tool gave back', "const r = await tools.run('x'); tools.run(r.output)"],
  ['a name that is given another value', "let c = 'x'; c = 'y'; tools.run(c)"],
  ['a name that is added to', "let c = 'x'; c += 'y'; tools.run(c)"],
  ['a name in a pattern', "let c = 'x'; [c] = ['y']; tools.run(c)"],
  ['a name in a pattern of an object', "let c = 'x'; ({ c } = { c: 'y' }); tools.run(c)"],
  ['a name that a loop changes', "let c = 'x'; for (c of ['y']) tools.run(c)"],
  ['a name that is declared twice', "const c = 'x'; { const c = 'y'; tools.run(c) }"],
  ['a parameter', "const f = (c) => tools.run(c); f('y')"],
  [
    'a parameter with the name of a constant',
    "const c = 'x'; const f = (c) => tools.run(c); f('y')",
  ],
  ['a list that is added to', "const a = ['x']; a.push('y'); tools.run(a.join(' '))"],
  ['a list whose item changes', "const a = ['x']; a[0] = 'y'; tools.run(a.join(' '))"],
  [
    'a list whose way to join changes',
    "const a = ['x']; a.join = () => 'y'; tools.run(a.join(' '))",
  ],
  ['a list by another name', "const a = ['x']; const b = a; b.push('y'); tools.run(a.join(' '))"],
  [
    'a list that a function is given',
    "const a = ['x']; f(a); tools.run(a.join(' ')); function f(l) { l.push('y') }",
  ],
  [
    'a list in its own loop',
    "const a = ['x']; a.map((c, i, all) => all.push('y')); tools.run(a.join(' '))",
  ],
  [
    'a list in a function by name',
    "const a = ['x']; a.forEach(f); tools.run(a.join(' ')); function f(c, i, all) { all.push('y') }",
  ],
  ['an object whose member changes', "const o = { c: 'x' }; o.c = 'y'; tools.run(o)"],
  [
    'an object that is merged into',
    "const o = { c: 'x' }; Object.assign(o, { c: 'y' }); tools.run(o)",
  ],
  [
    'an object in a list',
    "const l = [{ c: 'x' }]; for (const o of l) o.c = 'y'; for (const p of l) tools.run(p)",
  ],
  ['a tagged call', "const a = ['x']; a.push`y`; tools.run(a.join(' '))"],
  ['a getter', "tools.run({ get c() { return 'y' } })"],
  ['a way to be written', "tools.run({ toJSON: () => ({ c: 'y' }) })"],
  ['a sum of numbers', "tools.run(1 + 2 + 'x')"],
  [
    'a list that doubles',
    `const a0 = ['x'], ${Array.from({ length: 20 }, (_, i) => `a${i + 1} = [...a${i}, ...a${i}]`).join(', ')}; tools.run({ a20 })`,
  ],
  ['what was stored', "tools.run(load('x'))"],
  ['a long loop', `for (const c of [${"'x',".repeat(20)}]) tools.run(c)`],
  [
    'a text that grows',
    `const a0 = '${'x'.repeat(999)}', ${Array.from({ length: 9 }, (_, i) => `a${i + 1} = a${i} + a${i}`).join(', ')}; tools.run(a9)`,
  ],
  ['a text that depends on itself', 'const a = b + "x", b = a + "y"; tools.run(a)'],
  ['a spread', 'tools.run(...load("x"))'],
  ['an object of unknown members', 'tools.run({ ...load("x"), c: "x" })'],
])('%s is nobody knows what', ([, code]) => {
  const { calls } = readProgram(code)
  expect(calls.some(({ value }) => hasUnknown(value))).toBe(true)
})

test.for<[what: string, code: string]>([
  ['another name for the tools', "const t = tools; t.run('x')"],
  ['another name for a tool', "const f = tools.run; f('x')"],
  ['a tool that is taken out', "const { run } = tools; run('x')"],
  ['a tool by a name that is worked out', "tools[load('n')]('x')"],
  ['a tool that is found', 'const t = ALL_TOOLS.find((t) => t.name); tools[t.name]("x")'],
  ['a tool that is bound', "tools.run.bind(null)('x')"],
  ['a tool that is called by a method', "tools.run.call(null, 'x')"],
  ['a tool that is handed on', "['x'].map(tools.run)"],
  ['tools that are handed on', 'f(tools); function f(t) { t.run("x") }'],
  ['tools that are declared', 'function f(tools) { tools.run("x") }'],
  ['a tagged tool', 'tools.run`x`'],
  ['the global object', "globalThis.tools.run('x')"],
  ['the object that a function has', "(function () { return this })().tools.run('x')"],
  ['code as text', 'eval("tools.run(1)")'],
  ['code as text by another way', '(0, eval)("tools.run(1)")'],
  ['a function from text', 'new Function("tools.run(1)")()'],
  ['a function from text, by way of another', '(() => {}).constructor("tools.run(1)")()'],
  ['the same by a name that is put together', '(() => {})["constr" + "uctor"]("tools.run(1)")()'],
  ['the same by a name that is worked out', '(() => {})[load("c")]("tools.run(1)")()'],
  ['the same by a pattern', 'const { constructor: F } = () => {}; F("tools.run(1)")()'],
  [
    'the same by a pattern that is worked out',
    'const { [load("c")]: F } = () => {}; F("tools.run(1)")()',
  ],
  ['the same by escapes', '(() => {}).\\u0063onstructor("tools.run(1)")()'],
  ['reflection', 'Reflect.get(globalThis, "x")'],
  ['descriptors', 'Object.getOwnPropertyDescriptor(Object, "x")'],
  ['an object by itself', 'const O = Object; O.x'],
  ['a module', 'await import("x")'],
  ['a class', 'class A { x = 1 }'],
  ['a timer with text', 'setTimeout("tools.run(1)", 1)'],
  ['a changed builtin', 'JSON.stringify = (x) => x'],
  ['a replaced builtin', 'String = { raw: () => "y" }'],
  ['a prototype', 'Array.prototype.join = () => "y"'],
  ['a member that a pattern writes to', 'const a = ["x"]; [a[0]] = ["y"]'],
  ['a name that nobody knows', "openclaw.tools.call('x')"],
  ['another realm', 'new ShadowRealm()'],
])('%s is a call that the text does not show', ([, code]) => {
  expect(readProgram(code).hidden).toEqual(expect.any(String))
})

test.for([
  ['no JavaScript', 'const = 1'],
  ['types', 'const a: string = "x"'],
  ['a statement of old', 'with (tools) run("x")'],
  ['a long program', `text("${'x'.repeat(70_000)}")`],
  ['deep nesting', '['.repeat(30_000)],
] as const)('%s is refused', ([, code]) => {
  expect(() => readProgram(code)).toThrow(expect.objectContaining({ name: 'Unreadable' }))
})
