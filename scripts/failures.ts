import { field } from './tally.ts'

/** Names shown; a run that fails in more places is read from its output. */
const MAX_SHOWN = 40
const MAX_MESSAGE = 300

/** What failed, a line each, from the report of vitest's JSON reporter; empty when all is well. */
export function failuresOf(report: string | undefined): readonly string[] {
  const failures = list(field(parse(report), 'testResults')).flatMap(failuresOfFile)
  const more = failures.length - MAX_SHOWN
  return more > 0 ? [...failures.slice(0, MAX_SHOWN), `and ${more} more`] : failures
}

function failuresOfFile(file: unknown): string[] {
  const tests = list(field(file, 'assertionResults')).filter((t) => field(t, 'status') === 'failed')
  if (tests.length > 0) {
    return tests.map((test) => {
      const [message] = list(field(test, 'failureMessages'))
      return `${text(field(file, 'name'))} > ${text(field(test, 'fullName'))}: ${firstLine(message)}`
    })
  }
  if (field(file, 'status') === 'passed') return []
  return [`${text(field(file, 'name'))}: ${firstLine(field(file, 'message'))}`]
}

function firstLine(message: unknown): string {
  return (text(message).split('\n')[0] ?? '').slice(0, MAX_MESSAGE)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function parse(report: string | undefined): unknown {
  try {
    return JSON.parse(report ?? '')
  } catch {
    return undefined // cut off or missing: the tally counts that
  }
}
