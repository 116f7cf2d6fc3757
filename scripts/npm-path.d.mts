/** The environment in which `npm` is the user's own, not the one of a development dependency in node_modules/.bin. */
export function withOwnNpm(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv
