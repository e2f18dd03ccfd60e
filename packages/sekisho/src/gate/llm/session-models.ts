import type { GateSession } from '../../wire/gate.ts'
import type { LlmSettings } from '../../wire/llm.ts'
import { RequestReader } from '../../llm/request/request-reader.ts'
import { readModelRoute } from '../../llm/routes.ts'
import { countingRecorder } from '../counters.ts'
import type { HeadInspector } from '../head-inspection.ts'
import type { GateParts, MadeContext } from '../session-parts.ts'
import { SessionContent } from './content-look.ts'
import { filterPost } from './filters/filter-post.ts'
import { SessionFilters } from './filters/session-filters.ts'
import { personalTokens } from './personal.ts'
import type { ModelParts } from './ports.ts'
import { CallRecorder } from './recording.ts'
import { SpendClient } from './spend-client.ts'

/** What the model calls of one session are judged, counted and recorded by. */
export function makeModelParts(
  { session, credentials, platformCredentials, prints, decision: { agent } }: GateSession,
  parts: GateParts,
  own: MadeContext & HeadInspector,
): ModelParts {
  const { control, keyholder } = parts
  const { context, state, placeholders, inspector } = own
  const settings = (): LlmSettings => state.rules.point.bundle.llm
  const user = (): SpendUser => state.rules.point.user
  const reader = new RequestReader()
  return {
    session,
    settings,
    placeholders,
    credentials,
    ports: context.ports,
    routeOf: (action) => readModelRoute(action, settings().providers),
    read: (route, body) => reader.read(route, body),
    spending: new SpendClient({ control, session, agent, settings, user, now: () => parts.now() }),
    recordings: new CallRecorder({
      session,
      link: keyholder,
      settings: () => settings().recording,
      // as text: what was found in bodies of JSON is remembered, and no reply comes again
      scan: () => inspector.scanBody('text/plain'),
      foundIn: (body) => inspector.foundIn(body),
    }),
    content: new SessionContent(),
    filters: new SessionFilters({
      settings: () => settings().filters ?? [],
      post: filterPost({
        bindings: platformCredentials,
        ports: { ...context.ports, recorder: countingRecorder(own.recorder, context.counters) },
        upstreams: own.filterUpstreams,
      }),
      elapsedMs: () => performance.now(),
    }),
    personal: personalTokens(prints.key),
    reaches: (host) => context.policy.mayReach(host),
    record: (leaf) => own.recorder.modelCall(leaf),
    elapsedMs: () => performance.now(),
  }
}

type SpendUser = ReturnType<ConstructorParameters<typeof SpendClient>[0]['user']>
