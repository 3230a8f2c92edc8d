import { clockJumps } from './faults/clock.ts'
import { prove } from './faults/prove.ts'

prove([clockJumps], { isBare: true })
