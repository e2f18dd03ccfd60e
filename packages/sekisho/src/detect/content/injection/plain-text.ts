/** Tags (U+E0020–E007E) spell ASCII that no screen shows; the model reads it. */
const TAGS = /[\u{e0020}-\u{e007e}]/gu
/** What is between letters and shows nothing: soft hyphen, zero-width, bidi, selectors, fillers. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu
const MARKS = /[\u0300-\u036f]+/g
const MAY_HAVE_MARKS = /[\u00c0-\u024f\u1e00-\u1eff]|[\u0300-\u036f]/

/** A word of more than one script, one of them Latin. */
const MIXED_WORD = /[a-z\u0370-\u03ff\u0400-\u052f\u13a0-\u13f4\u1d00-\u1d7f]+/g
const LATIN = /[a-z]/
const OTHER = /[^a-z]/

/**
 * Letters that look like a Latin one, in lower case (UTS #39 confusables, those that one is able
 * to type).
 */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  [
    'аa вb сc ԁd еe ѐe ёe ғf һh іi їi јj кk ӏl мm нh оo рp ԛq гr ѕs тt уy цu ѵv ԝw хx ьb',
    'αa βb ϲc εe ϝf ηn ιi κk νv οo ρp τt υu χx γy ωw ϳj ʋv',
    'ᴀa ʙb ᴄc ᴅd ᴇe ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz ıi ɑa ɡg ɩi',
  ]
    .flatMap((line) => line.split(' '))
    .flatMap((pair) => {
      const [from = '', to = ''] = pair
      return [[from, to]]
    }),
)

/** Everything is ASCII, as nearly all that agents read. */
const isAscii = (text: string): boolean => !/[\u0080-\uffff]/.test(text)

/**
 * A text as a reader takes it: what looks like a Latin letter is one, what shows nothing is gone,
 * what hidden tags spell stands there. In lower case; for comparing, never for passing on.
 */
export function plainText(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  const shown = text.normalize('NFKC').replace(TAGS, untag).replace(INVISIBLE, '').toLowerCase()
  const bare = MAY_HAVE_MARKS.test(shown)
    ? shown.normalize('NFD').replace(MARKS, '').normalize('NFC')
    : shown
  return bare.replace(MIXED_WORD, (word) =>
    LATIN.test(word) && OTHER.test(word) ? latinise(word) : word,
  )
}

function untag(tag: string): string {
  return String.fromCharCode((tag.codePointAt(0) ?? 0) - 0xe0000)
}

function latinise(word: string): string {
  let out = ''
  for (const letter of word) out += LOOKALIKES.get(letter) ?? letter
  return out
}
