import type { ChangedTool, Offered } from './conversation.ts'
import { each, type Members, type Reading } from './members.ts'
import { Untranslatable } from './untranslatable.ts'

/** Codex puts what stands in no namespace into this one. */
const NO_NAMESPACE = 'functions'
/** What other providers take for a name of a tool. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** Tools of the Responses API as functions, which is what other formats have. */
export class ResponsesTools {
  readonly offered: Offered[] = []
  /** those that are not offered as they are */
  readonly changed = new Map<string, ChangedTool>()
  readonly #reading: Reading

  constructor(reading: Reading) {
    this.#reading = reading
  }

  /** @throws Untranslatable for a tool of another kind */
  add(tools: readonly unknown[], path: string, namespace: string | null = null): void {
    for (const { value, path: at } of each(tools, path)) {
      const tool = this.#reading.open(value, at)
      tool.drop(['async', 'allowed_callers', 'defer_loading', 'output_schema'])
      const type = tool.needText('type')
      if (type === 'namespace') this.#addAll(tool)
      else if (type === 'function') this.#addFunction(tool, namespace)
      else if (type === 'custom') this.#addCustom(tool, namespace)
      else throw new Untranslatable(tool.at('type'), type)
    }
  }

  /** What a tool is called where there are no namespaces. */
  nameOf({ name, namespace }: { name: string; namespace: string | null }): string {
    return namespace === null || namespace === NO_NAMESPACE ? name : `${namespace}__${name}`
  }

  #addAll(tool: Members): void {
    const name = tool.needText('name')
    this.add(tool.list('tools'), tool.at('tools'), name === NO_NAMESPACE ? null : name)
    tool.take('description')
  }

  #addFunction(tool: Members, namespace: string | null): void {
    const name = tool.needText('name')
    const offered = {
      name: this.#claim(tool, { name, namespace, isCustom: false }),
      description: tool.text('description') ?? null,
      schema: tool.take('parameters') ?? { type: 'object', properties: {} },
      isStrict: tool.flag('strict'),
    }
    this.offered.push(offered)
  }

  /** Free text, which others can only be given as a member of an object. */
  #addCustom(tool: Members, namespace: string | null): void {
    const name = tool.needText('name')
    const format = tool.inner('format')
    format?.take('type')
    format?.take('syntax')
    const grammar = format?.text('definition')
    const description = [tool.text('description'), grammar].filter((text) => text !== undefined)
    const input = { type: 'string', description: 'the whole text that the tool takes, as it is' }
    this.offered.push({
      name: this.#claim(tool, { name, namespace, isCustom: true }),
      description: description.join('\n\n'),
      schema: {
        type: 'object',
        properties: { input },
        required: ['input'],
        additionalProperties: false,
      },
      isStrict: null,
    })
  }

  #claim(tool: Members, changed: ChangedTool): string {
    const name = this.nameOf(changed)
    if (!NAME.test(name)) throw new Untranslatable(tool.at('name'), 'no name of a tool elsewhere')
    if (this.offered.some((each) => each.name === name)) {
      throw new Untranslatable(tool.at('name'), 'a name of two tools')
    }
    if (changed.isCustom || name !== changed.name) this.changed.set(name, changed)
    return name
  }
}
