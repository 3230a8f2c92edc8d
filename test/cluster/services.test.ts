import { chaos } from './faults/chaos.ts'
import { prove } from './faults/prove.ts'
import { churn, serviceFrozen, serviceKilled, serviceLeaves } from './faults/services.ts'

prove([serviceKilled, serviceLeaves, serviceFrozen, churn, chaos])
