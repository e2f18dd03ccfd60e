/**
 * The log's format and its proofs, without a dependency: what an auditor runs offline.
 *
 * @packageDocumentation
 */
export { canonicalForm, parseCanonical } from './canonical.ts'
export {
  type BatchPlace,
  joinForSigning,
  MAX_SIGNED_TOGETHER,
  signedTogether,
} from './batch-signature.ts'
export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
export {
  leafEffectOf,
  type LeafFacts,
  type LeafVersion,
  MAX_LEAF_BYTES,
  readLeaf,
} from './leaf.ts'
export { countIndependent, type Independence, type TrustedWitness } from './independent.ts'
export { listSegments, logIn, openSegment } from './log-files.ts'
export {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  HASH_BYTES,
  inclusionProof,
  leafHash,
  nodeHash,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
export {
  noteText,
  type NoteSignature,
  type NoteSignedBy,
  type OpenedNote,
  type OpenedNoteOf,
  openNote,
  openNoteOf,
  parseNote,
} from './note.ts'
export {
  addCosignature,
  type NoteCosigner,
  type NoteSigner,
  noteCosigner,
  noteSigner,
} from './note-signer.ts'
export {
  isSession,
  type LeafEffect,
  OpenEntries,
  type OpenEntry,
  SESSION_END,
} from './open-entries.ts'
export { type OpenedCheckpoint, openCheckpoint } from './open-checkpoint.ts'
export { type IndexedLeaf, type LeafFilter, readLeaves } from './read-leaves.ts'
export {
  type Fault,
  formatHeader,
  headSegment,
  isFault,
  type LogSource,
  MAX_BATCH_LEAVES,
  parseHeader,
  SEGMENT_BYTES,
  type Segment,
  type SegmentHeader,
  segmentName,
} from './segment.ts'
export { LogState, type StagedLeaf } from './state.ts'
export { verifyLog } from './verify-directory.ts'
export {
  type BrokenLog,
  type LogFollower,
  type SealedLeaves,
  type SoundLog,
  type VerifyOptions,
  verifyLogOf,
} from './verify-log.ts'
export { parseNoteLine, type Walk, type WalkEnd, walkSegment } from './walk.ts'
export { formatVkey, type NoteKeyType, type NoteVerifier, parseVkey } from './vkey.ts'
export { type BuiltTile, type ResumeFrom, TileBuilder } from './tile-builder.ts'
export { BLOCK_INDEX, BLOCK_RECORD_BYTES, type BlockPlace } from './block-index.ts'
export { type DerivedSink, Deriver } from './deriver.ts'
export { LogProofs, openTiles } from './log-proofs.ts'
export { type Derived, deriveInMemory, LogTiles } from './log-tiles.ts'
export { newestCheckpoint, type PlacedLeaf, sealedLines } from './sealed-lines.ts'
export { TileReader, type TileSource } from './tile-reader.ts'
export {
  formatBundle,
  parseBundle,
  parseTile,
  parseTilePath,
  partialTiles,
  type Tile,
  TILE_WIDTH,
  tileAt,
  type TileLevel,
  tilePath,
} from './tiles.ts'
export {
  formatTlogProof,
  parseTlogProof,
  type ProvenLeaf,
  type TlogProof,
  verifyTlogProof,
} from './tlog-proof.ts'
export {
  auditLog,
  type AuditOptions,
  type AuditReport,
  type BrokenAudit,
} from './audit/audit-log.ts'
export type { Finding } from './audit/findings.ts'
export type { SessionReport } from './audit/session-audit.ts'
export type { SignatureChecker, SignatureTask } from './audit/signature-queue.ts'
export { UnusableInput } from './audit/unusable.ts'
export type { Witness, Witnessed } from './audit/witnesses.ts'
export { auditBundle, type BundleReport } from './bundle/audit-bundle.ts'
export { bundleFile } from './bundle/bundle-file.ts'
export type { BundleBytes } from './bundle/read-bundle.ts'
export { type BundleOptions, writeBundle } from './bundle/write-bundle.ts'
export { auditPath, parseWitness } from './command/audit-path.ts'
export { describeReport, exitCodeOf, flatReport } from './command/describe-report.ts'
export { isKnownType, isSignedType } from './audit/leaf-types.ts'
export { claimedBytes, signedLeafBytes } from './audit/signed-bytes.ts'
export { type ReplayedState, startedState, stateAfter, stateHash } from './audit/states.ts'
