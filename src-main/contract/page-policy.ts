/**
 * The Content-Security-Policy every page of the window is sent with, by whatever serves it: scripts and styles only from the
 * bundle, connections only to the server itself, no frames, no forms.
 *
 * The digest in `style-src` is that of an empty text: Fluent UI makes empty style elements and fills them rule by rule, which
 * the policy does not see; a style element with text in it is refused.
 */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
