import { SekishoError } from '../../core/error.ts'
import type { Command } from '../command.ts'

export type Said = { code: number; out: string[]; err: string[] }

/** Runs a command with its words kept. @throws what the command throws, if it is a SekishoError */
export async function said(command: Command, ...argv: readonly string[]): Promise<Said> {
  const out: string[] = []
  const err: string[] = []
  const terminal = {
    out: (line: string): void => void out.push(line),
    err: (line: string): void => void err.push(line),
  }
  try {
    return { code: await command.run(argv, terminal), out, err }
  } catch (error) {
    if (error instanceof SekishoError) throw error
    throw new TypeError('a command throws nothing but SekishoError', { cause: error })
  }
}
