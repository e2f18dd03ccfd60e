import { hash } from 'node:crypto'
import { matchesHost } from '../../core/host.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import type { Budget } from '../../wire/provenance.ts'
import { UrlEntropy } from './url-entropy.ts'

/** Something about to leave for a host. */
export type Outgoing = {
  /** of a head, or of a further piece of a body */
  bytes: number
  /** canonical; null for a piece of a body, whose URL has been counted */
  url: string | null
}

export type BudgetUse = {
  host: string
  bytesOut: number
  /** null where the budget sets no bound that needs it */
  distinctUrls: number | null
  urlEntropyBits: number | null
}

const KEY_LENGTH = 22
/** URLs told apart for one budget, about 100 bytes each; beyond, each counts as a new one */
const MAX_URLS = 16_384

/**
 * What each destination has learned of a session so far. Asking takes: what is admitted has been
 * counted, and what is denied has not, in none of the budgets that cover the host.
 */
export class BudgetLedger {
  readonly #accounts: readonly Account[]

  constructor(budgets: readonly Budget[]) {
    this.#accounts = budgets.map((budget) => new Account(budget))
  }

  /** nothing is ever refused */
  get isEmpty(): boolean {
    return this.#accounts.length === 0
  }

  /** @param host canonical */
  admit(host: string, outgoing: Outgoing): Deny | undefined {
    const accounts = this.#accounts.filter((account) => matchesHost(account.budget.host, host))
    if (accounts.length === 0) return undefined
    const key = outgoing.url === null ? null : keyOf(outgoing.url)
    const prices = accounts.map((account) => account.price(outgoing, key))
    for (const [index, account] of accounts.entries()) {
      const denied = account.refuse(prices[index] ?? NOTHING)
      if (denied !== undefined) return denied
    }
    for (const [index, account] of accounts.entries()) {
      account.take(outgoing, key, prices[index] ?? NOTHING)
    }
    return undefined
  }

  use(): readonly BudgetUse[] {
    return this.#accounts.map((account) => account.use())
  }
}

/** What something outgoing would add to an account. */
type Price = { bytes: number; urls: 0 | 1; bits: number }
const NOTHING: Price = { bytes: 0, urls: 0, bits: 0 }

class Account {
  readonly budget: Budget
  readonly #urls = new Set<string>()
  readonly #entropy = new UrlEntropy()
  #bytesOut = 0
  #bits = 0
  /** of which no key is kept */
  #uncounted = 0

  constructor(budget: Budget) {
    this.budget = budget
  }

  price({ bytes, url }: Outgoing, key: string | null): Price {
    const isOld = url === null || key === null || !this.#countsUrls || this.#urls.has(key)
    if (isOld) return { bytes, urls: 0, bits: 0 }
    const bits = this.budget.urlEntropyBits === null ? 0 : this.#entropy.estimate(url)
    return { bytes, urls: 1, bits }
  }

  refuse({ bytes, urls, bits }: Price): Deny | undefined {
    const { bytesOut, distinctUrls, urlEntropyBits, host } = this.budget
    if (bytesOut !== null && this.#bytesOut + bytes > bytesOut) {
      const asked = `${bytes} bytes more than the ${this.#bytesOut} sent`
      return deny('budget.bytes-out', `${asked} to ${host} are above its budget of ${bytesOut}`)
    }
    const count = this.#distinct + urls
    if (urls === 1 && distinctUrls !== null && count > distinctUrls) {
      return deny(
        'budget.distinct-urls',
        `URL ${count} of ${host} is above its budget of ${distinctUrls}`,
      )
    }
    if (urlEntropyBits === null || this.#bits + bits <= urlEntropyBits) return undefined
    const said = `this URL can say ${Math.ceil(bits)} bits and those before it ${Math.ceil(this.#bits)}`
    return deny('budget.url-entropy', `${said}: ${host} has a budget of ${urlEntropyBits}`)
  }

  take({ url }: Outgoing, key: string | null, { bytes, urls, bits }: Price): void {
    this.#bytesOut += bytes
    if (url === null || key === null || urls === 0) return
    this.#bits += bits
    if (this.budget.urlEntropyBits !== null) this.#entropy.remember(url)
    if (this.#urls.size < MAX_URLS) this.#urls.add(key)
    else this.#uncounted += 1
  }

  use(): BudgetUse {
    return {
      host: this.budget.host,
      bytesOut: this.#bytesOut,
      distinctUrls: this.#countsUrls ? this.#distinct : null,
      urlEntropyBits: this.budget.urlEntropyBits === null ? null : Math.ceil(this.#bits),
    }
  }

  /** A budget of bytes alone remembers nothing. */
  get #countsUrls(): boolean {
    return this.budget.distinctUrls !== null || this.budget.urlEntropyBits !== null
  }

  get #distinct(): number {
    return this.#urls.size + this.#uncounted
  }
}

function keyOf(url: string): string {
  return hash('sha256', url, 'base64url').slice(0, KEY_LENGTH)
}
