import type { PieceBook } from './piece.ts'

/** What is decided and counted by, beside what a request says. */
export type Asked = {
  /** null where it is left to the path */
  model: string | null
  stream: boolean
  maxOutputTokens: number | null
}

/** Takes down what stands at a place. @throws RequestFault */
export type ReadPlace = (value: unknown, book: PieceBook) => void

/** How requests of one format are read, part by part: no part's meaning depends on another's. */
export type RequestFormat = {
  /** names of its members; `lists` are among them */
  readonly known: ReadonlySet<string>
  /** members whose elements are parts of their own, at the place `name[]` */
  readonly lists: ReadonlySet<string>
  /** The name of a member as this format knows it, where it has several. */
  canonicalName?(name: string): string
  /**
   * By place: a member's name, or `name[]`. What stands at a place without a reader says nothing; null
   * says nothing anywhere. A list has a reader by its name alone only where it may be something else.
   */
  readonly places: ReadonlyMap<string, ReadPlace>
  /** @param members by their canonical names, without lists @throws RequestFault */
  settle(members: ReadonlyMap<string, unknown>): Asked
}
