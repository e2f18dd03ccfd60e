/** Why a call cannot be read. Thrown inside `calls/` and turned into a value at its edge. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}
