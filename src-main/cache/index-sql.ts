// Every statement over contents, keys and versions; the tables are in index-schema.ts.

export const SQL = {
  find: 'SELECT sha256, length, piece_bytes, kind, pinned, pinned_until, priority, created_at, stamp FROM contents WHERE sha256 = ?',
  findByKey:
    'SELECT c.sha256, c.length, c.piece_bytes, c.kind, c.pinned, c.pinned_until, c.priority, c.created_at, c.stamp FROM keys k JOIN contents c ON c.sha256 = k.sha256 WHERE k.key = ?',
  lengths: "SELECT sha256, length FROM contents WHERE sha256 >= ?1 AND sha256 < ?1 || 'g'",
  evictable:
    'SELECT sha256, length, last_used_at, pinned, priority FROM contents ORDER BY priority, last_used_at, length DESC',
  usedBefore: 'SELECT 1 FROM contents WHERE last_used_at < ? AND pinned = 0 LIMIT 1',
  endedPins: 'SELECT sha256 FROM contents WHERE pinned = 1 AND pinned_until <= ?',
  totals:
    'SELECT count(*) AS entries, coalesce(sum(length), 0) AS bytes, coalesce(sum(pinned), 0) AS pinned, coalesce(sum(length * pinned), 0) AS pinnedBytes FROM contents',
  add: `INSERT INTO contents (sha256, length, piece_bytes, kind, pinned, pinned_until, priority, created_at, last_used_at, stamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (sha256) DO UPDATE SET kind = excluded.kind, last_used_at = max(last_used_at, excluded.last_used_at), stamp = excluded.stamp`,
  remove: 'DELETE FROM contents WHERE sha256 = ?',
  removeKeys: 'DELETE FROM keys WHERE sha256 = ?',
  removeVersions: 'DELETE FROM versions WHERE sha256 = ?',
  removeServed: 'DELETE FROM served WHERE sha256 = ?',
  stamp: 'UPDATE contents SET stamp = ? WHERE sha256 = ?',
  pin: 'UPDATE contents SET pinned = ?, pinned_until = ? WHERE sha256 = ?',
  priority: 'UPDATE contents SET priority = ? WHERE sha256 = ?',
  serve: `INSERT INTO served (sha256, peer, bytes, last_at) SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM contents WHERE sha256 = ?1)
        ON CONFLICT (sha256, peer) DO UPDATE SET bytes = bytes + excluded.bytes, last_at = excluded.last_at`,
  servedTo: 'SELECT peer, bytes, last_at FROM served WHERE sha256 = ? ORDER BY bytes DESC LIMIT 100',
  row: 'SELECT * FROM contents WHERE sha256 = ?',
  use: 'UPDATE contents SET last_used_at = max(last_used_at, ?), hits = hits + ?, served_bytes = served_bytes + ? WHERE sha256 = ?',
  version: 'SELECT url, key, etag, last_modified, length, policy, confirmed_at FROM versions WHERE url = ?',
  versionOf:
    'SELECT url, key, etag, last_modified, length, policy, confirmed_at FROM versions WHERE key = ? ORDER BY confirmed_at DESC LIMIT 1',
  versionsOf: 'SELECT url, key, etag, last_modified, length, policy, confirmed_at FROM versions WHERE sha256 = ?',
  versionOfKey:
    'SELECT v.url, v.key, v.etag, v.last_modified, v.length, v.policy, v.confirmed_at FROM keys k JOIN versions v ON v.sha256 = k.sha256 AND v.key = k.key WHERE k.key = ? LIMIT 1',
  putVersion: `INSERT INTO versions (url, key, sha256, etag, last_modified, length, policy, confirmed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (url) DO UPDATE SET key = excluded.key, sha256 = excluded.sha256, etag = excluded.etag, last_modified = excluded.last_modified,
          length = excluded.length, policy = excluded.policy, confirmed_at = excluded.confirmed_at WHERE ? OR excluded.confirmed_at >= versions.confirmed_at`,
  putKey: 'INSERT INTO keys (key, sha256) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET sha256 = excluded.sha256',
  putProvenance: `INSERT INTO keys (key, sha256, verified_by, source, signers) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (key) DO UPDATE SET sha256 = excluded.sha256, verified_by = excluded.verified_by, source = excluded.source, signers = excluded.signers`,
  provenance: 'SELECT verified_by, source, signers FROM keys WHERE key = ?',
  provenancesOf: 'SELECT verified_by, source, signers FROM keys WHERE sha256 = ? LIMIT 8',
  noteChecked: 'UPDATE keys SET verified_by = ?, source = coalesce(?, source) WHERE key = ?',
  forgetSignatures: 'UPDATE keys SET signers = NULL WHERE sha256 = ?',
  signedBy: `SELECT key, sha256 FROM keys WHERE signers LIKE '%"' || ? || '"%'`,
  confirm: 'UPDATE versions SET policy = ?, confirmed_at = ? WHERE url = ?',
  forgetOld: 'DELETE FROM versions WHERE confirmed_at < ? AND sha256 NOT IN (SELECT sha256 FROM contents)',
  urlsAfter: 'SELECT url FROM versions WHERE url > ? ORDER BY url LIMIT ?',
  urls: 'SELECT url FROM versions WHERE sha256 = ? ORDER BY confirmed_at DESC LIMIT 32'
} as const

/** What a search finds: the beginning of a digest, or a part of a URL. Both from covering indexes. */
export const FOUND = `SELECT sha256 FROM contents WHERE sha256 LIKE ?1 || '%' ESCAPE '\\' UNION SELECT sha256 FROM versions WHERE url LIKE '%' || ?1 || '%' ESCAPE '\\'`
