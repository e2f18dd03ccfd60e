import type { CodeRead } from './read-code.ts'

/** Without an argument; numbers may stand behind some (GNU sed, Commands). */
const PLAIN = /^[dDgGhHnNpPxzF={}]|^[lLqQ]\s*\d*/
/** What stands behind them, to the end of the line, is a text, a file or the name of a place. */
const TO_LINE_END = /^(?:[aic](?:\\\n|\s*)|[rRwW]\s*|:\s*)/
const JUMP = /^[btTv]\s*[^;\n}]*/
const STEP = /^(?:\d+(?:~\d+)?|\$|\+\d+|~\d+)/

/**
 * What a sed script has a shell run: `e`, and `s` with the flag `e`, which runs what it makes. A
 * script that is not understood may run anything.
 */
export function readSed(script: string): CodeRead {
  const reader = new SedReader(script)
  const isWhole = reader.read()
  return { lines: reader.lines, isWhole }
}

class SedReader {
  readonly lines: string[] = []
  #rest: string

  constructor(script: string) {
    this.#rest = script
  }

  /** @returns whether all of it is understood, and runs nothing that is made on the way */
  read(): boolean {
    for (;;) {
      this.#take(/^(?:[\s;]|#[^\n]*)+/)
      if (this.#rest === '') return true
      if (!this.#addresses() || !this.#command()) return false
    }
  }

  #take(pattern: RegExp): string | undefined {
    const [taken] = pattern.exec(this.#rest) ?? []
    if (taken !== undefined) this.#rest = this.#rest.slice(taken.length)
    return taken
  }

  #addresses(): boolean {
    if (!this.#address()) return false
    this.#take(/^\s+/)
    if (this.#take(/^,\s*/) !== undefined && !this.#address()) return false
    this.#take(/^[\s!]+/)
    return true
  }

  /** @returns false for one that does not end */
  #address(): boolean {
    if (this.#take(STEP) !== undefined) return true
    const open = this.#take(/^(?:\/|\\[^\n\\])/)
    if (open === undefined) return true
    return this.#until(open.slice(-1)) && this.#take(/^[IM]*/) !== undefined
  }

  #until(end: string): boolean {
    for (let i = 0; i < this.#rest.length; i++) {
      const letter = this.#rest.charAt(i)
      if (letter === '\\') i += 1
      else if (letter === '\n') return false
      else if (letter === '[' && end !== '[') {
        i = this.#endOfBracket(i)
        if (i === -1) return false
      } else if (letter === end) {
        this.#rest = this.#rest.slice(i + 1)
        return true
      }
    }
    return false
  }

  /** `[/]` holds the slash; to a sed that takes it for an end, the pattern is broken. */
  #endOfBracket(at: number): number {
    const [inside] = /^\[\^?\]?(?:\[:\w+:\]|[^\]\n])*\]/.exec(this.#rest.slice(at)) ?? []
    return inside === undefined ? -1 : at + inside.length - 1
  }

  #command(): boolean {
    if (this.#take(PLAIN) !== undefined || this.#take(JUMP) !== undefined) return true
    if (this.#take(TO_LINE_END) !== undefined) {
      this.#take(/^(?:\\[\s\S]|[^\n\\])*/)
      return true
    }
    if (this.#rest.startsWith('e')) return this.#execute()
    return this.#rest.startsWith('y') ? this.#exchange() : this.#substitute()
  }

  /** @returns what divides the parts of `s` and `y`; undefined where it is none of them */
  #divider(): string | undefined {
    const [, end] = /^[sy]([^\\\n])/.exec(this.#rest) ?? []
    if (end !== undefined) this.#rest = this.#rest.slice(2)
    return end
  }

  #exchange(): boolean {
    const end = this.#divider()
    return end !== undefined && this.#untilPlain(end) && this.#untilPlain(end)
  }

  #substitute(): boolean {
    const end = this.#divider()
    if (end === undefined || !this.#until(end) || !this.#untilPlain(end)) return false
    this.#take(/^[gpiImM\d]+/)
    // with the flag `e` it runs what it makes
    return this.#take(/^w[^\n]*/) !== undefined || /^(?:[\s;}#]|$)/.test(this.#rest)
  }

  /** Of what is no pattern. */
  #untilPlain(end: string): boolean {
    for (let i = 0; i < this.#rest.length; i++) {
      const letter = this.#rest.charAt(i)
      if (letter === '\\') i += 1
      else if (letter === end) {
        this.#rest = this.#rest.slice(i + 1)
        return true
      }
    }
    return false
  }

  #execute(): boolean {
    const line = (this.#take(/^e[^\n]*/) ?? '').slice(1).trim()
    if (line === '') return false
    this.lines.push(line)
    return true
  }
}
