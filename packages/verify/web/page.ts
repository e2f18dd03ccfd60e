import './install-buffer.ts'
import { checkHere } from '../src/audit/check-here.ts'
import {
  checkByWebCrypto,
  judgeFiles,
  type PageFile,
  type Subtle,
  type Verdict,
} from './judge-files.ts'

/** The part of the document that this page uses; whatever a bundle says is set as text. */
type PageElement = {
  textContent: string | null
  className: string
  replaceChildren(...children: PageElement[]): void
  addEventListener(type: string, listener: (event: PageEvent) => void): void
}
type PageEvent = {
  preventDefault(): void
  target?: { files?: ArrayLike<PageFile> | null }
  dataTransfer?: { files: ArrayLike<PageFile> } | null
}
declare const document: {
  getElementById(id: string): PageElement | null
  createElement(name: string): PageElement
  body: PageElement
}
declare const crypto: { subtle?: Subtle }

const files: PageFile[] = []

function element(id: string): PageElement {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no ${id}`)
  return found
}

function item(text: string): PageElement {
  const made = document.createElement('li')
  made.textContent = text
  return made
}

function show({ kind, lines, sessions }: Verdict): void {
  const [first = '', ...rest] = lines
  element('verdict').className = kind
  element('verdict').textContent = first
  element('found').replaceChildren(...rest.map(item))
  element('sessions').replaceChildren(...sessions.map((session) => item(JSON.stringify(session))))
}

async function take(given: ArrayLike<PageFile> | null | undefined): Promise<void> {
  files.push(...Array.from(given ?? []))
  element('verdict').className = ''
  element('verdict').textContent = 'reading…'
  // a page that is not from a secure place has no WebCrypto
  const { subtle } = crypto
  show(await judgeFiles(files, subtle === undefined ? checkHere : checkByWebCrypto(subtle)))
}

function takeAndSay(given: ArrayLike<PageFile> | null | undefined): void {
  take(given).catch((error: unknown) => {
    show({ kind: 'unusable', lines: [`this page failed: ${String(error)}`], sessions: [] })
  })
}

element('files').addEventListener('change', ({ target }) => takeAndSay(target?.files))
document.body.addEventListener('dragover', (event) => event.preventDefault())
document.body.addEventListener('drop', (event) => {
  event.preventDefault()
  takeAndSay(event.dataTransfer?.files)
})
element('clear').addEventListener('click', () => {
  files.length = 0
  show({ kind: 'unusable', lines: ['Drop a bundle and root.pem here.'], sessions: [] })
})
