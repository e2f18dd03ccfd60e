/**
 * A path glob as an extended regular expression over path and query, anchored by its reader, for
 * fences that read plain http. The query stands open, as in the policy.
 *
 * @param glob as readPathGlob accepts it
 */
export function globRegex(glob: string): string {
  const segments = glob.slice(1).split('/')
  const text = segments
    .map((segment) => (segment === '**' ? '(/[^?]*)?' : `/${segmentRegex(segment)}`))
    .join('')
  return `${text === '(/[^?]*)?' ? '/[^?]*' : text}(\\?.*)?`
}

function segmentRegex(segment: string): string {
  return segment.split(/\*+/).map(escapeRegex).join('[^/?]*')
}

export function escapeRegex(text: string): string {
  return text.replace(/[.+*?()[\]{}|^$\\]/g, String.raw`\$&`)
}
