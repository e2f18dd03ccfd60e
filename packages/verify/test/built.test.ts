import { execFile } from 'node:child_process'
import { createHash, webcrypto } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPage, buildProgram } from '../build/build-verify.ts'
import { writeBundle } from '../src/bundle/write-bundle.ts'
import { logIn } from '../src/log-files.ts'
import { type AuditedLog, auditedSample } from '../src/testing/audited-log.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '../../..')
const B = 's-11111111111111111111'

let dir = ''
let made: AuditedLog
let bundle = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-built-'))
  made = auditedSample()
  made.log.cosigned(made.postQuantum, 0)
  bundle = await made.log.inDirectory(async (log) => {
    const pieces: string[] = []
    for await (const piece of writeBundle(logIn(log), { vkey: made.vkey, session: B })) {
      pieces.push(piece)
    }
    return pieces.join('')
  })
  writeFileSync(join(dir, 'root.pem'), made.rootPem)
  writeFileSync(join(dir, 'bundle'), bundle)
  writeFileSync(join(dir, 'forged'), bundle.replace('"id":"b","outcome"', '"id":"x","outcome"'))
  writeFileSync(join(dir, 'half'), bundle.slice(0, -20))
})
afterAll(() => rmSync(dir, { recursive: true }))

test('what is built is the sources of this package and Node, the same each time', async () => {
  const [once, again] = [await buildProgram(), await buildProgram()]
  expect(again.code).toBe(once.code)
  expect(once.sources.filter((source) => !/^packages\/verify\/(src|bin)\//.test(source))).toEqual(
    [],
  )
  expect(once.imports.filter((name) => !name.startsWith('node:'))).toEqual([])
  // not minified: every source is named where it stands, and its comments are there
  for (const source of once.sources) {
    const text = readFileSync(join(ROOT, source), 'utf8')
    const named = [...text.matchAll(/^(?:export )?(?:async )?function\*? (\w+)/gm)].map(
      ([, name]) => name,
    )
    const kept = named.filter(
      (name) => once.code.includes(`function ${name}`) || once.code.includes(`function* ${name}`),
    )
    expect({ source, some: named.length === 0 || kept.length > 0 }).toEqual({ source, some: true })
  }
})

/** This one, and the machine's own where it is another. */
const NODES = [process.execPath, '/usr/bin/node'].filter((path) => existsSync(path))

test.for(NODES)('the program runs under %s, alone in a directory', async (node) => {
  const program = join(dir, 'sekisho-verify.mjs')
  writeFileSync(program, (await buildProgram()).code)
  const verdictOf = async (file: string): Promise<{ code: unknown; said: string }> => {
    const argv = [program, '--root', join(dir, 'root.pem'), join(dir, file)]
    try {
      const { stdout } = await run(node, argv, { cwd: dir, env: {} })
      return { code: 0, said: stdout }
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || !('stderr' in error)) throw error
      return { code: error.code, said: String(error.stderr) }
    }
  }
  expect(await verdictOf('bundle')).toEqual({
    code: 0,
    said: expect.stringMatching(/^sound: session s-1.*ML-DSA-44 signatures cover 17 of 17 leaves/s),
  })
  expect(await verdictOf('forged')).toEqual({
    code: 1,
    said: expect.stringMatching(/^broken at index 9: it is not in the log/),
  })
  expect(await verdictOf('half')).toEqual({
    code: 2,
    said: expect.stringContaining('half a bundle'),
  })
})

type Element = {
  textContent: string
  className: string
  children: Element[]
  replaceChildren: (...children: Element[]) => void
  addEventListener: (type: string, listener: (event: object) => void) => void
  listeners: Map<string, (event: object) => void>
}

function newElement(): Element {
  const listeners = new Map<string, (event: object) => void>()
  const element: Element = {
    textContent: '',
    className: '',
    children: [],
    replaceChildren: (...children) => void (element.children = children),
    addEventListener: (type, listener) => void listeners.set(type, listener),
    listeners,
  }
  return element
}

/** The page's own script, in a world without Node: only what every browser has. */
function openPage(
  html: string,
  subtle: object | undefined,
): {
  drop: (...texts: string[]) => Promise<{ verdict: string; className: string; found: string[] }>
} {
  const script = /<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? ''
  const elements = new Map(
    ['files', 'verdict', 'found', 'sessions', 'clear'].map((id) => [id, newElement()]),
  )
  const body = newElement()
  const document = {
    getElementById: (id: string) => elements.get(id) ?? null,
    createElement: newElement,
    body,
  }
  const world = createContext({
    document,
    TextEncoder,
    TextDecoder,
    atob,
    btoa,
    crypto: { subtle },
  })
  runInContext(script, world)
  // a file's bytes come from the page's own world
  const bytesIn: unknown = runInContext('(bytes) => Uint8Array.from(bytes).buffer', world)
  if (typeof bytesIn !== 'function') throw new TypeError('no function')
  const fileOf = (text: string): object => {
    const bytes = Buffer.from(text)
    const slice = (from: number, to: number): object => ({
      arrayBuffer: () => Promise.resolve(bytesIn([...bytes.subarray(from, to)])),
    })
    return { size: bytes.length, slice }
  }
  const verdict = elements.get('verdict') ?? newElement()
  return {
    drop: async (...texts) => {
      const files = texts.map(fileOf)
      body.listeners.get('drop')?.({ preventDefault: () => undefined, dataTransfer: { files } })
      await expect.poll(() => verdict.className).not.toBe('')
      const found = (elements.get('found')?.children ?? []).map(({ textContent }) => textContent)
      return { verdict: verdict.textContent, className: verdict.className, found }
    },
  }
}

test('the page may reach nothing, and runs its own script alone', async () => {
  const { code, imports, sources } = await buildPage()
  expect((await buildPage()).code).toBe(code)
  expect({
    imports,
    node: sources.filter((source) => /log-files|verify-directory|threads/.test(source)),
  }).toEqual({
    imports: [],
    node: [],
  })
  expect(code).not.toMatch(/\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|innerHTML|eval)\b/)
  const hashOf = (text = ''): string =>
    `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const script = /<script>([\s\S]*)<\/script>/.exec(code)?.[1]
  const style = /<style>([\s\S]*)<\/style>/.exec(code)?.[1]
  expect(/content="(default-src[^"]*)"/.exec(code)?.[1]).toBe(
    `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; base-uri 'none'; form-action 'none'`,
  )
})

test.for([
  ['WebCrypto', webcrypto.subtle],
  ['no WebCrypto', undefined],
] as const)('with %s, the page judges as the program does', async ([, subtle]) => {
  const { code } = await buildPage()
  const good = await openPage(code, subtle).drop(bundle, made.rootPem)
  expect(good).toMatchObject({
    className: 'sound',
    verdict: expect.stringMatching(/^sound: session/),
    found: expect.arrayContaining(['ML-DSA-44 signatures cover 17 of 17 leaves']),
  })
  const forged = bundle.replace('"id":"b","outcome"', '"id":"x","outcome"')
  expect(await openPage(code, subtle).drop(forged, made.rootPem)).toMatchObject({
    className: 'broken',
    verdict: expect.stringMatching(/^broken at index 9/),
  })
  const other = auditedSample().rootPem
  expect(await openPage(code, subtle).drop(bundle, other)).toMatchObject({
    className: 'broken',
    verdict: expect.stringContaining('another root'),
  })
  expect(await openPage(code, subtle).drop(bundle)).toMatchObject({
    className: 'unusable',
    verdict: expect.stringContaining('root.pem'),
  })
})
