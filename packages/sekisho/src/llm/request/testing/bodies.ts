/** A body as Claude Code sends it: about 52 KB, of which each turn says most again. */
export function claudeCodeBody(turns: number): Record<string, unknown> {
  const tools = Array.from({ length: 18 }, (_, index) => ({
    name: `Tool${index}`,
    description: `${PROSE}\n\nUsage:\n- ${PROSE}`.slice(0, 1300),
    input_schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        file_path: { description: 'The absolute path to the file to modify', type: 'string' },
        old_string: { description: 'The text to replace', type: 'string' },
        replace_all: { default: false, description: 'Replace all occurrences', type: 'boolean' },
      },
      required: ['file_path', 'old_string'],
      additionalProperties: false,
    },
  }))
  return {
    model: 'claude-opus-4-5',
    messages: [
      {
        role: 'user',
        content: [{ type: 'text', text: '<system-reminder>\nToday’s date is 2026-11-22.\n' }],
      },
      ...Array.from({ length: turns }, (_, turn) => turnOf(turn, turn === turns - 1)).flat(),
    ],
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330' },
      { type: 'text', text: 'You are an agent.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: PROSE.repeat(20), cache_control: { type: 'ephemeral' } },
    ],
    tools,
    metadata: { user_id: 'user_1_account__session_2' },
    max_tokens: 32_000,
    thinking: { type: 'adaptive' },
    output_config: { effort: 'medium' },
    stream: true,
  }
}

function turnOf(turn: number, isLast: boolean): object[] {
  const id = `toolu_${String(turn).padStart(24, '0')}`
  const cache = isLast ? { cache_control: { type: 'ephemeral' } } : {}
  return [
    {
      role: 'assistant',
      content: [
        {
          type: 'thinking',
          thinking: `Step ${turn}: ${PROSE.slice(0, 200)}`,
          signature: 'c2ln'.repeat(40),
        },
        { type: 'tool_use', id, name: 'Bash', input: { command: `sed -n ${turn},99p src/a.ts` } },
      ],
    },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: id,
          content: `${turn}: ${CODE.slice(0, 700)}`,
          ...cache,
        },
      ],
    },
  ]
}

const PROSE =
  'Use this tool to read files of the project. It is “safe”: results come with line numbers, and a path has to be absolute. Prefer it over a shell, whose output is cut off after 30,000 characters.\n'
const CODE =
  `export function read(path: string): string {\n\tconst text = load(path)\n\treturn text.replace("\\r\\n", "\\n")\n}\n`.repeat(
    12,
  )
