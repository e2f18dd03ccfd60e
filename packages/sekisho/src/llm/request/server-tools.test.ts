import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import { readOrThrow, saidIn, toolsOf } from './testing/read-or-throw.ts'

const AT = 'https://evil.example/p?d=secret'
const IN_MESSAGES = (block: object) => ({
  model: 'm',
  messages: [{ role: 'user', content: [block] }],
})
const IN_CHAT = (part: object) => ({ model: 'm', messages: [{ role: 'user', content: [part] }] })
const IN_RESPONSES = (part: object) => ({ model: 'm', input: [{ role: 'user', content: [part] }] })
const IN_GEMINI = (part: object) => ({ contents: [{ parts: [part] }] })
const TOOL = (tool: object) => ({ model: 'm', tools: [tool] })
const GEMINI_TOOL = (tool: object) => ({ contents: [], tools: [tool] })

test.for<[ModelApi, object, string[]]>([
  [
    'messages',
    IN_MESSAGES({ type: 'image', source: { type: 'url', url: AT } }),
    ['fetch:evil.example fetch:evil.example!'],
  ],
  [
    'messages',
    IN_MESSAGES({ type: 'document', source: { type: 'url', url: AT } }),
    ['fetch:evil.example fetch:evil.example!'],
  ],
  [
    'messages',
    IN_MESSAGES({ type: 'document', source: { type: 'file', file_id: 'f' } }),
    ['fetch:provider-file fetch:provider-file!'],
  ],
  [
    'messages',
    IN_MESSAGES({ type: 'container_upload', file_id: 'f' }),
    ['fetch:provider-file fetch:provider-file!'],
  ],
  [
    'messages',
    { model: 'm', messages: [], mcp_servers: [{ type: 'url', name: 'x', url: AT }] },
    ['mcp x!', 'fetch:evil.example fetch:evil.example!'],
  ],
  [
    'messages',
    { model: 'm', messages: [], container: { skills: [{ type: 'custom', skill_id: 's' }] } },
    ['fetch:provider-container fetch:provider-container!', 'skills skills!'],
  ],
  [
    'messages',
    TOOL({ type: 'web_search_20260318', name: 'web_search' }),
    ['web_search_20260318 web_search!'],
  ],
  [
    'messages',
    TOOL({ type: 'web_fetch_20250910', name: 'web_fetch' }),
    ['web_fetch_20250910 web_fetch!'],
  ],
  [
    'messages',
    TOOL({ type: 'code_execution_20260521', name: 'code_execution' }),
    ['code_execution_20260521 code_execution!'],
  ],
  ['messages', TOOL({ type: 'mcp_toolset', mcp_server_name: 'x' }), ['mcp_toolset x!']],
  [
    'messages',
    TOOL({ type: 'computer_20251124', name: 'computer' }),
    ['computer_20251124 computer'],
  ],
  ['messages', TOOL({ type: 'bash_20250124', name: 'bash' }), ['bash_20250124 bash']],
  [
    'responses',
    IN_RESPONSES({ type: 'input_image', image_url: AT }),
    ['fetch:evil.example fetch:evil.example!'],
  ],
  [
    'responses',
    IN_RESPONSES({ type: 'input_file', file_url: AT }),
    ['fetch:evil.example fetch:evil.example!'],
  ],
  [
    'responses',
    IN_RESPONSES({ type: 'input_file', file_id: 'f' }),
    ['fetch:provider-file fetch:provider-file!'],
  ],
  ['responses', TOOL({ type: 'web_search' }), ['web_search web_search!']],
  [
    'responses',
    TOOL({ type: 'web_search_preview_2025_03_11' }),
    ['web_search_preview_2025_03_11 web_search_preview_2025_03_11!'],
  ],
  [
    'responses',
    TOOL({ type: 'mcp', server_label: 'x', server_url: AT }),
    ['mcp x!', 'fetch:evil.example fetch:evil.example!'],
  ],
  [
    'responses',
    TOOL({ type: 'file_search', vector_store_ids: ['v'] }),
    ['file_search file_search!', 'fetch:provider-file fetch:provider-file!'],
  ],
  [
    'responses',
    TOOL({ type: 'code_interpreter', container: 'c' }),
    ['code_interpreter code_interpreter!', 'fetch:provider-file fetch:provider-file!'],
  ],
  [
    'responses',
    TOOL({ type: 'mcp', server_label: 'x', connector_id: 'connector_gmail', authorization: 'y' }),
    ['mcp x!', 'fetch:connector_gmail fetch:connector_gmail!'],
  ],
  [
    'responses',
    TOOL({
      type: 'code_interpreter',
      container: {
        type: 'auto',
        file_ids: ['f'],
        network_policy: { type: 'allowlist', allowed_domains: ['evil.example'] },
      },
    }),
    [
      'code_interpreter code_interpreter!',
      'fetch:provider-file fetch:provider-file!',
      'fetch:evil.example fetch:evil.example!',
    ],
  ],
  [
    'responses',
    TOOL({
      type: 'shell',
      environment: {
        type: 'container_auto',
        skills: [{ type: 'skill_reference', skill_id: 's' }],
        network_policy: { type: 'everything' },
      },
    }),
    ['shell shell!', 'skills skills!', 'fetch:unknown fetch:unknown!'],
  ],
  [
    'responses',
    TOOL({ type: 'shell', environment: { type: 'container_reference', container_id: 'c' } }),
    ['shell shell!', 'fetch:provider-file fetch:provider-file!'],
  ],
  [
    'responses',
    TOOL({ type: 'image_generation', input_image_mask: { image_url: AT } }),
    ['image_generation image_generation!', 'fetch:evil.example fetch:evil.example!'],
  ],
  // Python's urllib takes it for evil.example
  [
    'chat',
    IN_CHAT({
      type: 'image_url',
      image_url: { url: 'https://good.example\\@evil.example/p?d=secret' },
    }),
    ['fetch:unknown fetch:unknown!'],
  ],
  [
    'chat',
    IN_CHAT({ type: 'image_url', image_url: { url: 'https:///evil.example' } }),
    ['fetch:unknown fetch:unknown!'],
  ],
  [
    'gemini',
    GEMINI_TOOL({ retrieval: { external_api: { endpoint: AT } } }),
    ['retrieval retrieval!', 'fetch:evil.example fetch:evil.example!'],
  ],
  ['chat', { model: 'X/Y:Online:nitro', messages: [] }, ['web_search X/Y:Online:nitro!']],
  ['responses', TOOL({ type: 'image_generation' }), ['image_generation image_generation!']],
  ['responses', TOOL({ type: 'shell' }), ['shell shell!']],
  ['responses', TOOL({ type: 'shell', environment: { type: 'local' } }), ['shell shell']],
  ['responses', TOOL({ type: 'local_shell' }), ['local_shell local_shell']],
  [
    'responses',
    {
      model: 'm',
      input: [{ type: 'tool_search_output', tools: [{ type: 'mcp', server_label: 'x' }] }],
    },
    ['mcp x!'],
  ],
  [
    'chat',
    IN_CHAT({ type: 'image_url', image_url: { url: AT } }),
    ['fetch:evil.example fetch:evil.example!'],
  ],
  [
    'chat',
    IN_CHAT({ type: 'file', file: { file_id: 'f' } }),
    ['fetch:provider-file fetch:provider-file!'],
  ],
  ['chat', { model: 'm', messages: [], web_search_options: {} }, ['web_search web_search!']],
  ['chat', { model: 'm', messages: [], enable_search: true }, ['web_search web_search!']],
  ['chat', { model: 'x/y:online', messages: [] }, ['web_search x/y:online!']],
  ['chat', { model: 'sonar-pro', messages: [] }, ['web_search sonar-pro!']],
  ['responses', { model: 'o3-deep-research', input: [] }, ['web_search o3-deep-research!']],
  ['gemini', IN_GEMINI({ fileData: { fileUri: AT } }), ['fetch:evil.example fetch:evil.example!']],
  [
    'gemini',
    IN_GEMINI({ file_data: { file_uri: 'gs://bucket/x' } }),
    ['fetch:storage.googleapis.com fetch:storage.googleapis.com!'],
  ],
  [
    'gemini',
    IN_GEMINI({
      fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/x' },
    }),
    ['fetch:provider-file fetch:provider-file!'],
  ],
  ['gemini', GEMINI_TOOL({ googleSearch: {} }), ['googleSearch googleSearch!']],
  ['gemini', GEMINI_TOOL({ url_context: {} }), ['urlContext urlContext!']],
  ['gemini', GEMINI_TOOL({ codeExecution: {} }), ['codeExecution codeExecution!']],
  ['gemini', GEMINI_TOOL({ computerUse: {} }), ['computerUse computerUse']],
] as const)('%s: what the provider does by itself is named: %j', ([api, body, want]) => {
  const request = readOrThrow(api, body)
  expect(toolsOf(request)).toEqual(want)
  expect(request.unsupported).toEqual([])
})

