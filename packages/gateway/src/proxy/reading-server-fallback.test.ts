/**
 * What visitors are promised holds as well where connections are read with 'data' events: the tests of the engine,
 * once more, on servers that have no other way (`reading-server.ts`).
 */
import { after } from 'node:test'
import { hideHandleStep } from './testing/no-handle-step.ts'

after(hideHandleStep())
await import('./listener.test.ts')
await import('./forward.test.ts')
await import('./upgrade.test.ts')
