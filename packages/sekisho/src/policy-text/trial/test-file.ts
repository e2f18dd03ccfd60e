import * as z from 'zod'
import { readName } from '../../policy/agent-values.ts'
import { explainRepeated } from '../../policy/explain-repeated.ts'
import { readStrictFile } from '../../policy/strict-file.ts'
import { text } from '../../policy/text.ts'
import { ApprovalKind } from '../../wire/labels.ts'
import { Phase } from '../../wire/schemas.ts'
import { readActionText } from './action-text.ts'
import { FactsText } from './facts-text.ts'
import { ModelText, ToolCallText } from './tool-call-text.ts'

/** One row of `tests/*.yaml`: what is asked, and what is to be answered. */
const TestRow = z
  .strictObject({
    /** a sentence */
    name: z.string().min(1).max(200),
    agent: text(readName),
    phase: Phase.default('agent'),
    user: z.string().max(64).optional(),
    action: text(readActionText).optional(),
    /** in place of `action`: what a model proposes that the client should do */
    toolCall: ToolCallText.optional(),
    /** which model a request asks, or a call is proposed by */
    model: ModelText.optional(),
    /** of a declared operation */
    arguments: z.json().optional(),
    facts: FactsText.prefault({}),
    expect: z.enum(['allow', 'deny', 'hold']),
    /** whose yes a hold asks for, exactly */
    needs: z.array(ApprovalKind).min(1).max(3).optional(),
    /** ids that must be among those that decided */
    rules: z.array(z.string().min(1).max(128)).max(16).default([]),
  })
  .superRefine(({ action, toolCall, model }, context) => {
    const refuse = (key: string, message: string, hint: string): void => {
      context.addIssue({ code: 'custom', message, path: [key], params: { hint } })
    }
    if ((action === undefined) === (toolCall === undefined)) {
      refuse('action', 'a test is of one action', 'write either `action` or `toolCall`')
    }
    if (model !== undefined && action !== undefined && action.kind !== 'http.request') {
      refuse('model', 'a model is asked by a request', 'write action: POST https://…')
    }
  })
  .superRefine(({ expect, needs }, context) => {
    if (needs === undefined || expect === 'hold') return
    const params = { hint: 'write expect: hold, or delete `needs`' }
    context.addIssue({ code: 'custom', message: `${expect} needs nobody`, path: ['needs'], params })
  })
export type TestRow = z.output<typeof TestRow>

const TestsSchema = z.strictObject({ version: z.literal(1), tests: z.array(TestRow).max(2000) })

/** @throws SekishoError CONFIG_INVALID with file, line and column */
export function parseTests(source: string, path: string): readonly TestRow[] {
  return readStrictFile(source, path, {
    schema: TestsSchema,
    check: ({ tests }) =>
      explainRepeated(['tests'], 'name', { items: tests, keyOf: ({ name }) => name }),
  }).tests
}
