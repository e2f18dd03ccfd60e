/**
 * Aho–Corasick over bytes, ASCII letters folded: all words in one pass, one table look-up a byte
 * whatever the bytes are.
 *
 * @see Aho and Corasick, "Efficient string matching", CACM 18(6), 1975
 */
export type Automaton = {
  /** every state's row of successors, one after another; a state is the offset of its row */
  next: Int32Array
  /** column of each byte; bytes that stand in no word share column 0 */
  columns: Uint8Array
  /** states from here on end at least one word */
  accepting: number
  /** words that end in a state, by `(state - accepting) / width` */
  endings: readonly (readonly number[])[]
  width: number
}

type Node = { children: Map<number, Node>; words: number[]; fallback: Node | undefined }

/**
 * @param words printable ASCII, distinct without regard to case; a word is known by its index
 * @throws RangeError on an empty word, on one that is not printable ASCII, and on a double
 */
export function compileAutomaton(words: readonly string[]): Automaton {
  const folded = words.map(fold)
  if (new Set(folded).size !== folded.length) throw new RangeError('a word is there twice')
  const columns = columnsOf(folded)
  const width = Math.max(...columns) + 1
  const nodes = breadthFirst(trieOf(folded))
  linkFallbacks(nodes)
  // Short prefixes come first, so that the rows that are always in use lie together.
  const ordered = [
    ...nodes.filter((node) => node.words.length === 0),
    ...nodes.filter((node) => node.words.length > 0),
  ]
  const stateOf = new Map(ordered.map((node, index) => [node, index * width]))
  const endings = ordered
    .filter(({ words: ends }) => ends.length > 0)
    .map(({ words: ends }) => ends)
  return {
    next: tableOf(nodes, { stateOf, columns, width }),
    columns,
    accepting: (ordered.length - endings.length) * width,
    endings,
    width,
  }
}

/** One stream on its way through an automaton. */
export class WordFinder {
  readonly #automaton: Automaton
  #state = 0

  constructor(automaton: Automaton) {
    this.#automaton = automaton
  }

  /** @param found gets, for each word that ends in the piece, its index and the offset after it */
  push(bytes: Uint8Array, found: number[]): void {
    const { next, columns, accepting } = this.#automaton
    let state = this.#state
    for (let at = 0; at < bytes.length; at++) {
      state = next[state + (columns[bytes[at] ?? 0] ?? 0)] ?? 0
      // in a function of its own: the loop is twice as fast without it
      if (state >= accepting) tellWords(this.#automaton, { state, end: at + 1 }, found)
    }
    this.#state = state
  }
}

function tellWords(
  { endings, accepting, width }: Automaton,
  { state, end }: { state: number; end: number },
  found: number[],
): void {
  for (const word of endings[(state - accepting) / width] ?? []) found.push(word, end)
}

function fold(word: string): string {
  if (!/^[\x20-\x7e]+$/.test(word)) throw new RangeError(`not a word to look for: ${word}`)
  return word.toLowerCase()
}

function columnsOf(folded: readonly string[]): Uint8Array {
  const columns = new Uint8Array(256)
  let count = 0
  for (const character of new Set(folded.join(''))) {
    count++
    columns[character.charCodeAt(0)] = count
    columns[character.toUpperCase().charCodeAt(0)] = count
  }
  return columns
}

function trieOf(folded: readonly string[]): Node {
  const root: Node = { children: new Map(), words: [], fallback: undefined }
  for (const [index, word] of folded.entries()) {
    let node = root
    for (const character of word) {
      const code = character.charCodeAt(0)
      const child = node.children.get(code) ?? { children: new Map(), words: [], fallback: root }
      node.children.set(code, child)
      node = child
    }
    node.words.push(index)
  }
  return root
}

function breadthFirst(root: Node): Node[] {
  const nodes = [root]
  for (const node of nodes) nodes.push(...node.children.values())
  return nodes
}

/** The longest proper end of a node's word that begins a word; what ends there ends here too. */
function linkFallbacks(nodes: readonly Node[]): void {
  for (const node of nodes) {
    for (const [code, child] of node.children) {
      let shorter = node.fallback
      while (shorter !== undefined && !shorter.children.has(code)) shorter = shorter.fallback
      child.fallback = shorter?.children.get(code) ?? nodes[0]
      child.words.push(...(child.fallback?.words ?? []))
    }
  }
}

type Layout = { stateOf: ReadonlyMap<Node, number>; columns: Uint8Array; width: number }

/** @param nodes breadth first, so that the row of a node's fallback is there before its own */
function tableOf(nodes: readonly Node[], { stateOf, columns, width }: Layout): Int32Array {
  const next = new Int32Array(nodes.length * width)
  for (const node of nodes) {
    const row = stateOf.get(node) ?? 0
    if (node.fallback !== undefined) {
      const from = stateOf.get(node.fallback) ?? 0
      next.copyWithin(row, from, from + width)
    }
    for (const [code, child] of node.children) {
      next[row + (columns[code] ?? 0)] = stateOf.get(child) ?? 0
    }
  }
  return next
}
