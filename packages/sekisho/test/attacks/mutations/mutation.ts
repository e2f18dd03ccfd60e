/** One place in the sources, below `packages/sekisho/src`, and what stands there instead. */
export type Edit = { file: string; find: string; replace: string }

/** A mechanism that is switched off, and the family of attacks that has to go red for it. */
export type Mutation = {
  /** name of the family's file, without `.test.ts` */
  family: string
  /** what is no longer so, as a sentence */
  off: string
  edits: readonly Edit[]
}

type Row = readonly [off: string, ...edits: Edit[]]

export function mutationsOf(family: string, ...rows: readonly Row[]): readonly Mutation[] {
  return rows.map(([off, ...edits]) => ({ family, off, edits }))
}

/** Edits of one file. */
export function inFile(file: string): (find: string, replace: string) => Edit {
  return (find, replace) => ({ file, find, replace })
}
