import { workerKilled } from './faults/nodes.ts'
import { prove } from './faults/prove.ts'

prove([workerKilled], { config: { workers: 2 } })
