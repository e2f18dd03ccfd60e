import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import { readOrThrow, saidIn, toolsOf } from './testing/read-or-throw.ts'

test('a request of Claude Code says what it says, channel by channel, in order', () => {
  const request = readOrThrow('messages', {
    model: 'claude-opus-4-5',
    messages: [
      { role: 'user', content: 'hello' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
          { type: 'redacted_thinking', data: 'b3BhcXVl' },
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'ls', n: 3, deep: ['a'] } },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 't1',
            content: [
              { type: 'text', text: 'a.ts' },
              { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
              { type: 'tool_reference', tool_name: 'Read' },
            ],
          },
          {
            type: 'tool_result',
            tool_use_id: 't2',
            content: 'plain',
            cache_control: { type: 'ephemeral' },
          },
        ],
      },
      { role: 'system', content: 'a note' },
    ],
    system: [{ type: 'text', text: 'You are an agent.', cache_control: { type: 'ephemeral' } }],
    tools: [
      {
        name: 'Bash',
        description: 'runs',
        input_schema: {
          type: 'object',
          properties: {
            command: { type: 'string', description: 'what to run' },
            'an odd name': {},
          },
        },
      },
    ],
    metadata: { user_id: 'somebody' },
    max_tokens: 32000,
    thinking: { type: 'adaptive' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    stream: true,
  })
  expect(request).toEqual({
    kind: 'read',
    api: 'messages',
    model: 'claude-opus-4-5',
    stream: true,
    maxOutputTokens: 32000,
    tools: [{ name: 'Bash', type: 'custom', isServerSide: false }],
    texts: [
      { channel: 'user', text: 'hello' },
      { channel: 'assistant', text: 'hm' },
      { channel: 'assistant', text: 'I look.' },
      { channel: 'assistant', text: 'ls\na' },
      { channel: 'tool-result', text: 'a.ts' },
      { channel: 'tool-result', text: 'plain' },
      { channel: 'system', text: 'a note' },
      { channel: 'system', text: 'You are an agent.' },
      { channel: 'tool-definition', text: 'Bash\nruns\nobject\nstring\nwhat to run\nan odd name' },
      { channel: 'system', text: 'clear_thinking_20251015\nall' },
    ],
    unsupported: [],
    pictures: 1,
    pictureBytes: 4,
    tiers: [],
    refersElsewhere: false,
    fresh: request.texts,
  })
})

test('Codex hides its tools in an item of its input, and they are found', () => {
  const request = readOrThrow('responses', {
    type: 'response.create',
    model: 'gpt-6.1-sol',
    input: [
      {
        type: 'additional_tools',
        role: 'developer',
        tools: [
          {
            type: 'custom',
            name: 'exec',
            description: 'runs JavaScript',
            format: { type: 'text' },
          },
          {
            type: 'namespace',
            name: 'agents',
            description: 'others',
            tools: [{ type: 'function', name: 'spawn_agent', parameters: {} }],
          },
        ],
      },
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'rules' }] },
      { role: 'user', content: 'do it' },
      {
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: 'hm' }],
        encrypted_content: 'eA==',
      },
      { type: 'custom_tool_call', call_id: 'c1', name: 'exec', input: 'text(1)' },
      {
        type: 'custom_tool_call_output',
        call_id: 'c1',
        output: [
          { type: 'input_text', text: 'out' },
          { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
        ],
      },
      { type: 'function_call', call_id: 'c2', name: 'wait', arguments: '{"ms":1}' },
      { type: 'function_call_output', call_id: 'c2', output: 'waited' },
      { type: 'local_shell_call', call_id: 'c3', action: { type: 'exec', command: ['ls', '-l'] } },
      { type: 'compaction', encrypted_content: 'eA==' },
    ],
    previous_response_id: 'resp_1',
    store: false,
    client_metadata: { turn: '1' },
    generate: false,
  })
  expect(saidIn(request)).toEqual([
    'tool-definition: custom\nexec\nruns JavaScript\ntext',
    'tool-definition: agents\nothers',
    'tool-definition: function\nspawn_agent',
    'system: rules',
    'user: do it',
    'assistant: hm',
    'assistant: text(1)',
    'tool-result: out',
    'assistant: {"ms":1}',
    'tool-result: waited',
    'assistant: exec\nls\n-l',
  ])
  expect(toolsOf(request)).toEqual(['custom exec', 'function spawn_agent'])
  expect(request).toMatchObject({
    stream: true,
    pictures: 1,
    refersElsewhere: true,
    unsupported: [],
  })
})

