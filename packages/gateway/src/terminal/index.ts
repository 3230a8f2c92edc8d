/**
 * How everything of Hydra looks in a terminal.
 *
 * @module
 */
export { fold } from './fold.ts'
export { formatLogLine, readableLog } from './log-lines.ts'
export { formatProblems } from './problems.ts'
export { createStyle, type Style } from './style.ts'
