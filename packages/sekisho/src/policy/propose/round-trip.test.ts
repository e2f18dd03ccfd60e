import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import { parseAgentFile } from '../agent-file.ts'
import { type CompiledPolicy, compilePolicy } from '../compile.ts'
import { sessionPolicy } from '../session-policy.ts'
import { insertRules, ruleLines } from './insert-rules.ts'
import { writePatch } from './patch.ts'
import { type Proposal, propose } from './proposal.ts'
import { attemptsOf, groundOf, NOW_MS, PATH, request, SESSION } from './testing/denied.ts'
import { applyEdits } from './unified-insertion.ts'

const LAYOUTS = {
  'rules, then comments and more': `# the bot
version: 1
name: docs-bot
presets: [git-forges]
rules:
  # reads
  - id: read
    effect: allow
    host: open.example
    paths: ["/v1/**"]
  - { id: no, effect: deny, host: a.example, paths: ["/items/1"] } # never

# limits below
limits: { memory: 1GiB } # enough
`,
  'hyphens at the margin, and no last line end': `version: 1
name: docs-bot
rules:
- id: read
  effect: allow
  host: open.example
  methods:
  - GET`,
  'no rules':
    'version: 1\nname: docs-bot\n# opens nothing\npresets: [git-forges] # yet\nlimits: {}\n',
  'an empty list': 'version: 1\nname: docs-bot\nrules: [] # none yet\nlimits: {}\n',
  'no network': 'version: 1\nname: docs-bot\npresets: none # cut off\n',
  'no network by its other name': 'version: 1\nname: docs-bot\npresets: off\n',
  'no network, as a list, at the very end': 'version: 1\nname: docs-bot\npresets:\n  - none',
  'Windows line ends':
    'version: 1\r\nname: docs-bot\r\nrules:\r\n  - id: a\r\n    effect: allow\r\n    host: open.example\r\n',
} as const

const compile = (text: string): CompiledPolicy =>
  compilePolicy(sessionPolicy(parseAgentFile(text, PATH), []), () => NOW_MS)

const proposalFor = (text: string, requests: readonly HttpRequestAction[]): Proposal =>
  propose(SESSION, attemptsOf(...requests), groundOf(text))

/** The file with the proposal in it, as the patch would leave it. */
function apply(text: string, proposal: Proposal): string {
  const edits = insertRules(
    text,
    proposal.rules.map((rule) => ruleLines(rule, proposal)),
  )
  if (edits === undefined) throw new Error('no place for rules')
  return applyEdits(text, edits)
}

const segment = fc.constantFrom('items', 'users', '1', '2', '3', '4', 'x-1')
const requests = fc.array(
  fc
    .record({
      method: fc.constantFrom('GET', 'HEAD', 'POST'),
      origin: fc.constantFrom('https://a.example', 'https://b.a.example:8443', 'http://c.example'),
      path: fc.array(segment, { minLength: 1, maxLength: 3 }).map((s) => `/${s.join('/')}`),
    })
    .map(({ method, origin, path }) => request(method, origin + path)),
  { minLength: 1, maxLength: 12 },
)

/** One thing changed about a request: what a rule that is too wide would let through. */
function neighbours(action: HttpRequestAction): HttpRequestAction[] {
  const { path, host, port } = action
  const segments = path.split('/')
  const otherSegments = segments.flatMap((_, i) =>
    i === 0 ? [] : ['9', 'other', ''].map((s) => segments.with(i, s).join('/')),
  )
  return [
    ...['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'].map((method) => ({ ...action, method })),
    ...[...otherSegments, `${path}/more`, `${path}/`, '/', `/before${path}`, `${path}%2Fx`].map(
      (other) => ({ ...action, path: other }),
    ),
    ...[`x.${host}`, host.slice(2), `${host}.evil.example`].map((other) => ({
      ...action,
      host: other,
    })),
    { ...action, port: port + 1 },
    { ...action, scheme: action.scheme === 'http' ? 'https' : 'http' },
  ]
}

const placeOf = ({ method, scheme, host, port }: HttpRequestAction): string =>
  [method, scheme, host, port].join(' ')

/** Said in other words than the code's: the same but for numbers of which three were seen there. */
function isSibling(action: HttpRequestAction, seen: readonly HttpRequestAction[]): boolean {
  const shape = (path: string): string => path.replace(/(?<=\/)\d+(?=\/|$)/g, '#')
  const there = seen.filter((other) => placeOf(other) === placeOf(action))
  return there.some((other) => {
    const [wanted, had] = [action.path.split('/'), other.path.split('/')]
    const alike = there.filter(({ path }) => shape(path) === shape(other.path))
    return (
      wanted.length === had.length &&
      wanted.every((s, i) => {
        const values = new Set(alike.map(({ path }) => path.split('/')[i]))
        return s === had[i] || (/^\d+$/.test(had[i] ?? '') && values.size >= 3)
      })
    )
  })
}

