/** Secrets that nobody issued, put together when they are needed: scanners of this repository. */
export const TOKEN = ['glpat', '-A1b2C3d4E5f6G7h8J9k0'].join('')
export const TOKEN_RULE = 'detect.secret.gitlab-pat'
