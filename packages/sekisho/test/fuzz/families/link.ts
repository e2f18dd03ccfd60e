import { urlsOfLink } from '../../../src/policy/provenance/canonical-url.ts'
import { AGREED, difference, type Family, type Outcome, REFUSED } from '../family.ts'
import { absoluteForm, originForm } from './url.ts'
import { GOOD } from '../spellings.ts'
import { readUrl } from '../whatwg.ts'

const PAGE = `https://${GOOD}/dir/page`

/** A link in a document: each URL that becomes known by it leads where a browser would go. */
export const linkFamily: Family = {
  name: 'link',
  generate: (random) => (random.once(2) ? absoluteForm(random) : originForm(random))[1],
  check: (input): Outcome => {
    const urls = urlsOfLink(input, PAGE)
    if (urls.length === 0) return REFUSED
    const { query: _, ...place } = readUrl(input.trim(), PAGE) ?? { query: '' }
    for (const url of urls) {
      const differs = difference({ ...place }, { ...readUrl(url) })
      if (differs !== undefined) return { isAccepted: true, disagreement: `${url}: ${differs}` }
    }
    return AGREED
  },
}
