import type { RequestTypes } from './schema.ts'
import type { Scene } from './scene.ts'
import { namedEntity } from './named-values.ts'
import type { SymbolicEntity } from './symbolic.ts'
import { equal } from './term.ts'
import type { World } from './world.ts'

/**
 * One shape of request: an action of a type of resource, asked for by principals who all must be
 * permitted. A session asks together with the user who began it, over one context.
 */
export type Frame = {
  /** id of the action */
  action: string
  /** type */
  resource: string
  /** types */
  principals: readonly string[]
}

const SESSION = 'Sekisho::Session'
const USER = 'Sekisho::User'

/** Every shape of request that a schema has; requests and connections first, which examples are easiest read of. */
export function framesOf({ actions }: RequestTypes): Frame[] {
  const requestsFirst = [...actions].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return requestsFirst.flatMap(([action, { principals, resources }]) =>
    resources.flatMap((resource) =>
      together(principals).map((group) => ({ action, resource, principals: group })),
    ),
  )
}

const FIRST: readonly string[] = ['net.connect', 'http.request']

function rank(action: string): number {
  return -FIRST.indexOf(action)
}

function together(principals: readonly string[]): (readonly string[])[] {
  const isPair = principals.includes(SESSION) && principals.includes(USER)
  const alone = principals.filter((type) => !isPair || (type !== SESSION && type !== USER))
  return [...(isPair ? [[SESSION, USER]] : []), ...alone.map((type) => [type])]
}

/**
 * A frame's requests as one principal's policies see them; undefined where the schema has no such
 * request, which no policy then permits.
 */
export function sceneOf(
  frame: Frame,
  principal: string,
  { world, types }: { world: World; types: RequestTypes },
): Scene | undefined {
  const action = types.actions.get(frame.action)
  if (action === undefined) return undefined
  if (!action.principals.includes(principal) || !action.resources.includes(frame.resource)) {
    return undefined
  }
  return {
    world,
    types,
    bindings: {
      principal: world.entity(placeOf(principal), principal),
      action: namedEntity(action.type, frame.action),
      resource: world.entity('resource', frame.resource),
      context: { kind: 'record', record: world.record('context', action.context) },
    },
  }
}

/** `Sekisho::Session` is at `session`. */
export function placeOf(type: string): string {
  const last = type.split('::').at(-1) ?? type
  return last.charAt(0).toLowerCase() + last.slice(1)
}

/**
 * How the gate makes the entities of a request: a session is in its agent and in nothing else, and
 * the user who asks with it is the one who began it.
 */
export function assumePlatform(world: World, types: RequestTypes): void {
  if (!types.entities.has(SESSION)) return
  const session = world.entity(placeOf(SESSION), SESSION)
  const user = world.attribute(session, 'user', types)?.value
  if (user?.kind === 'entity') {
    world.assume(equal(user.id, world.entity(placeOf(USER), USER).id))
  }
  const agent = world.attribute(session, 'agent', types)?.value
  if (agent?.kind !== 'entity') return
  world.assumeLate(() =>
    world.entities
      .ofType(agent.type)
      .map((each) => equal(world.entities.isIn(session, each), sameAgent(agent, each))),
  )
}

function sameAgent(agent: SymbolicEntity, other: SymbolicEntity): ReturnType<typeof equal> {
  return equal(agent.id, other.id)
}