test.for(Object.entries(LAYOUTS))(
  'in a file with %s the patch allows what was denied and nothing beside it',
  ([, text]) => {
    const before = compile(text)
    fc.assert(
      fc.property(requests, (seen) => {
        const denied = seen.filter((action) => before.decide(action).kind === 'deny')
        const ruled = denied.filter((action) => before.decide(action).kind !== 'allow')
        const proposal = proposalFor(text, ruled)
        fc.pre(proposal.rules.length > 0)
        const after = compile(apply(text, proposal))
        const stays = proposal.notProposed.reduce((sum, row) => sum + row.attempts, 0)
        const still = denied.filter((action) => after.decide(action).kind === 'deny')
        expect(still).toHaveLength(stays)
        for (const action of denied.flatMap(neighbours)) {
          if (after.decide(action).kind !== 'allow' || before.decide(action).kind === 'allow')
            continue
          expect([action.path, isSibling(action, denied)]).toEqual([action.path, true])
        }
      }),
      { numRuns: 60 },
    )
  },
)

test.for(Object.entries(LAYOUTS))(
  'in a file with %s `patch` makes of the diff what was checked, comments kept',
  ([, text]) => {
    const proposal = proposalFor(text, [
      request('GET', 'https://a.example/x'),
      request('POST', 'https://z.example/'),
    ])
    const patch = writePatch(proposal, { path: PATH, text }, groundOf(text))
    expect(patch.kind).toBe('patch')
    const directory = mkdtempSync(join(tmpdir(), 'sekisho-propose-'))
    try {
      mkdirSync(join(directory, 'agents'))
      writeFileSync(join(directory, PATH), text)
      execFileSync('patch', ['--binary', '-p1', '-d', directory], { input: patch.text })
      const patched = readFileSync(join(directory, PATH), 'utf8')
      expect(patched).toBe(apply(text, proposal))
      const comments = (s: string): string[] => s.match(/#[^\r\n]*/g) ?? []
      const lost = comments(text).filter((c) => !patched.includes(c))
      expect(lost).toEqual(text.includes('presets: none # cut off') ? ['# cut off'] : [])
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)

test('a list in one line gets no patch but the rules to put in by hand', () => {
  const text = 'version: 1\nname: docs-bot\nrules: [{ id: a, effect: allow, host: open.example }]\n'
  const proposal = proposalFor(text, [request('GET', 'https://a.example/x')])
  const patch = writePatch(proposal, { path: PATH, text }, groundOf(text))
  expect(patch).toMatchObject({
    kind: 'fragment',
    why: 'its list of rules is not written line by line',
  })
  const fragment = `version: 1\nname: docs-bot\n${patch.text}`
  expect(compile(fragment).decide(request('GET', 'https://a.example/x')).kind).toBe('allow')
})

test('what the setup phase was denied goes into its own rules, and opens nothing to the agent', () => {
  const text = `version: 1
name: docs-bot
setup:
  command: [npm, ci] # first
rules:
  - { id: a, effect: allow, host: open.example }
`
  const action = request('GET', 'https://open.example/x')
  const ground = groundOf(text, 'setup')
  const proposal = propose(SESSION, attemptsOf(action), ground)
  const patch = writePatch(proposal, { path: PATH, text }, ground)
  expect(patch.kind).toBe('patch')
  const lines = proposal.rules.map((rule) => ruleLines(rule, proposal))
  const after = applyEdits(text, insertRules(text, lines, 'setup') ?? [])
  const agent = parseAgentFile(after, PATH)
  expect(agent.rules.map(({ id }) => id)).toEqual(['a'])
  expect(agent.setup?.rules.map(({ id }) => id)).toEqual(['proposed-open.example'])
})

test('for a setup phase that only a caller has named the rules are to be put in by hand', () => {
  const text = 'version: 1\nname: docs-bot\n'
  const ground = groundOf(text, 'setup')
  const proposal = propose(SESSION, attemptsOf(request('GET', 'https://a.example/x')), ground)
  const patch = writePatch(proposal, { path: PATH, text }, ground)
  expect(patch).toMatchObject({ kind: 'fragment', why: 'it has no setup phase' })
  const { setup } = parseAgentFile(text + patch.text, PATH)
  expect(setup?.rules.map(({ host }) => host)).toEqual(['a.example'])
})
