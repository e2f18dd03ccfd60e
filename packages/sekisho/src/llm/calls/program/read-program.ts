import type { CallExpression } from 'acorn'
import { type ArgumentValue, UNKNOWN } from '../argument-value.ts'
import { readNames } from './bindings.ts'
import { Folder } from './fold.ts'
import { calledTool, hiddenWay } from './hidden.ts'
import { allPlaces, parseProgram } from './syntax.ts'

export type ProgramCall = { tool: string; value: ArgumentValue }

/** What a program in JavaScript would have done by the tools that it is given. */
export type ProgramReading = {
  /** every call that its text shows, with each of the values that its arguments may have */
  calls: ProgramCall[]
  /** how it may call a tool that its text does not show; null where it cannot */
  hidden: string | null
}

/**
 * Every `tools.name(…)` of a program for Codex's `exec`, also in branches that may never run.
 *
 * The rule: a call whose arguments are texts, objects and arrays that stand in the program, put
 * together with `+`, templates, `join` and spread, by names that are given a value once, or in loops
 * over such arrays, is known. Any other argument is unknown. A program that could reach the tools
 * in another way (`tools[x]`, `tools` handed on, `eval`, `constructor`, names that nobody knows) has
 * a call that its text does not show.
 *
 * @throws Unreadable for what is no JavaScript
 */
export function readProgram(code: string): ProgramReading {
  const places = allPlaces(parseProgram(code))
  const names = readNames(places)
  const folder = new Folder(names)
  const calls = places
    .flatMap(({ node }) => (node.type === 'CallExpression' ? [node] : []))
    .sort((a, b) => a.start - b.start)
    .flatMap((node) => readToolCall(node, folder))
  return { calls, hidden: hiddenWay(places, { names, folder }) }
}

function readToolCall(node: CallExpression, folder: Folder): ProgramCall[] {
  const tool = calledTool(node, folder)
  if (tool === undefined) return []
  const [first] = node.arguments
  if (first === undefined) return [{ tool, value: {} }]
  if (first.type === 'SpreadElement') return [{ tool, value: UNKNOWN }]
  return folder.valuesOf(first).map((value) => ({ tool, value }))
}