test('a request of Chat Completions: tools, calls, results and pictures', () => {
  const request = readOrThrow('chat', {
    model: 'gpt-4.1',
    messages: [
      { role: 'developer', content: 'rules' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'hm',
        tool_calls: [
          { id: 'c', type: 'function', function: { name: 'bash', arguments: '{"command":"ls"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c', content: 'a.ts' },
    ],
    tools: [{ type: 'function', function: { name: 'bash', description: 'runs', parameters: {} } }],
    functions: [{ name: 'old', parameters: {} }],
    max_tokens: 10,
    max_completion_tokens: 20,
    stream: false,
  })
  expect(saidIn(request)).toEqual([
    'system: rules',
    'user: look',
    'assistant: hm',
    'assistant: {"command":"ls"}',
    'tool-result: a.ts',
    'tool-definition: bash\nruns',
    'tool-definition: old',
  ])
  expect(toolsOf(request)).toEqual(['function bash', 'function old'])
  expect(request).toMatchObject({ stream: false, maxOutputTokens: 20, pictures: 1 })
})

test('a request of Gemini, in both spellings of protobuf', () => {
  const camel = {
    contents: [
      { parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [{ thought: true, text: 'hm' }, { functionCall: { name: 'sh', args: { c: 'ls' } } }],
      },
      { role: 'user', parts: [{ functionResponse: { name: 'sh', response: { output: 'a.ts' } } }] },
      { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }] },
    ],
    systemInstruction: { parts: [{ text: 'rules' }] },
    tools: [{ functionDeclarations: [{ name: 'sh', description: 'runs' }] }],
    generationConfig: { maxOutputTokens: 99, responseSchema: { description: 'as told' } },
  }
  const snake = JSON.stringify(camel).replace(/"(\w+)":/g, (name) => {
    return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  })
  expect(snake).toContain('max_output_tokens')
  const request = readOrThrow('gemini', camel)
  expect(saidIn(request)).toEqual([
    'user: hi',
    'assistant: hm',
    'assistant: sh\nls',
    'tool-result: a.ts',
    'system: rules',
    'tool-definition: sh\nruns',
    'system: as told',
  ])
  expect(request).toMatchObject({ maxOutputTokens: 99, pictures: 1, model: 'gemini-3-pro' })
  expect(readOrThrow('gemini', snake)).toEqual(request)
})

test('names that mean something to JavaScript are names', () => {
  const request = readOrThrow(
    'messages',
    '{"model":"m","messages":[],"__proto__":{"tools":[]},"constructor":{}}',
  )
  expect(request.unsupported.map(({ type }) => type)).toEqual([
    'field __proto__',
    'field constructor',
  ])
  const gemini = readOrThrow('gemini', '{"contents":[{"parts":[{"__proto__":{"text":"x"}}]}]}')
  expect(gemini.unsupported.map(({ type }) => type)).toEqual(['_Proto__'])
})

test.for<[ModelApi, string, string, string[]]>([
  ['chat', 'service_tier', 'flex', ['flex']],
  ['responses', 'service_tier', 'flex', ['flex']],
  ['gemini', 'serviceTier', 'flex', ['flex']],
  // OpenAI reads past it, and charges as ever
  ['chat', 'serviceTier', 'flex', ['flex', 'standard']],
  ['responses', 'service-tier', 'flex', ['flex', 'standard']],
  ['messages', 'speed', 'fast', ['fast', 'standard']],
])('of %s, %s: %s asks for %j', ([api, name, value, tiers]) => {
  const model = api === 'gemini' ? {} : { model: 'm' }
  expect(readOrThrow(api, { ...model, [name]: value })).toMatchObject({ tiers })
})
