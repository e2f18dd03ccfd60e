import { expect, test } from 'vitest'
import { type TranslatedApi, translateRequest } from './translate-request.ts'

function translate(from: TranslatedApi, to: TranslatedApi, body: object) {
  const result = translateRequest({ from, to }, Buffer.from(JSON.stringify(body)), { model: 'm' })
  if (result.kind === 'untranslatable') return result
  return { ...result, body: JSON.parse(result.body.toString()) as unknown }
}

const SCHEMA = { type: 'object', properties: { command: { type: 'string' } } }

const IN_MESSAGES = {
  model: 'm',
  max_tokens: 100,
  system: [{ type: 'text', text: 'rules' }],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'go' }] },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'c1', name: 'bash', input: { command: 'ls' } },
        { type: 'tool_use', id: 'c2', name: 'bash', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'a.ts' }] },
        {
          type: 'tool_result',
          tool_use_id: 'c2',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
      ],
    },
  ],
  tools: [{ name: 'bash', description: 'runs', input_schema: SCHEMA }],
  tool_choice: { type: 'any', disable_parallel_tool_use: true },
  temperature: 0.5,
  stream: true,
}

const IN_RESPONSES = {
  model: 'm',
  input: [
    { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'rules' }] },
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'go' }] },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
    { type: 'function_call', call_id: 'c1', name: 'bash', arguments: '{"command":"ls"}' },
    { type: 'function_call', call_id: 'c2', name: 'bash', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c1', output: 'a.ts' },
    {
      type: 'function_call_output',
      call_id: 'c2',
      output: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }],
    },
  ],
  store: false,
  max_output_tokens: 100,
  tools: [
    { type: 'function', name: 'bash', description: 'runs', parameters: SCHEMA, strict: false },
  ],
  tool_choice: 'required',
  parallel_tool_calls: false,
  temperature: 0.5,
  stream: true,
}

const IN_CHAT = {
  model: 'm',
  messages: [
    { role: 'system', content: 'rules' },
    { role: 'user', content: [{ type: 'text', text: 'go' }] },
    {
      role: 'assistant',
      content: 'I look.',
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'bash', arguments: '{"command":"ls"}' } },
        { id: 'c2', type: 'function', function: { name: 'bash', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'a.ts' },
    { role: 'tool', tool_call_id: 'c2', content: '' },
    {
      role: 'user',
      content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
    },
  ],
  max_completion_tokens: 100,
  tools: [
    { type: 'function', function: { name: 'bash', description: 'runs', parameters: SCHEMA } },
  ],
  tool_choice: 'required',
  parallel_tool_calls: false,
  temperature: 0.5,
  stream: true,
  stream_options: { include_usage: true },
}

test('a request of Messages is the same one of Responses and of Chat', () => {
  expect(translate('messages', 'responses', IN_MESSAGES)).toMatchObject({
    body: IN_RESPONSES,
    dropped: [],
  })
  expect(translate('messages', 'chat', IN_MESSAGES)).toMatchObject({ body: IN_CHAT, dropped: [] })
})

test('a request of Responses is the same one of Messages and of Chat', () => {
  expect(translate('responses', 'messages', IN_RESPONSES)).toMatchObject({
    body: IN_MESSAGES,
    dropped: ['detail', 'store'],
  })
  const [tool] = IN_CHAT.tools
  expect(translate('responses', 'chat', IN_RESPONSES)).toMatchObject({
    body: { ...IN_CHAT, tools: [{ ...tool, function: { ...tool?.function, strict: false } }] },
    dropped: ['detail', 'store'],
  })
})

test('a picture that a tool has given is the user’s where tools give texts only', () => {
  const back = translate('chat', 'messages', IN_CHAT)
  const [, , results] = IN_MESSAGES.messages
  const [first] = results?.content ?? []
  expect(back).toMatchObject({
    body: {
      ...IN_MESSAGES,
      messages: [
        ...IN_MESSAGES.messages.slice(0, 2),
        {
          role: 'user',
          content: [
            first,
            { type: 'tool_result', tool_use_id: 'c2', content: [] },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
          ],
        },
      ],
    },
    dropped: ['stream_options'],
  })
})

test('hints that were left out are told by name, and how the reply is wanted', () => {
  const [message] = IN_MESSAGES.messages
  const body = {
    ...IN_MESSAGES,
    metadata: { user_id: 'x' },
    thinking: { type: 'adaptive' },
    messages: [
      message,
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }] },
    ],
  }
  expect(translate('messages', 'chat', body)).toMatchObject({
    dropped: ['metadata', 'thinking'],
    reply: { from: 'chat', to: 'messages', isStream: true, tellsUsage: false, changed: new Map() },
  })
})

