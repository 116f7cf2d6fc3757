export { fsBodyStore } from './bodies.js'
export { lmdbMetadataStore } from './metadata.js'
