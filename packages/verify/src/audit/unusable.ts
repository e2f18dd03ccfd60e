/** What was handed to an auditor cannot be audited: no verdict about the log. */
export class UnusableInput extends Error {
  override name = 'UnusableInput'
}
