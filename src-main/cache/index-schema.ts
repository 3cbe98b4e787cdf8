/** An index of a schema that cannot be brought up to this one is rebuilt from the files. */
export const SCHEMA_VERSION = 4

/** Who got how much of a content. Goes with the content. */
const SERVED = `
  CREATE TABLE served (
    sha256 TEXT NOT NULL,
    peer TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    last_at REAL NOT NULL,
    PRIMARY KEY (sha256, peer)
  ) STRICT, WITHOUT ROWID;
`

/** The order in which contents are evicted: the next ones are found without looking at all. */
const EVICTION_INDEX = 'CREATE INDEX contents_by_eviction ON contents (priority, last_used_at, length DESC);'

export const SCHEMA = `
  CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY,
    length INTEGER NOT NULL,
    piece_bytes INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    created_at REAL NOT NULL,
    last_used_at REAL NOT NULL,
    hits INTEGER NOT NULL DEFAULT 0,
    served_bytes INTEGER NOT NULL DEFAULT 0,
    stamp TEXT,
    pinned_until REAL,
    priority INTEGER NOT NULL DEFAULT 1
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX contents_by_use ON contents (last_used_at);
  ${EVICTION_INDEX}
  CREATE INDEX contents_by_length ON contents (length);
  CREATE INDEX contents_by_creation ON contents (created_at);
  CREATE TABLE versions (
    url TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    etag TEXT,
    last_modified TEXT,
    length INTEGER NOT NULL,
    policy TEXT NOT NULL,
    confirmed_at REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX versions_by_content ON versions (sha256, url);
  CREATE TABLE keys (
    key TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    verified_by TEXT NOT NULL DEFAULT 'members',
    source TEXT,
    signers TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_by_content ON keys (sha256);
  ${SERVED}
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/** What brings an index of the version named up to the next one. */
export const MIGRATIONS: Readonly<Record<number, string>> = {
  1: `
    ALTER TABLE contents ADD COLUMN pinned_until REAL;
    ALTER TABLE contents ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
    ${SERVED}
    PRAGMA user_version = 2;
  `,
  2: `
    ${EVICTION_INDEX}
    PRAGMA user_version = 3;
  `,
  3: `
    ALTER TABLE keys ADD COLUMN verified_by TEXT NOT NULL DEFAULT 'members';
    ALTER TABLE keys ADD COLUMN source TEXT;
    ALTER TABLE keys ADD COLUMN signers TEXT;
    PRAGMA user_version = 4;
  `
}
