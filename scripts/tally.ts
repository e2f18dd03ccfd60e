/** Counts of one run. Skipped tests are neither passed nor failed, and are shown. */
export type Tally = { passed: number; failed: number; skipped: number }

export const NOTHING: Tally = { passed: 0, failed: 0, skipped: 0 }

export function add(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  }
}

export type ReportKind = 'vitest' | 'drill' | 'fuzz'

/**
 * Counts a check that has ended. A failed exit always counts at least once: vitest reports an
 * unhandled rejection in its exit code only, and a check that died leaves no report at all.
 *
 * @param report the text of its report; undefined when it left none
 */
export function tallyOf(
  check: { report?: ReportKind },
  { ok, report }: { ok: boolean; report: string | undefined },
): Tally {
  const counted = check.report === undefined ? NOTHING : countReport(check.report, report)
  return ok || counted.failed > 0 ? counted : { ...counted, failed: 1 }
}

function countReport(kind: ReportKind, text: string | undefined): Tally {
  return COUNTS[kind](parseJson(text)) ?? { ...NOTHING, failed: 1 }
}

const COUNTS: Readonly<Record<ReportKind, (report: unknown) => Tally | undefined>> = {
  vitest: countVitest,
  drill: countDrill,
  fuzz: countFuzz,
}

/** The report of vitest's JSON reporter: a file that cannot be loaded is a failure without tests. */
function countVitest(report: unknown): Tally | undefined {
  const files = list(field(report, 'testResults'))
  if (files === undefined) return undefined
  return files.map(countFile).reduce(add, NOTHING)
}

function countFile(file: unknown): Tally {
  const states = (list(field(file, 'assertionResults')) ?? []).map((test) => field(test, 'status'))
  const passed = states.filter((state) => state === 'passed').length
  const failed = states.filter((state) => state === 'failed').length
  const broken = failed === 0 && field(file, 'status') !== 'passed'
  return { passed, failed: failed + (broken ? 1 : 0), skipped: states.length - passed - failed }
}

/** What `sekisho drill --json` prints: an attack passes when it is stopped, recorded and silent. */
function countDrill(report: unknown): Tally | undefined {
  const attacks = list(field(report, 'attacks'))
  if (attacks === undefined) return undefined
  const passed = attacks.filter(
    (attack) =>
      field(attack, 'blocked') === true &&
      field(attack, 'recorded') === true &&
      field(attack, 'canaryBytes') === 0,
  ).length
  return { passed, failed: attacks.length - passed, skipped: 0 }
}

/** What `fuzz.ts --json` prints: a row for each reader and listener. */
function countFuzz(report: unknown): Tally | undefined {
  const rows = list(field(report, 'fuzzed'))
  if (rows === undefined) return undefined
  const passed = rows.filter((row) => field(row, 'passed') === true).length
  return { passed, failed: rows.length - passed, skipped: 0 }
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined // no report, or one cut off: the caller counts that as a failure
  }
}

export function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

function list(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined
}
