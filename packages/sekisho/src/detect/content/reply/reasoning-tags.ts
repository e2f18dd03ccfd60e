/** Tags around what a model thinks, where it stands in the text; clients take them out. */
const NAMES = /^(?:(?:antml:|mm:)?(?:think(?:ing)?|thought|reasoning)|internal|antthinking)$/i
/** No name is longer. */
const MAX_NAME = 16

type State = 'none' | 'open' | 'name' | 'inside'

/** Finds the ends of reasoning tags, and some that are none: a quoted `>` counts as well. */
export class TagTracker {
  #state: State = 'none'
  #name = ''

  /** whether a tag has begun that may be one */
  get isOpen(): boolean {
    return this.#state !== 'none'
  }

  /** @returns whether this may be the last character of a tag */
  take(character: string): boolean {
    if (character === '<') {
      this.#state = 'open'
      this.#name = ''
      return false
    }
    if (this.#state === 'open' && /[\s/]/.test(character)) return false
    if (this.#state === 'open' || this.#state === 'name') this.#take(character)
    return this.#state === 'inside' && character === '>'
  }

  #take(character: string): void {
    if (/[a-z0-9:]/i.test(character)) {
      this.#name += character
      this.#state = this.#name.length > MAX_NAME ? 'none' : 'name'
    } else {
      this.#state = /[\s/>]/.test(character) && NAMES.test(this.#name) ? 'inside' : 'none'
    }
  }
}
