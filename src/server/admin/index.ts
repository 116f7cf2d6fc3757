export { adminRouter, type AdminOptions, type AdminRequest } from './router.js'
export { healthRoutes, type Health, type HealthReport } from './health-routes.js'
