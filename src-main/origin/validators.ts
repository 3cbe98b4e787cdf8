/** Validators and caching rules of a version kept earlier, for a conditional request. */
export interface StoredValidators {
  readonly etag: string | null
  readonly lastModified: string | null
  readonly lengthBytes: number
  /** Serialised `http-cache-semantics` policy. */
  readonly policy: unknown
}
