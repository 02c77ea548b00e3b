// Bundles GraphiQL into ../assets: every file carries a hash of its content in its name and is stored gzipped.
// Also writes assets/manifest.json, which the Go side reads, and ../LICENSES, from the packages that ended up inside.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import esbuild from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'assets');
const scratch = join(here, '.fonts'); // not a random place: esbuild hashes paths, too, into the names

// GraphiQL's stylesheet holds Monaco's and, as data URIs, all its fonts. Monaco's own copies are dropped; the fonts
// become files, so that the browser fetches the few it needs and the policy can forbid data: fonts.
const styles = {
  name: 'styles',
  setup(build) {
    build.onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: '', loader: 'css' }));
    build.onLoad({ filter: /[\\/]graphiql[\\/]dist[\\/]style\.css$/ }, ({ path }) => {
      const fonts = /url\(data:font\/(\w+);base64,([^)]+)\)/g;
      const contents = readFileSync(path, 'utf8').replace(fonts, (_, type, data) => {
        const bytes = Buffer.from(data, 'base64');
        const dir = join(scratch, createHash('sha256').update(bytes).digest('hex'));
        mkdirSync(dir, { recursive: true });
        const file = join(dir, `font.${type}`);
        writeFileSync(file, bytes);
        return `url("${file}")`;
      });
      return { contents, loader: 'css' };
    });
  },
};

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  metafile: true,
  write: false,
  outdir: out,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  legalComments: 'none', // ../LICENSES has them all, in full
  target: ['es2022'],
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff': 'file', '.woff2': 'file', '.ttf': 'file' },
  plugins: [styles],
  logLevel: 'warning',
};

function entryOf(result, source) {
  const found = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint?.endsWith(source));
  return { script: basename(found[0]), style: found[1].cssBundle && basename(found[1].cssBundle) };
}

const workerEntries = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
};
// Classic scripts: a worker is one file and needs no imports.
const workers = await esbuild.build({ ...common, format: 'iife', entryPoints: Object.values(workerEntries) });
const names = Object.fromEntries(
  Object.entries(workerEntries).map(([label, source]) => [label, entryOf(workers, source).script]),
);
const page = await esbuild.build({
  ...common,
  format: 'esm',
  splitting: true,
  entryPoints: ['boot.js'],
  define: { ...common.define, WORKERS: JSON.stringify(names) },
});

rmSync(out, { recursive: true, force: true });
mkdirSync(out);
const icon = readFileSync(join(here, 'favicon.svg'));
const iconName = `favicon-${createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase()}.svg`;
for (const { path, contents } of [...workers.outputFiles, ...page.outputFiles, { path: iconName, contents: icon }]) {
  if (contents.length === 0) continue; // esbuild's stylesheets of lazy chunks, whose rules are all in boot's
  const packed = gzipSync(contents, { level: 9 });
  packed[9] = 255; // the header's operating system byte, so that every machine writes the same file
  writeFileSync(join(out, `${basename(path)}.gz`), packed);
}
writeFileSync(join(out, 'manifest.json'), `${JSON.stringify({ ...entryOf(page, 'boot.js'), icon: iconName }, null, 2)}\n`);
rmSync(scratch, { recursive: true, force: true });

// The packages some byte of which is in an output, with their licence texts.
const packages = new Map();
for (const { metafile } of [workers, page]) {
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
      const dir = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1];
      if (dir && bytesInOutput > 0) packages.set(dir, JSON.parse(readFileSync(join(here, dir, 'package.json'), 'utf8')));
    }
  }
}
const sections = [...packages]
  .sort(([, a], [, b]) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1))
  .map(([dir, p]) => {
    const files = readdirSync(join(here, dir)).filter((f) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(f));
    const texts = files.sort().map((f) => readFileSync(join(here, dir, f), 'utf8').replaceAll('\r\n', '\n').trim());
    if (texts.length === 0) texts.push(`(The package names its licence, ${p.license}, and carries no text of it.)`);
    return `${p.name} ${p.version} (${p.license})\n\n${texts.join('\n\n')}`;
  });
const rule = `\n\n${'='.repeat(100)}\n\n`;
writeFileSync(
  join(here, '..', 'LICENSES'),
  [readFileSync(join(here, 'licenses-preface.txt'), 'utf8').trim(), ...sections].join(rule) + '\n',
);
