import { closeSync, openSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readStretches } from '../../src/kernel/image-file.ts'

/** A sparse image of 10 GiB holds some megabytes: what is a hole holds nothing. */
const MAX_ON_DISK_BYTES = 512 * 1024 * 1024
const BLOCK_BYTES = 512

/** Regular files below `directory` in which `needle` stands. Refuses a directory without files. */
export async function filesHolding(directory: string, needle: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  if (files.length === 0) throw new Error(`${directory} holds no file: nothing was searched`)
  const found: string[] = []
  for (const file of files) {
    const path = join(file.parentPath, file.name)
    const { blocks } = await stat(path)
    if (blocks * BLOCK_BYTES > MAX_ON_DISK_BYTES) throw new Error(`${path} is too much to search`)
    if (holds(path, needle)) found.push(path)
  }
  return found
}

function holds(path: string, needle: string): boolean {
  const fd = openSync(path, 'r')
  try {
    return readStretches(fd).some(({ bytes }) => bytes.includes(needle))
  } finally {
    closeSync(fd)
  }
}
