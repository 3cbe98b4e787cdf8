import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { OriginServer } from '../origin-server.ts'
import { pushImage, startRegistry } from './registry.ts'
import { end, noise, run, serve, type Ran } from './run.ts'

/** One PC on which the tool is used. */
export interface Pc {
  readonly root: string
  readonly home: string
  readonly gateway: string
}

/** Where a tool gets its things, all in place. */
export interface Source {
  /** `--source` of `larder integrate`. */
  readonly url?: string | undefined
  /** Its host, where it is not the origin's. */
  readonly host?: string
  /** Bytes of what the tool is to get. */
  readonly bytes: number
  /** Body bytes sent so far, where the origin does not count them. */
  readonly bodyBytes?: () => number
  close?(): Promise<void>
}

export interface Case {
  /** As `larder integrate` calls it; null: it is given URLs of the gateway. */
  readonly integrates: string | null
  readonly name: string
  /** Prints its version. */
  readonly version: readonly string[]
  /** What a user has in his configuration already, by path below the root. */
  readonly had: Readonly<Record<string, string>> | ((origin: OriginServer) => Readonly<Record<string, string>>)
  prepare(origin: OriginServer, dir: string, gatewayPort: number): Promise<Source>
  use(pc: Pc, origin: OriginServer): Promise<Ran>
}

const BYTES = 300_000
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const ok = (ran: Ran): Ran => {
  if (ran.code !== 0) throw new Error(ran.out.slice(-2000))
  return ran
}

const byUrl = (name: string, version: string[], use: Case['use']): Case => ({
  integrates: null,
  name,
  version,
  had: {},
  async prepare(origin) {
    origin.put(pathOf(name), noise(8 * BYTES))
    return { bytes: 8 * BYTES }
  },
  use
})
const throughGateway = (origin: OriginServer, gatewayPort: number) =>
  `http://127.0.0.1:${gatewayPort}/fetch/${origin.url.replace('://', '/')}`
const pathOf = (name: string) => `/by-url/${name.split(' ')[0]}.bin`
const urlOf = (pc: Pc, origin: OriginServer, name: string) =>
  `${pc.gateway}/fetch/${origin.url.replace('://', '/')}${pathOf(name)}`

/**
 * Package managers of Node.js, each with a package of its own.
 * @param tarballsAt where the registry says that tarballs lie
 */
const ofNode = (
  tool: string,
  pkg: string,
  args: string[],
  tarballsAt: (origin: OriginServer, gatewayPort: number) => string
): Case => ({
  integrates: tool,
  name: tool,
  version: [tool, '--version'],
  had: { 'home/.npmrc': 'fund=false\r\n' },
  async prepare(origin, dir, gatewayPort) {
    const work = path.join(dir, 'made')
    await mkdir(work, { recursive: true })
    await writeFile(path.join(work, 'package.json'), JSON.stringify({ name: pkg, version: '1.0.0' }))
    await writeFile(path.join(work, 'data.bin'), noise(BYTES))
    ok(await run('npm', ['pack', '--silent'], work))
    const tarball = await readFile(path.join(work, `${pkg}-1.0.0.tgz`))
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    const dist = { tarball: `${tarballsAt(origin, gatewayPort)}/${pkg}/-/${pkg}-1.0.0.tgz`, integrity }
    const versions = { '1.0.0': { name: pkg, version: '1.0.0', dist } }
    const text = JSON.stringify({ name: pkg, 'dist-tags': { latest: '1.0.0' }, versions })
    origin.put(`/${pkg}`, Buffer.from(text), { headers: { 'Content-Type': 'application/json' } })
    origin.put(`/${pkg}/-/${pkg}-1.0.0.tgz`, tarball)
    return { url: `${origin.url}/`, bytes: tarball.length + text.length }
  },
  async use({ home }) {
    const project = path.join(home, 'project')
    await mkdir(project, { recursive: true })
    await writeFile(path.join(project, 'package.json'), '{"name":"p","version":"1.0.0"}')
    return run(tool, [...args, pkg], project, { HOME: home })
  }
})

