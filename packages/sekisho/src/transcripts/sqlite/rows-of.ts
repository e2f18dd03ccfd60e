import { type DatabaseFiles, Pages } from './pages.ts'
import { readTable, type TableRows } from './table.ts'

/** Rows of one table; of what is no database, or has no such table, none and one that is unread. */
export function rowsOf(
  files: DatabaseFiles,
  wanted: { table: string; columns: readonly string[] },
): TableRows {
  const pages = Pages.open(files)
  return (pages && readTable(pages, wanted)) ?? { rows: [], unread: 1 }
}
