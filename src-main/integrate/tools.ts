import { join } from 'node:path'
import type { Edit } from './edits.ts'

/** What a tool's configuration depends on. */
export interface Surroundings {
  readonly home: string
  /** `/` but in tests and images of other systems. */
  readonly root: string
  /** `http://127.0.0.1:<port>` of the gateway. */
  readonly gateway: string
  /** The source to be led through it instead of the tool's own. */
  readonly source?: string | undefined
}

export interface ToolFile {
  readonly path: string
  readonly edit: Edit
}

export interface Tool {
  readonly name: string
  readonly what: string
  /** Its own source, where it has one. */
  readonly source?: string
  /** What is shared then, and what is not. */
  readonly shares: string
  /** Programs by which it is known to be there. */
  readonly programs: readonly string[]
  /** Files of the system: only root may change them. */
  readonly ofSystem?: boolean
  /** Hosts that `gateway.hosts` has to name, beside that of the source. */
  readonly hosts?: readonly string[]
  /** @param folder files in a folder that exist, by its path */
  files(where: Surroundings, folder: (path: string) => readonly string[]): readonly ToolFile[]
}

/** Tools that have no configuration by which the gateway could serve them, and why. */
export const unfit: Readonly<Record<string, string>> = {
  docker: 'Docker takes no mirror with a path, and asks every registry with a token of its own; use containerd.',
  nuget: 'The index of a feed names all its addresses in full, so only the index would come through the gateway.',
  huggingface:
    'Its client reads fields of the first answer that no cache keeps; ask for single files by /fetch/https/….',
  ollama: 'It names its registry in every model and has no setting for another one.',
  winget: 'It takes sources over https alone; download installers with `larder get`.',
  powershell: 'It has no setting; give URLs as http://127.0.0.1:<port>/fetch/https/….'
}

const through = ({ gateway, source }: Surroundings, own: string): string =>
  `${gateway}/fetch/${(source ?? own).replace('://', '/')}`

/** pip takes `-` for `_`, and capitals. */
const anIndex = /^\s*(?:index[-_]url|no[-_]index)\s*[=:]/i

/** Files that would overrule what is put in, or be overruled by it: none of them may say the same. */
const free = (paths: readonly string[], taken: RegExp): ToolFile[] =>
  paths.map((path) => ({ path, edit: { kind: 'none', taken } }))