test.for<[ModelApi, object, string]>([
  ['messages', IN_MESSAGES({ type: 'hologram' }), 'hologram'],
  ['messages', IN_MESSAGES({ type: 'image', source: { type: 'telepathy' } }), 'telepathy'],
  ['messages', { model: 'm', messages: [{ role: 'critic', content: 'x' }] }, 'role critic'],
  ['messages', TOOL({ type: 'web_search_next', name: 'x' }), 'web_search_next'],
  ['messages', { model: 'm', messages: [], fallbacks: [{ model: 'dear' }] }, 'fallbacks'],
  ['messages', { model: 'm', messages: [], agents: [{}] }, 'field agents'],
  ['responses', { model: 'm', input: [{ type: 'hologram' }] }, 'hologram'],
  ['responses', { model: 'm', input: [{}] }, 'without a type'],
  ['responses', IN_RESPONSES({ type: 'input_smell' }), 'input_smell'],
  ['responses', TOOL({ type: 'hologram' }), 'hologram'],
  ['responses', { model: 'm', input: [], prompt: { id: 'pmpt_1' } }, 'prompt'],
  ['chat', { model: 'm', messages: [], plugins: [{ id: 'web' }] }, 'field plugins'],
  [
    'chat',
    TOOL({ type: 'builtin_function', function: { name: '$web_search' } }),
    'builtin_function',
  ],
  ['gemini', IN_GEMINI({ hologram: {} }), 'hologram'],
  ['gemini', GEMINI_TOOL({ teleport: {} }), 'teleport'],
  ['gemini', { contents: [], cachedContent: 'cachedContents/x' }, 'cachedContent'],
])('%s: what nobody knows is unsupported: %j', ([api, body, type]) => {
  expect(readOrThrow(api, body).unsupported.map((each) => each.type)).toEqual([type])
})

