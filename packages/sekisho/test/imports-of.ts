export type Import = {
  /** as written; `(computed)` where the text does not say what is loaded */
  specifier: string
  /** `import type` and `export type`: gone at run time */
  typesOnly: boolean
}

export const COMPUTED = '(computed)'

const STATIC =
  /\b(?:import|export)\s+(type\s+)?(?:(?:(?!\b(?:import|export)\b)[\w$\s{},*])*?\bfrom\s*)?(['"])([^'"\n]+)\2/g
/** `import(…)`, and the other ways to load a module by its name */
const DYNAMIC =
  /\b(?:import|require|getBuiltinModule|import\.meta\.resolve|createRequire\s*\([^)]*\))\s*\(\s*(?:(['"`])([^'"`$\n]+)\1\s*[,)])?/g

/** Every module that TypeScript source names, in whatever form. Comment lines do not count. */
export function importsOf(source: string): Import[] {
  const code = withoutCommentLines(source)
  const fixed = [...code.matchAll(STATIC)].map(([, type, , specifier = COMPUTED]) => ({
    specifier,
    typesOnly: type !== undefined,
  }))
  const loaded = [...code.matchAll(DYNAMIC)].map(([, , specifier = COMPUTED]) => ({
    specifier,
    typesOnly: false,
  }))
  return [...fixed, ...loaded]
}

/** Whole lines only: `/*` inside a string, such as a glob, must not hide the code after it. */
function withoutCommentLines(source: string): string {
  return source
    .split('\n')
    .filter((line) => !/^\s*(\/\/|\*(\s|\/?$)|\/\*((?!\*\/).)*(\*\/\s*)?$)/.test(line))
    .join('\n')
}
