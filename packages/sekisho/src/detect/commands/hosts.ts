/** The machine itself, however it is spelled. */
const LOCAL =
  /^(?:[a-z][\w+.-]*:\/\/)?(?:[^@/\s]*@)?(?:localhost|127(?:\.\d{1,3}){0,3}|0\.0\.0\.0|::1|\[::1\])(?=[:/?#]|$)/i

/** An address or a host that is this machine's own. */
export function isLocal(place: string): boolean {
  return LOCAL.test(place)
}
