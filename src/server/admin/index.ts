export { adminRouter, type AdminOptions, type AdminRequest } from './router.js'
export { probes, type Health, type HealthReport } from './health-routes.js'
export { routesOf, type AdminRoute, type Context } from './route.js'
