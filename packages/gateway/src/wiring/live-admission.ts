/**
 * Who may register, as the configuration says now.
 *
 * @module
 */
import { type Admission, type AdmissionDeps, createAdmission } from '../address/admission.ts'
import type { Config } from '../config.ts'
import type { Cells } from '../lifecycle/cells.ts'

export function createLiveAdmission(
  cells: Cells,
  doors: Required<Pick<AdmissionDeps, 'own' | 'otherAt'>>,
): Admission {
  const cell = cells.of(({ registration, upstreams }: Config) => ({
    admission: createAdmission({
      registrationFrom: registration.from,
      upstreamsAllow: upstreams.allow,
      ...doors,
    }),
  }))
  return {
    mayRegister: (peer) => cell.admission.mayRegister(peer),
    resolve: (host, peer, port) => cell.admission.resolve(host, peer, port),
  }
}
