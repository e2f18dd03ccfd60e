import type { TranscriptClient } from '../claim.ts'

/** Their logs are SQLite databases with a journal beside them: kept as they are, and not read. */

export const opencode: TranscriptClient = {
  name: 'opencode',
  places: ['.db', '.db-wal'].map((suffix) => ({
    directories: ['.local', 'share', 'opencode'],
    suffix,
  })),
  housekeeping: [],
  read: null,
}

export const openclaw: TranscriptClient = {
  name: 'openclaw',
  places: ['.sqlite', '.sqlite-wal', '.jsonl'].map((suffix) => ({
    directories: ['.openclaw', 'agents', '*', 'sessions'],
    suffix,
  })),
  housekeeping: [],
  read: null,
}
