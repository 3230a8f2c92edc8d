/**
 * Writes every page of docs/reference/ that comes from code; with `--check` says which are stale and exits 1.
 *
 * @module
 */
import './generate-config-reference.ts'
import './generate-errors.ts'
import './generate-json-schemas.ts'