export const tools: readonly Tool[] = [
  {
    name: 'apt',
    what: 'Debian and Ubuntu packages',
    shares: 'packages and indexes of http:// sources; https:// sources are asked directly',
    programs: ['apt-get'],
    ofSystem: true,
    files: ({ root, gateway }, folder) => [
      ...free(
        [
          ...folder(join(root, 'etc/apt/apt.conf.d')).filter((path) => /\/(?!30larder$)[\w-]+(\.conf)?$/.test(path)),
          join(root, 'etc/apt/apt.conf')
        ],
        /^(?!\s*(?:\/\/|#)).*\bProxy(?:-?Auto-?Detect)?\s+"/i
      ),
      {
        path: join(root, 'etc/apt/apt.conf.d/30larder'),
        edit: {
          kind: 'own',
          comment: '//',
          lines: [`Acquire::http::Proxy "${gateway}";`, 'Acquire::https::Proxy "DIRECT";']
        }
      }
    ]
  },
  ...[
    { name: 'dnf', folder: 'etc/yum.repos.d', what: 'packages of Fedora, RHEL and their kin' },
    { name: 'zypper', folder: 'etc/zypp/repos.d', what: 'packages of openSUSE and SLES' }
  ].map(({ name, folder, what }): Tool => ({
    name,
    what,
    shares: 'packages and metadata of sources with a baseurl; those found by metalink or mirrorlist are asked directly',
    programs: [name],
    ofSystem: true,
    files: ({ root, gateway }, files) =>
      files(join(root, folder))
        .filter((path) => path.endsWith('.repo'))
        .map((path) => ({ path, edit: { kind: 'through', key: /^\s*baseurl\s*=/, gateway } }))
  })),
  {
    name: 'pip',
    what: 'Python packages',
    source: 'https://pypi.org/simple/',
    shares: 'the index, and packages where it links to them relatively (mirrors); PyPI’s own are on another host',
    programs: ['pip', 'pip3'],
    files: (where) => [
      ...free(
        ['etc/pip.conf', 'etc/xdg/pip/pip.conf'].map((path) => join(where.root, path)),
        anIndex
      ),
      ...free([join(where.home, '.pip/pip.conf')], anIndex),
      {
        path: join(where.home, '.config/pip/pip.conf'),
        edit: {
          kind: 'section',
          section: 'global',
          comment: '#',
          lines: [`index-url = ${through(where, 'https://pypi.org/simple/')}`],
          taken: anIndex
        }
      }
    ]
  },
  {
    name: 'uv',
    what: 'Python packages',
    source: 'https://pypi.org/simple/',
    shares: 'as for pip',
    programs: ['uv'],
    files: (where) => [
      {
        path: join(where.home, '.config/uv/uv.toml'),
        edit: {
          kind: 'end',
          comment: '#',
          lines: ['[[index]]', `url = "${through(where, 'https://pypi.org/simple/')}"`, 'default = true'],
          taken: /^\s*["']?(?:index-url|default|index)["']?\s*=/
        }
      }
    ]
  },
  ...['npm', 'pnpm'].map((name): Tool => ({
    name,
    what: 'packages of Node.js',
    source: 'https://registry.npmjs.org/',
    shares:
      name === 'npm'
        ? 'metadata and packages of public registries; with a token every PC asks for itself'
        : 'metadata, and packages where the registry names them through the gateway, too (mirrors): pnpm asks for them where the registry says',
    programs: [name],
    files: (where) => [
      {
        path: join(where.home, '.npmrc'),
        edit: {
          kind: 'top',
          comment: '#',
          lines: [`registry=${through(where, 'https://registry.npmjs.org/')}`, 'replace-registry-host=always'],
          taken: /^\s*["']?registry["']?\s*=/
        }
      }
    ]
  })),
  {
    name: 'cargo',
    what: 'crates of Rust',
    source: 'sparse+https://index.crates.io/',
    shares:
      'the index, and crates where its config.json leads through the gateway, too (mirrors); those of crates.io are on another host',
    programs: ['cargo'],
    files: ({ home, gateway, source = 'https://index.crates.io/' }, folder) => [
      {
        // Where both are there, cargo reads the one without an ending alone.
        path: folder(join(home, '.cargo')).find((path) => path.endsWith('/config')) ?? join(home, '.cargo/config.toml'),
        edit: {
          kind: 'end',
          comment: '#',
          lines: [
            '[source.crates-io]',
            'replace-with = "larder"',
            '[source.larder]',
            `registry = "sparse+${gateway}/fetch/${source.replace(/^sparse\+/, '').replace('://', '/')}"`
          ],
          taken: /^\s*\[?\s*source\s*\.\s*["']?crates-io["']?\s*[\].]|^\s*["']?crates-io["']?\s*[.=]/
        }
      }
    ]
  },
  {
    name: 'maven',
    what: 'artifacts of Maven Central',
    source: 'https://repo.maven.apache.org/maven2',
    shares: 'everything of the repository that is mirrored',
    programs: ['mvn'],
    files: (where) => [
      {
        path: join(where.home, '.m2/settings.xml'),
        edit: {
          kind: 'element',
          root: 'settings',
          lines: [
            '  <mirrors>',
            '    <mirror>',
            '      <id>larder</id>',
            '      <mirrorOf>central</mirrorOf>',
            `      <url>${through(where, 'https://repo.maven.apache.org/maven2')}</url>`,
            '    </mirror>',
            '  </mirrors>'
          ],
          taken: /<mirrors[\s/>]/
        }
      }
    ]
  },
  {
    name: 'gradle',
    what: 'artifacts of Maven Central',
    source: 'https://repo.maven.apache.org/maven2',
    shares: 'everything that builds take from mavenCentral()',
    programs: ['gradle'],
    files: (where) => [
      {
        path: join(where.home, '.gradle/init.d/larder.gradle'),
        edit: {
          kind: 'own',
          comment: '//',
          lines: [
            `def larder = '${through(where, 'https://repo.maven.apache.org/maven2')}'`,
            "def central = ['https://repo.maven.apache.org/maven2', 'https://repo1.maven.org/maven2']",
            'def viaLarder = { repositories ->',
            '  repositories.withType(MavenArtifactRepository).all { repository ->',
            '    if (central.any { repository.url.toString().startsWith(it) }) {',
            '      repository.url = uri(larder)',
            "      if (repository.hasProperty('allowInsecureProtocol')) repository.allowInsecureProtocol = true",
            '    }',
            '  }',
            '}',
            'settingsEvaluated { settings ->',
            "  if (settings.hasProperty('pluginManagement')) viaLarder(settings.pluginManagement.repositories)",
            "  if (settings.hasProperty('dependencyResolutionManagement')) viaLarder(settings.dependencyResolutionManagement.repositories)",
            '}',
            'allprojects { viaLarder(repositories); viaLarder(buildscript.repositories) }'
          ]
        }
      }
    ]
  },
  {
    name: 'containerd',
    what: 'images of containers',
    source: 'https://registry-1.docker.io',
    shares: 'layers of registries that ask for no token; Docker Hub does, so name your mirror by --source',
    programs: ['containerd'],
    ofSystem: true,
    files: ({ root, gateway, source = 'https://registry-1.docker.io' }) => {
      const { host } = new URL(source)
      const name = host === 'registry-1.docker.io' ? 'docker.io' : host
      return [
        {
          path: join(root, 'etc/containerd/certs.d', name, 'hosts.toml'),
          edit: {
            kind: 'own',
            comment: '#',
            lines: [
              `server = "${source}"`,
              `[host."${gateway}/fetch/${source.replace('://', '/')}/v2"]`,
              '  capabilities = ["pull", "resolve"]',
              '  override_path = true'
            ]
          }
        }
      ]
    }
  },
  {
    name: 'wget',
    what: 'downloads by wget',
    shares: 'http:// URLs; https:// ones are asked directly: write them as /fetch/https/…',
    programs: ['wget'],
    files: ({ home, gateway }) => [
      {
        path: join(home, '.wgetrc'),
        edit: {
          kind: 'top',
          comment: '#',
          lines: [`http_proxy = ${gateway}`, 'use_proxy = on'],
          // Names without regard to case, `-` and `_`.
          taken: /^\s*(?:http[-_]?proxy\s*=|use[-_]?proxy\s*=\s*(?:off|no|0)\b)/i
        }
      }
    ]
  },
  {
    name: 'curl',
    what: 'downloads by curl and other programs that heed http_proxy',
    shares: 'http:// URLs, from the next session on; https:// ones are asked directly: write them as /fetch/https/…',
    programs: ['curl'],
    files: ({ home, gateway }, folder) => [
      ...free(
        folder(join(home, '.config/environment.d')).filter((path) => /(?<!\/60-larder)\.conf$/.test(path)),
        /^\s*http_proxy\s*=/
      ),
      ...free([join(home, '.curlrc')], /^\s*(?:(?:--)?proxy(?![-\w])|-x)/),
      {
        path: join(home, '.config/environment.d/60-larder.conf'),
        edit: { kind: 'own', comment: '#', lines: [`http_proxy=${gateway}`, 'no_proxy=localhost,127.0.0.1,::1'] }
      }
    ]
  }
]

export function toolNamed(name: string): Tool | undefined {
  return tools.find((tool) => tool.name === name)
}
