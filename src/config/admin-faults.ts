import type { Fault } from './faults.js'
import type { StrataConfig } from './schema.js'

/** What the admin settings lack of each other. */
export function adminFaults({ admin, port, host }: Pick<StrataConfig, 'admin' | 'port' | 'host'>): Fault[] {
  const { issuer, audience, jwksUrl, jwksFile } = admin.jwt
  const faults: Fault[] = []
  if (issuer !== undefined && audience === undefined) {
    const message =
      "is needed with admin.jwt.issuer: else a token for any other service of the issuer's would do"
    faults.push({ path: 'admin.jwt.audience', message })
  }
  if (issuer === undefined && (audience ?? jwksUrl ?? jwksFile) !== undefined) {
    faults.push({ path: 'admin.jwt.issuer', message: 'is needed by the other settings of admin.jwt' })
  }
  if (jwksUrl !== undefined && jwksFile !== undefined) {
    faults.push({
      path: 'admin.jwt.jwksFile',
      message: "can't go with admin.jwt.jwksUrl: keep one of the two",
    })
  }
  if (admin.port !== undefined && admin.port !== 0 && admin.port === port && admin.host === host) {
    faults.push({ path: 'admin.port', message: 'is the port of the proxy: choose another, or leave it out' })
  }
  return faults
}
