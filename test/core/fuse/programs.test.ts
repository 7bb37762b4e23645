/**
 * Real programs on a mount: what they print and what they leave behind is what they print and
 * leave behind in a directory of the machine's own, under the mount and after it.
 */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { describeTree, hasProgram, mountFor, sh, whyNoMounts } from '../../helpers/fuse.js';
import { content, tempDir } from '../../helpers/lab.js';

/** A program: a script whose output does not depend on where it runs. */
interface Program {
  readonly needs: readonly string[];
  readonly script: string;
}

const PROGRAMS: Readonly<Record<string, Program>> = {
  'cp -a of a tree': {
    needs: ['cp', 'diff'],
    script: 'cp -a tree copy && diff -r --no-dereference tree copy && rm -rf tree/d0',
  },
  'rsync --checksum': {
    needs: ['rsync'],
    script:
      'rsync -aH tree/ copy/ && echo x >> copy/f1 && touch -r tree/f1 copy/f1 && rsync -aH --checksum --itemize-changes tree/ copy/',
  },
  'tar to and fro': {
    needs: ['tar'],
    script:
      'tar -cf t.tar tree && mkdir out && tar -xf t.tar -C out && diff -r tree out/tree && rm t.tar',
  },
  'find and its removals': {
    needs: ['find'],
    script:
      'find tree -name "f*" -size +2k | LC_ALL=C sort && find tree -name "f1*" -delete && ls -R tree',
  },
  'a file replaced as editors do': {
    needs: ['sed'],
    script: `for i in 1 2 3; do echo $i > tree/.new && cat tree/f0 >> tree/.new && mv tree/.new tree/f0; done
      sed -i 1d tree/f0; head -c 4 tree/f0; ln tree/f0 tree/hard; echo more >> tree/hard; tail -1 tree/f0`,
  },
  'git from clone to gc': {
    needs: ['git'],
    script: `export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
      git init -q repo && cd repo && git config user.name n && git config user.email e && cp -r ../tree . &&
      git add . && git commit -qm one && echo change >> tree/f1 && git commit -qam two && cd .. &&
      git clone -q repo clone && cd clone && git status --short && git fsck --strict && git gc -q &&
      git log --format=%s && git fsck && cd .. && rm -rf repo clone`,
  },
  'sqlite3 with a rollback journal': {
    needs: ['sqlite3'],
    script: `sqlite3 a.db "create table t(a,b); with recursive n(i) as (select 1 union all select i+1 from n
      where i<2000) insert into t select i, hex(i*i) from n; update t set b=b||a where a%3=0; delete from t
      where a%7=0; vacuum; select count(*), sum(length(b)) from t; pragma integrity_check;" && rm a.db`,
  },
  'sqlite3 with WAL in two processes': {
    needs: ['sqlite3'],
    script: `sqlite3 a.db "pragma journal_mode=wal; create table t(a);"
      insert() { for i in 1 2 3 4 5 6 7 8; do
        sqlite3 -cmd '.timeout 20000' a.db "insert into t values($1+$i)" || echo fail; done; }
      insert 0 & insert 10 & wait
      sqlite3 a.db "select count(*), sum(a) from t; pragma integrity_check;"; rm -f a.db*`,
  },
  'a compile with make -j2': {
    needs: ['make', 'gcc'],
    script: `mkdir src && cd src && for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" > f$i.c; done
      echo 'int f1(void),f2(void),f3(void),f4(void); int main(void) { return f1()+f2()+f3()+f4()-10; }' > main.c
      printf 'O=f1.o f2.o f3.o f4.o main.o\\nmain: $(O)\\n\\tgcc -o main $(O)\\n' > Makefile
      make -s -j2 && ./main && make -q && echo current; rm -f main *.o`,
  },
  'a shared library mapped from it': {
    needs: ['gcc'],
    script: `echo 'int answer(void) { return 42; }' > l.c && gcc -shared -fPIC -o libl.so l.c &&
      echo 'int answer(void); int main(void) { return answer() - 42; }' > m.c && gcc -o m m.c -L. -ll &&
      LD_LIBRARY_PATH=. ./m && echo loaded; rm -f m libl.so`,
  },
  'fio with checksums, sequential, random and mapped': {
    needs: ['fio'],
    script: `for rw in write randwrite; do for engine in psync mmap; do
      fio --name=x --filename=x.dat --rw=$rw --ioengine=$engine --bs=4k --size=2m --verify=crc32c \\
        --output-format=terse >/dev/null && echo $rw $engine good; rm -f x.dat; done; done`,
  },
  'attributes of all kinds': {
    needs: ['setfattr', 'getfattr'],
    script: `cd tree && setfattr -n user.a -v b f0 && getfattr -n user.a f0 && setfattr -x user.a f0
      chmod 4755 f0; stat -c %a f0; echo x >> f0; stat -c %a f0; touch -d '2001-02-03 04:05:06.789' f1
      stat -c %y f1; mkfifo p; ln -s nowhere l; stat -c '%F %N' p l; mkdir m && chmod 1777 m && stat -c %a m`,
  },
  'holes punched and looked for': {
    needs: ['fallocate'],
    script: `yes | head -c 100000 > h && fallocate -p -o 20480 -l 40960 h && md5sum h && fallocate -z -o 0 -l 8192 h &&
      md5sum h && fallocate -l 200000 h && md5sum h && fallocate -n -l 400000 h && stat -c %s h && truncate -s 5000 h &&
      truncate -s 9000 h && md5sum h`,
  },
};

