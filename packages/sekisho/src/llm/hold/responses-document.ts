import type { DocumentForm } from './document.ts'
import { listAt } from './format-reader.ts'
import { objectAt, textAt } from './json-object.ts'
import { itemKind } from './responses-types.ts'
import { countItem, KnownCalls, readOutput, renderOutput, sayingItem } from './responses-output.ts'
import { madeResponse } from './responses-view.ts'

/** A whole reply of the Responses API. */
export const responsesDocument: DocumentForm = {
  read: (document, parts) => {
    const { reply, calls } = parts
    const { facts } = reply
    facts.name(document['model'])
    facts.spent(document['usage'])
    const reason = objectAt(document, 'incomplete_details')
    facts.stop = (reason && textAt(reason, 'reason')) ?? textAt(document, 'status') ?? null
    const came = listAt(document, 'output')
    for (const item of came) if (itemKind(item) !== 'call') countItem(reply, item)
    const isCut = document['status'] !== undefined && document['status'] !== 'completed'
    const { items, fresh } = readOutput(reply, { known: new KnownCalls(), items: came, isCut })
    calls.push(...fresh)
    return () => {
      const output = renderOutput(items)
      return output === undefined ? document : { ...document, output, output_text: undefined }
    }
  },
  saying: (say) => madeResponse([sayingItem('end', say)]),
}
