export { memoryBodyStore } from './bodies.js'
export { memoryMetadataStore } from './metadata.js'
export { memoryJobStore } from './jobs.js'
export { memoryApiKeyStore } from './api-keys.js'
