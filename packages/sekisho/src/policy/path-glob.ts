import { canonicalPath } from '../core/url-path.ts'
import { printable, type Read } from './problem.ts'

/** A path cut at its slashes once, for all the globs that it meets. */
export type SplitPath = { text: string; segments: readonly string[] }

/** Says whether a path matches; linear in the path's length for a given glob. */
export type PathMatcher = (path: SplitPath) => boolean

export function splitPath(text: string): SplitPath {
  return { text, segments: text.split('/') }
}

const MAX_GLOB_LENGTH = 512

/**
 * A glob over a canonical path: `*` is any characters within a segment, `**` as a whole segment is
 * any number of segments, also none. So `/repos/**` is `/repos` and everything below it.
 */
export function readPathGlob(text: string): Read<string> {
  const shown = printable(text)
  if (!text.startsWith('/')) return { problem: `\`${shown}\` does not start with /` }
  if (text.length > MAX_GLOB_LENGTH) {
    return { problem: `a path has at most ${MAX_GLOB_LENGTH} characters` }
  }
  if (/[?#]/.test(text)) {
    return {
      problem: `\`${shown}\` holds a query`,
      hint: 'paths are matched without the query; leave out ? and what follows',
    }
  }
  const canonical = canonicalPath(text)
  if (canonical === undefined) {
    return {
      problem: `\`${shown}\` matches no canonical path`,
      hint: 'leave out dot segments, backslashes, spaces and control characters',
    }
  }
  if (canonical !== text) {
    return { problem: `\`${shown}\` is not canonical`, hint: `did you mean \`${canonical}\`?` }
  }
  return checkSegments(text)
}

function checkSegments(text: string): Read<string> {
  for (const segment of text.slice(1).split('/')) {
    if (segment.includes('**') && segment !== '**') {
      return {
        problem: `\`${text}\` mixes ** with other characters in one segment`,
        hint: 'write ** between slashes, or one * within a segment',
      }
    }
  }
  return { value: text }
}

/** @param glob as {@link readPathGlob} accepts it; never throws, so that a decision never does */
export function compileGlob(glob: string): PathMatcher {
  if (glob === '/**') return ({ text }) => text.startsWith('/')
  const segments = glob.split('/')
  const [wildcards, last] = [segments.filter((s) => s.includes('*')), segments.at(-1)]
  if (wildcards.length === 0) return ({ text }) => text === glob
  if (wildcards.length === 1 && last === '**') {
    const [base, below] = [glob.slice(0, -3), glob.slice(0, -2)]
    return ({ text }) => text.startsWith(below) || text === base
  }
  const matchers = segments.map((s) => (s === '**' ? undefined : compileSegment(s)))
  // The last segments are compared first: that turns most paths away at once.
  const end = matchers.at(-1) ?? ((): boolean => true)
  return ({ segments: path }) => end(path.at(-1) ?? '') && matchAcross(matchers, path)
}

/**
 * Segments that a path must start with to match, as far as each is a literal or a whole `*`,
 * which stands for any one segment.
 */
export function leadingSegments(glob: string): readonly string[] {
  const segments = glob.split('/').slice(1)
  const end = segments.findIndex((segment) => segment.includes('*') && segment !== '*')
  return end === -1 ? segments : segments.slice(0, end)
}

type SegmentMatcher = (segment: string) => boolean

function compileSegment(glob: string): SegmentMatcher {
  if (!glob.includes('*')) return (segment) => segment === glob
  const parts = glob.split(/\*+/)
  const [first = '', last = '', middle] = [parts[0], parts.at(-1), parts.slice(1, -1)]
  return (segment) => {
    const end = segment.length - last.length
    if (end < first.length || !segment.startsWith(first) || !segment.endsWith(last)) return false
    // The leftmost place for each part leaves the most room for the next: no need to go back.
    let from = first.length
    for (const part of middle) {
      const found = segment.indexOf(part, from)
      if (found === -1) return false
      from = found + part.length
    }
    return from <= end
  }
}

/**
 * Wildcard matching that goes back to the last `**` only: a pair of glob and path segments is
 * compared at most once for each run between two `**`, so no input blows the time up.
 */
function matchAcross(
  globs: readonly (SegmentMatcher | undefined)[],
  segments: readonly string[],
): boolean {
  let [glob, segment, resumeGlob, resumeSegment] = [0, 0, -1, 0]
  while (segment < segments.length) {
    const matcher = globs[glob]
    if (glob < globs.length && matcher === undefined) {
      resumeGlob = ++glob
      resumeSegment = segment
    } else if (matcher?.(segments[segment] ?? '') === true) {
      glob += 1
      segment += 1
    } else if (resumeGlob !== -1) {
      glob = resumeGlob
      segment = ++resumeSegment
    } else {
      return false
    }
  }
  return globs.slice(glob).every((rest) => rest === undefined)
}
