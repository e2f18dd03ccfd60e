import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../core/parse-json.ts'
import { SekishoError } from '../../core/error.ts'
import { Digest } from '../../wire/sandbox.ts'

/** What the store keeps of an image beside its tree. */
export const ImageRecord = z.strictObject({
  version: z.literal(1),
  digest: Digest,
  /** of the image's configuration, as far as a session takes it over */
  environment: z.record(z.string(), z.string()),
  /** entries and variables that were not taken over */
  leftOut: z.array(z.string()),
  entries: z.int(),
  bytes: z.int(),
  /** over the index of the tree, hexadecimal */
  index: z.string(),
  /** of {@link stampTree} */
  stamp: z.string(),
})
export type ImageRecord = z.infer<typeof ImageRecord>

/** A name is a label: it says which digest was imported under it last. */
export const NameRecord = z.strictObject({
  name: z.string(),
  digest: Digest,
  source: z.string(),
  /** RFC 3339 */
  importedAt: z.string(),
})
export type NameRecord = z.infer<typeof NameRecord>

export const IMAGE_FILE = { record: 'image.json', index: 'index.jsonl', tree: 'root' } as const

const NAME = /^[A-Za-z0-9][A-Za-z0-9._/:-]{0,79}$/

/** @throws SekishoError USAGE */
export function checkImageName(name: string): string {
  if (NAME.test(name)) return name
  throw new SekishoError('USAGE', `${JSON.stringify(name)} is no name for an image`, {
    hint: 'use 1 to 80 letters, digits and . _ / : -, beginning with a letter or a digit',
  })
}

/** @throws SekishoError INTERNAL for a record that is damaged; undefined when there is none */
export function readImageRecord(directory: string): ImageRecord | undefined {
  return readRecord(join(directory, IMAGE_FILE.record), ImageRecord)
}

/** @throws SekishoError INTERNAL for a record that is damaged; undefined when there is none */
export function readRecord<T>(path: string, schema: z.ZodType<T>): T | undefined {
  const text = readText(path)
  if (text === undefined) return undefined
  try {
    return schema.parse(parseJson(text))
  } catch (cause) {
    throw new SekishoError('INTERNAL', `${path} is damaged`, {
      hint: 'remove the image with `sekisho image rm` and import it again',
      cause,
    })
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

const MAX_VARIABLES = 256
const MAX_VARIABLE_BYTES = 32 * 1024

/**
 * The variables of an image's configuration that a session begins with. Those that cannot be set,
 * or that the platform speaks of itself with, are left out and named.
 */
export function imageEnvironment(env: readonly string[]): {
  environment: Record<string, string>
  leftOut: string[]
} {
  const environment = new Map<string, string>()
  const leftOut: string[] = []
  for (const [i, variable] of env.entries()) {
    const [, name = '', value = ''] = /^([A-Za-z_][A-Za-z0-9_]*)=([^\0]*)$/s.exec(variable) ?? []
    const isFit = isVariable(name) && i < MAX_VARIABLES
    if (isFit && Buffer.byteLength(variable) <= MAX_VARIABLE_BYTES) environment.set(name, value)
    else leftOut.push(`variable ${variable.split('=')[0]?.slice(0, 64) ?? ''}`)
  }
  return { environment: Object.fromEntries(environment), leftOut }
}

function isVariable(name: string): boolean {
  return name !== '' && name !== '__proto__' && !name.startsWith('SEKISHO_')
}
