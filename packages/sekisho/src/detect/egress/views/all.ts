import { EscapesView } from './escapes.ts'
import { GzipView } from './gzip.ts'
import { InterleavedView } from './interleaved.ts'
import { hasParts, MimeView } from './mime.ts'
import { BASE64, HEX } from './run-alphabets.ts'
import { RunsView } from './runs.ts'
import type { View } from './view.ts'

/**
 * The views of one stream, each with its name. A detector scans what each gives, and the views of
 * that: see `ViewedScan`.
 *
 * @param contentType of a body, as the header has it; undefined for text inside a view
 */
export function makeViews(
  contentType: string | undefined,
): readonly { name: string; view: View }[] {
  const type = contentType?.trim().toLowerCase() ?? ''
  const views: { name: string; view: View }[] = [
    {
      name: 'escapes',
      view: new EscapesView(type.startsWith('application/x-www-form-urlencoded')),
    },
    { name: 'base64', view: new RunsView(BASE64) },
    { name: 'hex', view: new RunsView(HEX) },
    { name: 'utf16', view: new InterleavedView() },
    { name: 'gzip', view: new GzipView(contentType !== undefined) },
  ]
  if (contentType !== undefined && hasParts(contentType)) {
    views.push({ name: 'mime', view: new MimeView(contentType) })
  }
  return views
}
