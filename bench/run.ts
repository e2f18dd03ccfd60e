/**
 * `npm run bench -- <name> [--json]`: runs bench/<name>.ts, which exports `bench: Bench`.
 * `--json` prints one object on one line of standard output, and nothing else there.
 */
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Bench, BenchResult } from './harness.ts'
import { describeMachine } from './machine.ts'
import { asJson, asTable } from './print.ts'

/** Files beside the benchmarks that are none. */
const FRAME = ['harness', 'machine', 'print', 'run']

async function main(argv: readonly string[]): Promise<number> {
  const names = benchmarks()
  const asked = parse(argv)
  if (asked === undefined || !names.includes(asked.name)) {
    process.stderr.write('usage: npm run bench -- <name> [--json]\n')
    process.stderr.write(`benchmarks: ${names.join(', ') || 'none yet'}\n`)
    return 64
  }
  const result = await runBench(asked.name)
  const printed = { name: asked.name, machine: describeMachine(), ...result }
  process.stdout.write(asked.json ? asJson(printed) : asTable(printed))
  return 0
}

function parse(argv: readonly string[]): { name: string; json: boolean } | undefined {
  const json = argv.includes('--json')
  const [name, ...more] = argv.filter((argument) => argument !== '--json')
  return name === undefined || more.length > 0 ? undefined : { name, json }
}

function benchmarks(): string[] {
  return globSync('*.ts', { cwd: import.meta.dirname })
    .map((file) => basename(file, '.ts'))
    .filter((name) => !name.endsWith('.test') && !FRAME.includes(name))
    .sort()
}

async function runBench(name: string): Promise<BenchResult> {
  const loaded: unknown = await import(join(import.meta.dirname, `${name}.ts`))
  if (!exportsBench(loaded)) throw new TypeError(`bench/${name}.ts does not export \`bench\``)
  return loaded.bench.run()
}

function exportsBench(loaded: unknown): loaded is { bench: Bench } {
  if (typeof loaded !== 'object' || loaded === null || !('bench' in loaded)) return false
  const { bench } = loaded
  return typeof bench === 'object' && bench !== null && 'run' in bench
}

process.exitCode = await main(process.argv.slice(2))