function populate(directory: string): void {
  const tree = path.join(directory, 'tree');
  for (let d = 0; d < 4; d++) fs.mkdirSync(path.join(tree, `d${d}/e`), { recursive: true });
  for (let i = 0; i < 40; i++) {
    const file = path.join(tree, i % 3 === 0 ? `f${i}` : `d${i % 4}/e/f${i}`);
    fs.writeFileSync(file, content(`f${i}`, i * 731));
  }
  fs.writeFileSync(path.join(tree, 'f0'), 'first\nsecond\n');
  fs.writeFileSync(path.join(tree, 'f1'), 'one\n');
  fs.symlinkSync('d1/e', path.join(tree, 'link'));
}

async function compare(
  t: ExecutionContext,
  { script }: Program,
  flags: readonly string[],
): Promise<void> {
  const plain = tempDir(t);
  const server = tempDir(t);
  populate(plain);
  populate(server);
  const expected = await sh(plain, script);
  const mount = await mountFor(t, server, flags);
  const got = await sh(mount.mountpoint, script);
  t.is(got.out, expected.out);
  t.is(got.code, expected.code);
  const tree = await describeTree(plain);
  t.is(await describeTree(mount.mountpoint), tree);
  t.is(await mount.unmount(), 0, mount.said());
  if (flags.includes('direct')) t.is(await describeTree(server), tree);
  else {
    const again = await mountFor(t, server, flags);
    t.is(await describeTree(again.mountpoint), tree);
    t.is(await again.unmount(), 0, again.said());
  }
}

const reason = whyNoMounts();

for (const [name, program] of Object.entries(PROGRAMS)) {
  const missing = program.needs.filter((need) => !hasProgram(need));
  const why = reason ?? (missing.length > 0 ? `no ${missing.join(', ')}` : undefined);
  for (const [where, flags] of [
    ['in place', ['--server-writes', 'direct']],
    ['in an overlay', []],
  ] as const) {
    const run = why === undefined ? test.serial : test.serial.skip;
    run(`${name}, ${where}${why === undefined ? '' : ` (${why})`}`, async (t) => {
      const overlay = flags.length === 0 ? ['--server-overlay', tempDir(t)] : [];
      await compare(t, program, [...flags, ...overlay]);
    });
  }
}
