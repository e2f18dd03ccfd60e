import { expect, test } from 'vitest'
import { replySaying } from './reply-saying.ts'
import { readAsClient } from './testing/client.ts'
import { WIRES } from './testing/wires.ts'

test.for(WIRES)(
  'a client of $name reads it as a reply that says this and has ended',
  ({ api, framing, show }) => {
    const { text, ran, stop, faults } = readAsClient(
      api,
      show(replySaying(api, 'Refused here.', framing)),
    )
    expect({ text, ran, faults }).toEqual({ text: 'Refused here.', ran: [], faults: [] })
    expect(stop).not.toBeNull()
  },
)
