export { fsBodyStore } from './bodies.js'
export { lmdbMetadataStore } from './metadata.js'
export { lmdbJobStore } from './jobs.js'
export { lmdbApiKeyStore } from './api-keys.js'
