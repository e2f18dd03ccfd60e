import { canonicalHost } from '../../../src/core/host.ts'
import { compare, type Family, type Outcome, REFUSED } from '../family.ts'
import { hostText } from '../spellings.ts'
import { readUrl } from '../whatwg.ts'

/** `canonicalHost` reads names of SNI, Host, DNS and of the bundle. */
export const makeHostFamily = (read: typeof canonicalHost): Family => ({
  name: 'host',
  generate: hostText,
  check: (input): Outcome => {
    const host = read(input)
    if (host === undefined) return REFUSED
    const ours = { host, port: 80, segments: ['', ''], query: '', hasUser: false }
    const asSent = compare(ours, readUrl(`http://${input}/`) ?? { host: 'refused' })
    return asSent.disagreement === undefined
      ? compare({ ...ours, again: host }, { ...readUrl(`http://${host}/`), again: read(host) })
      : asSent
  },
})

export const hostFamily: Family = makeHostFamily(canonicalHost)
