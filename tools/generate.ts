/**
 * Writes every file that comes from code: pages of docs/reference/, and the scripts of pages. With `--check` says
 * which are stale and exits 1.
 *
 * @module
 */
import './generate-config-reference.ts'
import './generate-errors.ts'
import './generate-json-schemas.ts'
import './generate-live-script.ts'
import './generate-socket-script.ts'
