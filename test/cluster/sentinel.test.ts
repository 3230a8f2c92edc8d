import { prove } from './faults/prove.ts'
import { primaryFrozen, primaryKilled } from './faults/redis.ts'

prove([primaryKilled, primaryFrozen], { kind: 'sentinel' })
