import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bundleRun } from './bundle-run.ts'
import { BUNDLED } from './setup/runtime.mjs'

const root = join(import.meta.dirname, '..')

test('set-up and the launcher know every source of the bundle', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'sekisho-bundle-'))
  try {
    const sources = await bundleRun(root, join(scratch, 'run.cjs'))
    expect(sources).toEqual(BUNDLED.map((file) => `packages/sekisho/src/${file}`))
    const launcher = readFileSync(join(root, 'packages/sekisho/bin/sekisho'), 'utf8')
    const named = /for file in ([^;]+);/
      .exec(launcher)?.[1]
      ?.split(/[\s\\]+/)
      .toSorted()
    expect(named).toEqual(BUNDLED.toSorted())
  } finally {
    rmSync(scratch, { recursive: true })
  }
})
