/** A set of small numbers, 32 in a word. */
export type PlaceSet = Int32Array

export function placeSet(size: number, has: (place: number) => boolean = () => false): PlaceSet {
  const set = new Int32Array((size + 31) >> 5)
  for (let place = 0; place < size; place++) if (has(place)) addPlace(set, place)
  return set
}

export function addPlace(set: PlaceSet, place: number): void {
  set[place >> 5]! |= 1 << (place & 31)
}

export function hasPlace(set: PlaceSet, place: number): boolean {
  return (set[place >> 5]! & (1 << (place & 31))) !== 0
}

/** Adds all of another. */
export function addAll(set: PlaceSet, other: PlaceSet): void {
  for (let word = 0; word < set.length; word++) set[word]! |= other[word]!
}

export function meet(a: PlaceSet, b: PlaceSet): boolean {
  return a.some((word, i) => (word & b[i]!) !== 0)
}
