/** Start of a digest or an id, as people read it out. */
export function shortId(id: string): string {
  return id.slice(0, 12)
}
