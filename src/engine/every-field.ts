/** All members of `T`, those that may be absent as well: a literal that forgets one does not compile. */
export type EveryField<T> = { readonly [Name in keyof Required<T>]: T[Name] }
