import type { SchemaJson } from '@cedar-policy/cedar-wasm/nodejs'
import { SekishoError } from '../core/error.ts'
import { askCedar, type CedarLibrary } from './cedar-library.ts'
import { SCHEMA_TEXT } from './schema-text.ts'

export type CedarSchema = SchemaJson<string>
type Namespace = NonNullable<CedarSchema[string]>
type ActionOf = Namespace['actions'][string]

export const NAMESPACE = 'Sekisho'

/** Actions of declared operations, by their names: `tool.call/mail.send`. */
export type OperationActions = ReadonlyMap<string, ActionOf>

/**
 * The platform's schema with an action for each declared operation, whose context has its arguments
 * by type. An operation changes nothing of what is there already.
 */
export function schemaWith(cedar: CedarLibrary, operations: OperationActions): CedarSchema {
  const answer = askCedar(() => cedar.schemaToJson(SCHEMA_TEXT))
  const own = answer.type === 'success' ? answer.json[NAMESPACE] : undefined
  if (own === undefined) {
    throw new SekishoError('INTERNAL', "Cedar's library does not read the platform's schema")
  }
  return {
    [NAMESPACE]: { ...own, actions: { ...Object.fromEntries(operations), ...own.actions } },
  }
}
