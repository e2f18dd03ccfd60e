import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs'
import { SekishoError } from '../core/error.ts'
import { askCedar, type CedarLibrary } from './cedar-library.ts'
import { SCHEMA_TEXT } from './schema-text.ts'

export type CedarSchema = SchemaJson<string>
type Namespace = NonNullable<CedarSchema[string]>
export type ActionOf = Namespace['actions'][string]
export type CommonType = NonNullable<Namespace['commonTypes']>[string]

export const NAMESPACE = 'Sekisho'

/** Every declared operation is in it, and has its context. */
const ANY_CALL = 'tool.call'

/** What a declared operation adds to the schema. */
export type OperationFragment = {
  /** such as `mail.send`; its action is `tool.call/mail.send` */
  operation: string
  /** type of its arguments, as Cedar's JSON schemas write one */
  args: CommonType
  /** types that `args` names, by names that no other operation has */
  types?: Readonly<Record<string, CommonType>> | undefined
}

/**
 * The platform's schema with an action for each declared operation, whose context has its arguments
 * by type. An operation changes nothing of what is there already.
 */
export function schemaWith(
  cedar: CedarLibrary,
  fragments: readonly OperationFragment[],
): CedarSchema {
  const answer = askCedar(() => cedar.schemaToJson(SCHEMA_TEXT))
  const own = answer.type === 'success' ? answer.json[NAMESPACE] : undefined
  const call = own?.actions[ANY_CALL]
  if (own === undefined || call === undefined) {
    throw new SekishoError('INTERNAL', "Cedar's library does not read the platform's schema")
  }
  const types = fragments.flatMap((fragment) => Object.entries(fragment.types ?? {}))
  const calls = fragments.map(
    ({ operation, args }) => [`${ANY_CALL}/${operation}`, callWith(call, args)] as const,
  )
  return {
    [NAMESPACE]: {
      ...own,
      commonTypes: { ...Object.fromEntries(types), ...own.commonTypes },
      actions: { ...Object.fromEntries(calls), ...own.actions },
    },
  }
}

function callWith(call: ActionOf, args: CommonType): ActionOf {
  const { appliesTo } = call
  const context = appliesTo?.context
  if (appliesTo === undefined || context === undefined || !('attributes' in context)) {
    throw new SekishoError('INTERNAL', `the platform's schema has no context of ${ANY_CALL}`)
  }
  return {
    ...call,
    memberOf: [{ id: ANY_CALL }],
    appliesTo: {
      ...appliesTo,
      context: { ...context, attributes: { ...context.attributes, args } },
    },
  }
}
