import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Regular files below `directory` in which `needle` stands. Refuses a directory without files. */
export async function filesHolding(directory: string, needle: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  if (files.length === 0) throw new Error(`${directory} holds no file: nothing was searched`)
  const found: string[] = []
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    if ((await readFile(path)).includes(needle)) found.push(path)
  }
  return found
}
