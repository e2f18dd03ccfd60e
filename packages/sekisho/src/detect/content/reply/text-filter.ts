/**
 * Takes each text of a reply on its way to the client; what it holds back comes with `end`. The
 * output does not depend on how a text was cut. The same as llm/format.ts asks for.
 */
export interface TextFilter {
  /** @param stream which of the reply's texts: each is filtered by itself */
  push(stream: string, text: string): string
  end(stream: string): string
}

/** One text at a time, as most filters are written. */
export interface OneTextFilter {
  push(text: string): string
  end(): string
}

/** A reply has a handful; thousands are somebody's attempt to fill the memory. */
export const MAX_TEXT_STREAMS = 4_096

/**
 * A filter of every text by one of its own.
 *
 * @throws RangeError from `push` when a reply has more than `MAX_TEXT_STREAMS` texts at once
 */
export function perStream(open: (stream: string) => OneTextFilter): TextFilter {
  const filters = new Map<string, OneTextFilter>()
  return {
    push: (stream, text) => {
      let filter = filters.get(stream)
      if (filter === undefined) {
        if (filters.size >= MAX_TEXT_STREAMS) throw new RangeError('too many texts in one reply')
        filter = open(stream)
        filters.set(stream, filter)
      }
      return filter.push(text)
    },
    end: (stream) => {
      const filter = filters.get(stream)
      filters.delete(stream)
      return filter?.end() ?? ''
    },
  }
}

/** Each text goes through all of them, in order. */
export function filterChain(filters: readonly TextFilter[]): TextFilter {
  return {
    push: (stream, text) => filters.reduce((left, filter) => filter.push(stream, left), text),
    end: (stream) =>
      filters.reduce((left, filter) => filter.push(stream, left) + filter.end(stream), ''),
  }
}
