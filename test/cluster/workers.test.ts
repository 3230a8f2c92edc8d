import { workerFrozen, workerKilled } from './faults/nodes.ts'
import { prove } from './faults/prove.ts'

prove([workerKilled, workerFrozen], { config: { workers: 2 } })
