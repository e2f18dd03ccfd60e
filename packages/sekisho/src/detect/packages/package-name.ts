/** npm's own bound, and one that no name on PyPI comes near. */
const MAX_NAME = 214

/**
 * What a registry's URL can mean by a package of npm: old names have capitals and `!'()*~`, and
 * capitals make a difference there. A leading dot or underscore never was a name.
 */
const NPM_PART = /^[A-Za-z0-9~!'()*-][A-Za-z0-9~!'()*._-]*$/
const NPM_SCOPE = /^@[A-Za-z0-9~-][A-Za-z0-9~._-]*$/

/** PyPA, Names and normalization. */
const PYPI_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/

/** As it stands, or undefined where it is no name of a package of npm. */
export function canonicalNpmName(text: string): string | undefined {
  if (text.length > MAX_NAME) return undefined
  if (!text.startsWith('@')) return NPM_PART.test(text) ? text : undefined
  const [scope = '', name = '', ...rest] = text.split('/')
  return rest.length === 0 && NPM_SCOPE.test(scope) && NPM_PART.test(name) ? text : undefined
}

/** The one spelling of a name on PyPI (PEP 503): lower case, runs of `-_.` one hyphen. */
export function canonicalPypiName(text: string): string | undefined {
  if (text.length > MAX_NAME || !PYPI_NAME.test(text)) return undefined
  return text.toLowerCase().replace(/[-_.]+/g, '-')
}