/** Package managers of RPMs, with a source of their own each. */
const ofRpms = (tool: string, reposDir: string, use: (pc: Pc) => Promise<Ran>): Case => ({
  integrates: tool,
  name: tool,
  version: [tool, '--version'],
  had: (origin) => ({
    [`${reposDir}/demo.repo`]: `[demo]\nname=demo\nbaseurl=http://${localhostOf(origin)}/${tool}\nenabled=1\ngpgcheck=0\ntype=rpm-md\n`
  }),
  async prepare(origin, dir) {
    const repo = path.join(dir, 'repo')
    await mkdir(repo, { recursive: true })
    await writeFile(path.join(dir, 'noise.bin'), noise(BYTES))
    await writeFile(
      path.join(dir, 'demo.spec'),
      `Name: demo\nVersion: 1.0\nRelease: 1\nSummary: demo\nLicense: x\nBuildArch: noarch\n%description\ndemo\n%install\nmkdir -p %{buildroot}/opt\ncp ${dir}/noise.bin %{buildroot}/opt/demo-${tool}.bin\n%files\n/opt/demo-${tool}.bin\n`
    )
    const places = [`_topdir ${dir}/build`, `_rpmdir ${repo}`, `_rpmfilename demo-1.0-1.noarch.rpm`]
    ok(await run('rpmbuild', ['-bb', ...places.flatMap((place) => ['--define', place]), 'demo.spec'], dir))
    ok(await run('createrepo_c', ['--no-database', repo], dir))
    let bytes = 0
    for (const entry of await readdir(repo, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = path.join(entry.parentPath, entry.name)
      const body = await readFile(file)
      origin.put(`/${tool}/${path.relative(repo, file)}`, body)
      // Lists of files and changes are fetched by some.
      if (!/filelists|other/.test(entry.name)) bytes += body.length
    }
    return { bytes, host: localhostOf(origin) }
  },
  use
})
/** URLs of 127.0.0.1 are taken for those of the gateway. */
const localhostOf = (origin: OriginServer) => `localhost:${new URL(origin.url).port}`

export const cases: readonly Case[] = [
  {
    integrates: 'apt',
    name: 'apt',
    version: ['apt-get', '--version'],
    had: { 'etc/apt/apt.conf.d/50mine': 'APT::Install-Recommends "false";\n' },
    async prepare(origin, dir) {
      const tree = path.join(dir, 'deb')
      await mkdir(path.join(tree, 'DEBIAN'), { recursive: true })
      await writeFile(path.join(tree, 'noise.bin'), noise(BYTES))
      await writeFile(
        path.join(tree, 'DEBIAN/control'),
        'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: demo\n'
      )
      ok(await run('dpkg-deb', ['--build', '--root-owner-group', tree, path.join(dir, 'demo.deb')], dir))
      const deb = await readFile(path.join(dir, 'demo.deb'))
      const control = ok(await run('dpkg-deb', ['-f', path.join(dir, 'demo.deb')], dir)).out.trim()
      origin.put('/debian/demo.deb', deb)
      const list = `${control}\nFilename: ./demo.deb\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n\n`
      origin.put('/debian/Packages', Buffer.from(list))
      return { bytes: deb.length + list.length }
    },
    async use({ root, home }, origin) {
      for (const folder of [
        'etc/apt/sources.list.d',
        'etc/apt/preferences.d',
        'var/lib/apt/lists/partial',
        'var/cache/apt/archives/partial',
        'var/lib/dpkg'
      ])
        await mkdir(path.join(root, folder), { recursive: true })
      await writeFile(path.join(root, 'var/lib/dpkg/status'), '')
      await writeFile(path.join(root, 'etc/apt/sources.list'), `deb [trusted=yes] ${origin.url}/debian ./\n`)
      const APT_CONFIG = path.join(root, 'apt.conf')
      await writeFile(
        APT_CONFIG,
        `Dir "${root}";\nDir::State::status "${root}/var/lib/dpkg/status";\nAPT::Sandbox::User "";\nAcquire::Languages "none";\n`
      )
      const updated = await run('apt-get', ['update'], home, { APT_CONFIG })
      return updated.code === 0 ? run('apt-get', ['download', 'demo'], home, { APT_CONFIG }) : updated
    }
  },
  ofRpms('dnf', 'etc/yum.repos.d', async ({ root, home }) => {
    await mkdir(path.join(root, 'log'), { recursive: true })
    const places = [`reposdir=${root}/etc/yum.repos.d`, `cachedir=${root}/cache`, `logdir=${root}/log`]
    const how = [`--installroot=${root}/inst`, '--releasever=1', ...places.map((place) => `--setopt=${place}`)]
    return run('dnf', ['-y', ...how, '--downloadonly', 'install', 'demo'], home)
  }),
  ofRpms('zypper', 'etc/zypp/repos.d', ({ root, home }) =>
    run('zypper', ['--root', root, '-n', '--no-gpg-checks', 'install', '--download-only', 'demo'], home)
  ),
  {
    integrates: 'pip',
    name: 'pip',
    version: ['pip3', '--version'],
    had: { 'home/.config/pip/pip.conf': '[global]\ntimeout = 60' },
    async prepare(origin, dir) {
      const wheel = path.join(dir, 'demo-1.0-py3-none-any.whl')
      const data = path.join(dir, 'noise.bin')
      await writeFile(data, noise(BYTES))
      const script = `
import zipfile
z = zipfile.ZipFile(${JSON.stringify(wheel)}, 'w')
z.write(${JSON.stringify(data)}, 'demo/data.bin')
z.writestr('demo-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n')
z.writestr('demo-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
z.writestr('demo-1.0.dist-info/RECORD', '')
`
      ok(await run('python3', ['-c', script], dir))
      const bytes = await readFile(wheel)
      const index = `<html><body><a href="../../files/demo-1.0-py3-none-any.whl#sha256=${sha256(bytes)}">demo</a></body></html>`
      origin.put('/files/demo-1.0-py3-none-any.whl', bytes)
      origin.put('/simple/demo/', Buffer.from(index), { headers: { 'Content-Type': 'text/html' } })
      return { url: `${origin.url}/simple/`, bytes: bytes.length + index.length }
    },
    use: ({ home }) =>
      run('pip3', ['download', 'demo', '--no-deps', '--no-cache-dir', '--disable-pip-version-check', '-d', home], home)
  },
  ofNode('npm', 'demo-npm', ['install', '--no-audit', '--no-fund'], (origin) => origin.url),
  // It asks where the registry says, as a mirror for PCs with Larder says it.
  ofNode('pnpm', 'demo-pnpm', ['add', '--store-dir', 'store'], throughGateway),
  {
    integrates: 'cargo',
    name: 'cargo',
    version: ['cargo', '--version'],
    had: { 'home/.cargo/config.toml': '[net]\nretry = 1\n' },
    async prepare(origin, dir, gatewayPort) {
      const work = path.join(dir, 'cargo/demo-1.0.0')
      await mkdir(path.join(work, 'src'), { recursive: true })
      await writeFile(path.join(work, 'Cargo.toml'), '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n')
      await writeFile(path.join(work, 'src/lib.rs'), '')
      await writeFile(path.join(work, 'noise.bin'), noise(BYTES))
      ok(await run('tar', ['-czf', '../demo.crate', '-C', '..', 'demo-1.0.0'], work))
      const crate = await readFile(path.join(dir, 'cargo/demo.crate'))
      const line = `${JSON.stringify({ name: 'demo', vers: '1.0.0', deps: [], cksum: sha256(crate), features: {}, yanked: false })}\n`
      // As a mirror for PCs with Larder says it: crates lie behind the gateway of each.
      const dl = `${throughGateway(origin, gatewayPort)}/crates/{crate}/{version}/download`
      const config = JSON.stringify({ dl })
      origin.put('/index/config.json', Buffer.from(config))
      origin.put('/index/de/mo/demo', Buffer.from(line))
      origin.put('/crates/demo/1.0.0/download', crate)
      return { url: `sparse+${origin.url}/index/`, bytes: crate.length + line.length + config.length }
    },
    async use({ home }) {
      const project = path.join(home, 'project')
      await mkdir(path.join(project, 'src'), { recursive: true })
      await writeFile(
        path.join(project, 'Cargo.toml'),
        '[package]\nname = "p"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\ndemo = "1.0.0"\n'
      )
      await writeFile(path.join(project, 'src/lib.rs'), '')
      const real = process.env['HOME'] ?? '/root'
      const env = {
        HOME: home,
        CARGO_HOME: path.join(home, '.cargo'),
        RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? path.join(real, '.rustup')
      }
      return run('cargo', ['fetch'], project, env)
    }
  },
  {
    integrates: 'maven',
    name: 'Maven',
    version: ['mvn', '--version'],
    had: { 'home/.m2/settings.xml': '<settings>\n  <offline>false</offline>\n</settings>\n' },
    async prepare(origin, dir) {
      const work = path.join(dir, 'maven')
      await mkdir(work, { recursive: true })
      await writeFile(path.join(work, 'noise.bin'), noise(BYTES))
      ok(
        await run('python3', ['-c', "import zipfile; z = zipfile.ZipFile('demo.jar', 'w'); z.write('noise.bin')"], work)
      )
      const jar = await readFile(path.join(work, 'demo.jar'))
      const pom = (id: string, packaging: string) =>
        `<project><modelVersion>4.0.0</modelVersion><groupId>org.demo</groupId><artifactId>${id}</artifactId><version>1.0</version><packaging>${packaging}</packaging></project>\n`
      let bytes = 0
      const put = (name: string, body: Buffer, group = 'org/demo') => {
        const sum = Buffer.from(createHash('sha1').update(body).digest('hex'))
        origin.put(`/maven2/${group}/${name}`, body)
        origin.put(`/maven2/${group}/${name}.sha1`, sum)
        bytes += body.length + sum.length
      }
      put('parent/1.0/parent-1.0.pom', Buffer.from(pom('parent', 'pom')))
      put('ext/1.0/ext-1.0.pom', Buffer.from(pom('ext', 'jar')))
      put('ext/1.0/ext-1.0.jar', jar)
      // Maven adds it to every extension.
      const utils = pom('plexus-utils', 'jar').replace('org.demo', 'org.codehaus.plexus').replace('1.0<', '1.1<')
      put('plexus-utils/1.1/plexus-utils-1.1.pom', Buffer.from(utils), 'org/codehaus/plexus')
      put('plexus-utils/1.1/plexus-utils-1.1.jar', jar, 'org/codehaus/plexus')
      return { url: `${origin.url}/maven2`, bytes }
    },
    async use({ home }) {
      const project = path.join(home, 'project')
      await mkdir(project, { recursive: true })
      // A parent and an extension are fetched before any plugin is needed.
      await writeFile(
        path.join(project, 'pom.xml'),
        '<project><modelVersion>4.0.0</modelVersion><parent><groupId>org.demo</groupId><artifactId>parent</artifactId><version>1.0</version><relativePath/></parent>' +
          '<artifactId>p</artifactId><packaging>pom</packaging><build><extensions><extension><groupId>org.demo</groupId><artifactId>ext</artifactId><version>1.0</version></extension></extensions></build></project>'
      )
      return run('mvn', ['-B', '-q', `-Duser.home=${home}`, 'validate'], project, { HOME: home })
    }
  },
  {
    integrates: 'gradle',
    name: 'Gradle',
    version: ['gradle', '--version'],
    had: { 'home/.gradle/gradle.properties': 'org.gradle.caching=false\n' },
    async prepare(origin) {
      const pom =
        '<project><modelVersion>4.0.0</modelVersion><groupId>org.demo</groupId><artifactId>lib</artifactId><version>1.0</version></project>\n'
      origin.put('/gradle/org/demo/lib/1.0/lib-1.0.pom', Buffer.from(pom))
      // Not what another tool has brought.
      const jar = noise(BYTES + 1)
      origin.put('/gradle/org/demo/lib/1.0/lib-1.0.jar', jar)
      return { url: `${origin.url}/gradle`, bytes: jar.length + pom.length }
    },
    async use({ home }) {
      const project = path.join(home, 'project')
      await mkdir(project, { recursive: true })
      await writeFile(path.join(project, 'settings.gradle'), '')
      await writeFile(
        path.join(project, 'build.gradle'),
        "repositories { mavenCentral() }\nconfigurations { lib }\ndependencies { lib 'org.demo:lib:1.0' }\ntask fetch { doLast { println configurations.lib.files } }\n"
      )
      const env = { HOME: home, GRADLE_USER_HOME: path.join(home, '.gradle') }
      return run('gradle', ['--no-daemon', '--quiet', `-Duser.home=${home}`, 'fetch'], project, env)
    }
  },
  {
    integrates: 'containerd',
    name: 'containerd',
    version: ['containerd', '--version'],
    had: {},
    async prepare(_origin, dir) {
      const registry = await startRegistry(dir)
      const bytes = await pushImage(registry, 'demo', noise(BYTES + 2))
      return {
        url: `http://${registry.host}`,
        host: registry.host,
        bytes,
        bodyBytes: registry.bodyBytes,
        close: () => registry.close()
      }
    },
    async use({ root }) {
      const host = (await hostsIn(root))[0]!
      const config = path.join(root, 'containerd.toml')
      const socket = path.join(root, 'c.sock')
      await writeFile(
        config,
        `version = 2\nroot = "${root}/lib"\nstate = "${root}/run"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${socket}"\n[ttrpc]\naddress = "${root}/t.sock"\n`
      )
      const daemon = await serve('containerd', ['-c', config], /successfully booted/)
      try {
        const hosts = path.join(root, 'etc/containerd/certs.d')
        const args = ['-a', socket, 'content', 'fetch', '--hosts-dir', hosts, `${host}/demo:1`]
        const fetched = await run('ctr', args, root)
        if (fetched.code !== 0) return fetched
        const listed = await run('ctr', ['-a', socket, 'content', 'ls'], root)
        return {
          ...listed,
          code: listed.out.split('\n').filter((line) => line.startsWith('sha256:')).length === 3 ? 0 : 1
        }
      } finally {
        await end(daemon)
      }
    }
  },
  byUrl('aria2 -x4', ['aria2c', '--version'], (pc, origin) =>
    run('aria2c', ['-x4', '-s4', '-k1M', '--quiet', '-d', pc.home, urlOf(pc, origin, 'aria2 -x4')], pc.home)
  ),
  byUrl('wget -c', ['wget', '--version'], async (pc, origin) => {
    const url = urlOf(pc, origin, 'wget -c')
    const whole = ok(await run('wget', ['-q', '-O', 'whole.bin', url], pc.home))
    // Broken off half way, and gone on with.
    await cp(path.join(pc.home, 'whole.bin'), path.join(pc.home, 'wget.bin'))
    await run('truncate', ['-s', '1000000', 'wget.bin'], pc.home)
    ok(await run('wget', ['-q', '-c', url], pc.home))
    const same = await run('cmp', ['whole.bin', 'wget.bin'], pc.home)
    return { code: same.code, out: whole.out + same.out }
  }),
  byUrl('node', ['node', '--version'], (pc, origin) =>
    run(
      process.execPath,
      [
        '-e',
        `fetch(${JSON.stringify(urlOf(pc, origin, 'node'))}).then(async (a) => process.exit(a.ok && (await a.arrayBuffer()).byteLength === ${8 * BYTES} ? 0 : 1))`
      ],
      pc.home
    )
  )
]

async function hostsIn(root: string): Promise<string[]> {
  return readdir(path.join(root, 'etc/containerd/certs.d'))
}
