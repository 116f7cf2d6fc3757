export { fsBodyStore } from './bodies.js'
export { lmdbMetadataStore } from './metadata.js'
export { lmdbJobStore } from './jobs.js'