test('instructions in the middle of a conversation become the user’s, which is told', () => {
  const body = {
    model: 'm',
    input: [
      { role: 'user', content: 'go' },
      { role: 'developer', content: 'a note' },
    ],
  }
  expect(translate('responses', 'messages', body)).toMatchObject({
    body: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'go' },
            { type: 'text', text: 'a note' },
          ],
        },
      ],
    },
    dropped: ['role system'],
  })
})

test('tools of free text and of namespaces are functions elsewhere', () => {
  const body = {
    model: 'm',
    input: [
      {
        type: 'additional_tools',
        role: 'developer',
        tools: [
          {
            type: 'namespace',
            name: 'functions',
            description: '',
            tools: [
              {
                type: 'custom',
                name: 'exec',
                description: 'runs',
                format: { type: 'grammar', syntax: 'lark', definition: 'start: x' },
              },
            ],
          },
          {
            type: 'namespace',
            name: 'clock',
            description: 'time',
            tools: [{ type: 'function', name: 'sleep', parameters: SCHEMA, strict: false }],
          },
        ],
      },
      { role: 'user', content: 'go' },
      { type: 'custom_tool_call', call_id: 'c1', name: 'exec', input: 'text(1)' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'out' },
      { type: 'function_call', call_id: 'c2', name: 'sleep', namespace: 'clock', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c2', output: '' },
    ],
  }
  const result = translate('responses', 'messages', body)
  expect(result).toMatchObject({
    body: {
      messages: [
        { role: 'user' },
        { role: 'assistant', content: [{ name: 'exec', input: { input: 'text(1)' } }] },
        { role: 'user' },
        { role: 'assistant', content: [{ name: 'clock__sleep', input: {} }] },
        { role: 'user' },
      ],
      tools: [
        { name: 'exec', description: 'runs\n\nstart: x', input_schema: { required: ['input'] } },
        { name: 'clock__sleep' },
      ],
    },
    reply: {
      changed: new Map([
        ['exec', { name: 'exec', namespace: null, isCustom: true }],
        ['clock__sleep', { name: 'sleep', namespace: 'clock', isCustom: false }],
      ]),
    },
  })
})

const ASK = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'go' }] }

test.for<[TranslatedApi, TranslatedApi, object, string]>([
  [
    'messages',
    'chat',
    { ...ASK, tools: [{ type: 'web_search_20250305', name: 'x' }] },
    'tools[0].type',
  ],
  ['messages', 'chat', { ...ASK, mcp_servers: [{ name: 'x' }] }, 'mcp_servers'],
  ['messages', 'chat', { ...ASK, container: 'c' }, 'container'],
  ['messages', 'chat', { ...ASK, fallbacks: [{ model: 'x' }] }, 'fallbacks'],
  ['messages', 'responses', { ...ASK, stop_sequences: ['x'] }, 'stop'],
  [
    'messages',
    'chat',
    { ...ASK, messages: [{ role: 'user', content: [{ type: 'document', source: {} }] }] },
    'messages[0].content[0].type',
  ],
  [
    'messages',
    'chat',
    { ...ASK, messages: [{ role: 'user', content: [{ type: 'text', text: 'x', extra: 1 }] }] },
    'messages[0].content[0].extra',
  ],
  ['messages', 'chat', { ...ASK, future: { x: 1 } }, 'future'],
  [
    'responses',
    'chat',
    { model: 'm', input: [], previous_response_id: 'r' },
    'previous_response_id',
  ],
  ['responses', 'chat', { model: 'm', input: [], background: true }, 'background'],
  ['responses', 'chat', { model: 'm', input: [], prompt: { id: 'p' } }, 'prompt'],
  ['responses', 'messages', { model: 'm', input: [{ type: 'compaction' }] }, 'input[0].type'],
  [
    'responses',
    'messages',
    { model: 'm', input: [], tools: [{ type: 'web_search' }] },
    'tools[0].type',
  ],
  [
    'responses',
    'messages',
    { model: 'm', input: [], text: { format: { type: 'json_object' } } },
    'format',
  ],
  [
    'responses',
    'messages',
    { model: 'm', input: [{ type: 'function_call', call_id: 'c', name: 'x', arguments: '[]' }] },
    'arguments',
  ],
  ['chat', 'messages', { ...ASK, n: 2 }, 'n'],
  ['chat', 'messages', { ...ASK, temperature: 1.5 }, 'temperature'],
  ['chat', 'messages', { ...ASK, web_search_options: {} }, 'web_search_options'],
  ['chat', 'messages', { ...ASK, logprobs: true }, 'logprobs'],
  ['chat', 'responses', { ...ASK, modalities: ['text', 'audio'] }, 'modalities'],
  ['chat', 'messages', { ...ASK, tools: [{ type: 'custom', custom: {} }] }, 'tools[0].type'],
])('%s to %s: %j is refused by name', ([from, to, body, path]) => {
  expect(translate(from, to, body)).toMatchObject({ kind: 'untranslatable', path })
})
