import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import type { Edit, Mutation } from './mutations/mutation.ts'

const HERE = 'packages/sekisho/test/attacks'
const SOURCES = 'packages/sekisho/src'
/** What a run of the attacks needs, beside the installed packages. */
const COPIED = [
  SOURCES,
  HERE,
  'packages/sekisho/package.json',
  'policy',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  'scripts',
]
/** A gate without a mechanism leaves attacks hanging: waiting long for each would take hours. */
const PATIENCE_MS = 500
const TEST_TIMEOUT_MS = 30_000
const RUN_TIMEOUT_MS = 5 * 60_000

export type Run = {
  /** names of attacks that went red */
  red: readonly string[]
  green: readonly string[]
  /** what must pass and did not, or why there was no run at all */
  broken: readonly string[]
}

const Report = z.looseObject({
  testResults: z.array(
    z.looseObject({
      message: z.string().optional(),
      assertionResults: z.array(z.looseObject({ title: z.string(), status: z.string() })),
    }),
  ),
})

/** The sources in a place of their own, in which mechanisms can be switched off. */
export class MutableCopy {
  readonly #root: string
  readonly #clone: string

  /** @param clone top of the tree that is copied */
  constructor(clone: string) {
    this.#clone = clone
    this.#root = mkdtempSync(join(tmpdir(), 'sekisho-attacks-'))
    for (const path of COPIED) {
      cpSync(join(clone, path), join(this.#root, path), {
        recursive: true,
        filter: (source) => !source.endsWith('node_modules'),
      })
    }
    symlinkSync(join(clone, 'node_modules'), join(this.#root, 'node_modules'))
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }

  /** Runs one family without its mechanism; the copy is whole again afterwards. */
  async without({ family, edits }: Mutation): Promise<Run> {
    const restore: (() => void)[] = []
    try {
      for (const edit of edits) restore.push(this.#apply(edit))
      return await this.run(family)
    } finally {
      for (const undo of restore.toReversed()) undo()
    }
  }

  /** @throws when the text is not there exactly once: a mutation that does nothing proves nothing */
  #apply({ file, find, replace }: Edit): () => void {
    const path = join(this.#root, SOURCES, file)
    const text = readFileSync(path, 'utf8')
    const parts = text.split(find)
    if (parts.length !== 2) {
      throw new Error(`${file} has ${parts.length - 1} times: ${find}`)
    }
    writeFileSync(path, parts.join(replace))
    return () => writeFileSync(path, text)
  }

  async run(family: string): Promise<Run> {
    const report = join(this.#root, 'report.json')
    rmSync(report, { force: true })
    const child = spawn(
      process.execPath, // the runtime that the project pins, not the first in the path
      [
        join(this.#clone, 'node_modules/vitest/vitest.mjs'),
        'run',
        `${HERE}/${family}.test.ts`,
        '--reporter=json',
        `--outputFile.json=${report}`,
        `--testTimeout=${TEST_TIMEOUT_MS}`,
      ],
      {
        cwd: this.#root,
        env: { ...process.env, ATTACK_PATIENCE_MS: String(PATIENCE_MS) },
        stdio: 'ignore',
        timeout: RUN_TIMEOUT_MS,
      },
    )
    await once(child, 'close')
    return readReport(report)
  }
}

function readReport(path: string): Run {
  let report
  try {
    report = Report.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    return { red: [], green: [], broken: [`no report: ${String(error)}`] }
  }
  const files = report.testResults
  const tests = files.flatMap(({ assertionResults }) => assertionResults)
  const isControl = ({ title }: { title: string }): boolean => title.startsWith('allowed: ')
  const attacks = tests.filter((test) => !isControl(test))
  const of = (status: string): string[] =>
    attacks.filter((test) => test.status === status).map(({ title }) => nameOf(title))
  const lost = tests.filter((test) => isControl(test) && test.status !== 'passed')
  const unloaded = tests.length === 0 ? files.map(({ message = 'no tests' }) => message) : []
  return {
    red: of('failed'),
    green: of('passed'),
    broken: [...lost.map(({ title }) => title), ...unloaded],
  }
}

function nameOf(title: string): string {
  return title.replace(/: denied, recorded, nothing leaves$/, '')
}
