/**
 * How well the injection score does on data that it has not seen:
 * `.runtime/node scripts/evaluate-injection.ts --data FILE`, FILE as for train-injection.ts. Each set
 * is scored by a model that learned from the others only; honest files of this machine are scored by
 * the model that is shipped. Prints the tables of docs/benchmarks.md.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { scoreInjection } from '../packages/sekisho/src/detect/content/injection/score.ts'
import { readDocuments } from './injection/documents.ts'
import { type HeldOut, holdOut, type Shares } from './injection/held-out.ts'
import { readHonestFiles } from './injection/honest-files.ts'
import { ownDocuments } from './injection/own-documents.ts'
import { samplesOf } from './injection/samples.ts'

const ROOT = resolve(import.meta.dirname, '..')

function main(): void {
  const { values } = parseArgs({ options: { data: { type: 'string' } } })
  if (values.data !== undefined) printSets(values.data)
  printHonestFiles()
}

function printSets(file: string): void {
  const samples = samplesOf([...readDocuments(file), ...ownDocuments()])
  const attacks = samples.filter(({ document }) => document.isAttack)
  const sources = [...new Set(attacks.map(({ document }) => document.source))]
  print([
    'held out',
    'attacks',
    'words',
    'words and rules',
    '500 ‰ / 900 ‰',
    'in 4 KB',
    'honest',
    'false alarms',
  ])
  print(['---', '---:', '---:', '---:', '---:', '---:', '---:', '---:'])
  for (const source of sources) print(rowOf(holdOut(source, samples)))
}

function rowOf(held: HeldOut): string[] {
  const { source, attacks, words, all, fixed, hosted, honest, falseAlarms } = held
  return [
    source,
    String(attacks),
    sharesOf(words),
    sharesOf(all),
    sharesOf(fixed),
    sharesOf(hosted),
    String(honest),
    honest === 0 ? '' : sharesOf(falseAlarms),
  ]
}

const sharesOf = ({ atHundredth, atThousandth }: Shares): string =>
  `${percent(atHundredth)} / ${percent(atThousandth)}`

function printHonestFiles(): void {
  print(['honest files', 'texts', 'KB', '500 ‰ or more', '900 ‰ or more', 'a rule'])
  print(['---', '---:', '---:', '---:', '---:', '---:'])
  for (const { kind, texts } of readHonestFiles(ROOT)) {
    const scores = texts.map((text) => scoreInjection(text, 'tool-result'))
    const share = (from: number): string =>
      percent(scores.filter(({ permille }) => permille >= from).length / texts.length)
    const withRule = scores.filter(({ rules }) => rules.length > 0).length / texts.length
    const bytes = texts.reduce((sum, text) => sum + text.length, 0)
    print([
      kind,
      String(texts.length),
      String(Math.round(bytes / 1024)),
      share(500),
      share(900),
      percent(withRule),
    ])
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function print(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}

main()
