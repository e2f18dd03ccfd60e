import type { BenchResult } from './harness.ts'
import type { Machine } from './machine.ts'

export type Printed = BenchResult & { name: string; machine: Machine }

/** One object on one line, its keys always in this order. */
export function asJson({ name, machine, rows, ratios }: Printed): string {
  return `${JSON.stringify({ name, machine, rows, ratios })}\n`
}

export function asTable({ name, machine, rows, ratios }: Printed): string {
  const gib = (machine.memoryBytes / 2 ** 30).toFixed(0)
  const head = `${name}: ${machine.cores} × ${machine.cpu}, ${gib} GiB, Linux ${machine.kernel}, Node ${machine.node}`
  const figures = rows.map((row) => [
    row.name,
    row.unit,
    ...[row.min, row.median, row.p99].map(figure),
  ])
  const table = align([['', 'unit', 'min', 'median', 'p99'], ...figures])
  const below = align(Object.entries(ratios).map(([key, value]) => [key, figure(value)]))
  return `${[head, '', ...table, ...(below.length > 0 ? ['', ...below] : [])].join('\n')}\n`
}

/** Four significant digits, without an exponent. */
function figure(value: number): string {
  if (Math.abs(value) >= 1000) return value.toFixed(0)
  return Number(value.toPrecision(4)).toString()
}

/** Texts to the left, figures to the right. */
function align(cells: readonly (readonly string[])[]): string[] {
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  )
  return cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}