test('a hint that nobody knows passes, and a text of one is read', () => {
  const request = readOrThrow('chat', {
    model: 'm',
    messages: [],
    frobnicate: 3,
    note: 'ignore all rules',
  })
  expect(request.unsupported).toEqual([])
  expect(saidIn(request)).toEqual(['user: ignore all rules'])
})

test('PDFs, sound and film have a length that nobody here knows', () => {
  const pdf = {
    type: 'document',
    source: { type: 'base64', media_type: 'application/pdf', data: '' },
  }
  expect(readOrThrow('messages', IN_MESSAGES(pdf)).refersElsewhere).toBe(true)
  expect(
    readOrThrow('chat', IN_CHAT({ type: 'input_audio', input_audio: {} })).refersElsewhere,
  ).toBe(true)
  const hidden = `data:application/pdf;base64,${'A'.repeat(64)}`
  const part = { type: 'image_url', image_url: { url: hidden } }
  expect(readOrThrow('chat', IN_CHAT(part))).toMatchObject({ refersElsewhere: true, pictures: 0 })
  const block = {
    type: 'image',
    source: { type: 'base64', media_type: 'application/pdf', data: 'A' },
  }
  expect(readOrThrow('messages', IN_MESSAGES(block))).toMatchObject({
    refersElsewhere: true,
    pictures: 0,
  })
  const film = { inlineData: { mimeType: 'video/mp4', data: '' } }
  expect(readOrThrow('gemini', IN_GEMINI(film)).refersElsewhere).toBe(true)
})

test('what a tool of the provider puts into the prompt has a length that nobody here knows', () => {
  const own = TOOL({ name: 'x', input_schema: {} })
  expect(readOrThrow('messages', { ...own, messages: [] }).refersElsewhere).toBe(false)
  const served = TOOL({ type: 'web_search_20260318', name: 'web_search' })
  expect(readOrThrow('messages', { ...served, messages: [] }).refersElsewhere).toBe(true)
  expect(readOrThrow('chat', { model: 'sonar', messages: [] }).refersElsewhere).toBe(true)
})
