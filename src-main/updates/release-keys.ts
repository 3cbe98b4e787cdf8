/** Put in by the build, from `packaging/release-keys.txt`; undefined where the sources run as they are. */
declare const __LARDER_RELEASE_KEYS__: readonly string[] | undefined

/** Public keys whose signatures this build believes: Ed25519, 32 bytes as base64url. More than one while a key is being replaced. */
export const releaseKeys: readonly string[] =
  typeof __LARDER_RELEASE_KEYS__ === 'undefined' ? [] : __LARDER_RELEASE_KEYS__
