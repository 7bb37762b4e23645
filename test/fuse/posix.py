"""System calls on a directory, one after the other, held against what POSIX and Linux say: prints what differs.
usage: posix.py DIRECTORY (empty)"""
import os,errno,sys,stat,time,ctypes,fcntl,mmap,subprocess
os.chdir(sys.argv[1])
bad=[]
def err(f,*a,**k):
    try: f(*a,**k); return 0
    except OSError as e: return e.errno
def eq(name,got,exp):
    if got!=exp: bad.append((name,got,exp)); print("BAD",name,got,exp)
E=errno
def as_user(uid,f):
    pid=os.fork()
    if pid==0:
        try:
            os.setgroups([]); os.setgid(uid); os.setuid(uid)
            os._exit(f() & 255)
        except BaseException as e:
            print('child',e); os._exit(250)
    return os.waitstatus_to_exitcode(os.waitpid(pid,0)[1])
os.umask(0)
# names
eq('name255',err(lambda:os.close(os.open('x'*255,os.O_CREAT|os.O_RDWR))),0); os.unlink('x'*255)
eq('name256',err(os.mkdir,'x'*256),E.ENAMETOOLONG)
eq('path4096',err(os.mkdir,'a/'*2048+'x'),E.ENAMETOOLONG)
os.symlink('l2','l1'); os.symlink('l1','l2'); eq('eloop',err(os.open,'l1',os.O_RDONLY),E.ELOOP); os.unlink('l1'); os.unlink('l2')
# dirs
os.mkdir('d',0o755); open('d/f','w').close()
eq('rmdir notempty',err(os.rmdir,'d'),E.ENOTEMPTY)
eq('unlink dir',err(os.unlink,'d') in (E.EISDIR,E.EPERM),True)
eq('rmdir file',err(os.rmdir,'d/f'),E.ENOTDIR)
eq('through file',err(os.stat,'d/f/x'),E.ENOTDIR)
eq('mkdir exists',err(os.mkdir,'d'),E.EEXIST)
eq('open O_EXCL',err(os.open,'d/f',os.O_CREAT|os.O_EXCL),E.EEXIST)
eq('open dir w',err(os.open,'d',os.O_RDWR),E.EISDIR)
eq('rename dir over file',err(os.rename,'d','d/f') ,E.EINVAL)
os.mkdir('e'); open('g','w').close()
eq('rename dir->file',err(os.rename,'e','g'),E.ENOTDIR)
eq('rename file->dir',err(os.rename,'g','e'),E.EISDIR)
eq('rename ->nonempty',err(os.rename,'e','d'),E.ENOTEMPTY)
eq('rename into self',err(os.rename,'d','d/x'),E.EINVAL)
os.rename('e','e2'); os.mkdir('e'); os.rename('e2','e'); os.rmdir('e')
eq('nlink dir',os.stat('d').st_nlink,2); os.mkdir('d/s'); eq('nlink dir 3',os.stat('d').st_nlink,3); os.rmdir('d/s'); eq('nlink dir 2',os.stat('d').st_nlink,2)
# links
os.link('g','h'); eq('nlink',os.stat('g').st_nlink,2); eq('same ino',os.stat('g').st_ino,os.stat('h').st_ino)
eq('link dir',err(os.link,'d','dd'),E.EPERM); eq('link exists',err(os.link,'g','h'),E.EEXIST)
os.rename('g','h'); eq('rename hardlink noop',os.path.exists('g'),True); os.unlink('h'); eq('nlink1',os.stat('g').st_nlink,1)
# ctime/mtime
def times(p): s=os.lstat(p); return (s.st_atime_ns,s.st_mtime_ns,s.st_ctime_ns)
def changes(name,what,before,m=True,c=True,p=None):
    pass
time.sleep(0.02); b=times('d'); time.sleep(0.02); open('d/n','w').close(); a=times('d'); eq('create mtime dir',a[1]>b[1] and a[2]>b[2],True)
time.sleep(0.02); b=times('d'); time.sleep(0.02); os.unlink('d/n'); a=times('d'); eq('unlink mtime dir',a[1]>b[1] and a[2]>b[2],True)
b=times('g'); time.sleep(0.02); os.chmod('g',0o600); a=times('g'); eq('chmod ctime',a[2]>b[2] and a[1]==b[1],True)
b=times('g'); time.sleep(0.02); os.chown('g',1000,1000); a=times('g'); eq('chown ctime',a[2]>b[2],True)
b=times('g'); time.sleep(0.02); os.link('g','g2'); a=times('g'); eq('link ctime',a[2]>b[2],True)
b=times('g'); time.sleep(0.02); os.unlink('g2'); a=times('g'); eq('unlink ctime',a[2]>b[2],True)
b=times('g'); time.sleep(0.02); os.rename('g','g3'); a=times('g3'); eq('rename ctime',a[2]>=b[2],True); os.rename('g3','g')
b=times('g'); time.sleep(0.02); os.truncate('g',100); a=times('g'); eq('truncate mtime',a[1]>b[1] and a[2]>b[2],True)
f=open('g','r+b',0); b=times('g'); time.sleep(0.02); f.write(b'x'); a=times('g'); eq('write mtime',a[1]>b[1] and a[2]>b[2],True)
os.utime('g',ns=(1234567890123456789,1234567890987654321)); s=os.stat('g'); eq('utime ns',(s.st_atime_ns,s.st_mtime_ns),(1234567890123456789,1234567890987654321))
f.write(b'y'); os.utime('g',ns=(5,7)); f.close(); eq('utime after dirty',os.stat('g').st_mtime_ns,7)
os.utime('g',ns=(-5000000000,-7000000000)); eq('utime neg',os.stat('g').st_mtime_ns,-7000000000)
# open-unlinked
fd=os.open('u',os.O_CREAT|os.O_RDWR,0o644); os.write(fd,b'hello'); os.unlink('u'); eq('fstat nlink0',os.fstat(fd).st_nlink,0); eq('size',os.fstat(fd).st_size,5); os.lseek(fd,0,0); eq('read unlinked',os.read(fd,10),b'hello'); os.write(fd,b'more'); eq('size9',os.fstat(fd).st_size,9); eq('fchmod unlinked',err(os.fchmod,fd,0o600),0); eq('mode',stat.S_IMODE(os.fstat(fd).st_mode),0o600); os.ftruncate(fd,3); eq('size3',os.fstat(fd).st_size,3); eq('fsync',err(os.fsync,fd),0)
fd2=os.open('u',os.O_CREAT|os.O_RDWR,0o644); os.write(fd2,b'new'); eq('new size',os.fstat(fd2).st_size,3); os.pread(fd,3,0); os.close(fd); eq('new content',os.pread(fd2,10,0),b'new'); os.close(fd2); os.unlink('u')
# inode reuse with dirty data
for i in range(200):
    with open('r','wb') as f: f.write(bytes([65+i%26])*5000)
    with open('r','rb') as f: eq('reuse%d'%i,f.read(),bytes([65+i%26])*5000)
    os.unlink('r')
# rename over open
with open('t1','w') as f: f.write('one')
with open('t2','w') as f: f.write('two')
o=open('t2'); os.rename('t1','t2'); eq('old open',o.read(),'two'); eq('nlink0',os.fstat(o.fileno()).st_nlink,0); o.close(); eq('new',open('t2').read(),'one'); os.unlink('t2')
# append
fd=os.open('ap',os.O_CREAT|os.O_WRONLY|os.O_APPEND); os.write(fd,b'a'); fd2=os.open('ap',os.O_WRONLY|os.O_APPEND); os.write(fd2,b'b'); os.write(fd,b'c'); os.close(fd); os.close(fd2); eq('append',open('ap').read(),'abc'); os.unlink('ap')
# sparse, holes
fd=os.open('s',os.O_CREAT|os.O_RDWR); os.pwrite(fd,b'x',1<<20); eq('seek data',os.lseek(fd,0,os.SEEK_DATA)>=0,True); eq('hole',os.lseek(fd,0,os.SEEK_HOLE),0); eq('enxio',err(os.lseek,fd,(1<<20)+5,os.SEEK_DATA),E.ENXIO); eq('zeros',os.pread(fd,4096,4096),b'\0'*4096); os.close(fd); os.unlink('s')
# suid
open('su','w').close(); os.chmod('su',0o6777); as_user(1000,lambda:(open('su','a').write('x') and 0) or 0); eq('suid cleared by write',stat.S_IMODE(os.stat('su').st_mode),0o777)
os.chmod('su',0o6755); os.chown('su',1000,1000); eq('suid chown',stat.S_IMODE(os.stat('su').st_mode) ,0o755)
eq('chown as user',as_user(1000,lambda:err(os.chown,'su',0,0)),E.EPERM)
eq('chmod as other',as_user(1001,lambda:err(os.chmod,'su',0o777)),E.EPERM)
os.unlink('su')
# sticky
os.mkdir('st'); os.chmod('st',0o1777); open('st/f','w').close(); os.chown('st/f',1000,1000)
eq('sticky unlink',as_user(1001,lambda:err(os.unlink,'st/f')),E.EPERM); eq('sticky rename',as_user(1001,lambda:err(os.rename,'st/f','st/g')),E.EPERM); eq('sticky own',as_user(1000,lambda:err(os.unlink,'st/f')),0); os.rmdir('st')
os.mkdir('p',0o700); open('p/f','w').close(); eq('eacces',as_user(1000,lambda:err(os.stat,'p/f')),E.EACCES); os.unlink('p/f'); os.rmdir('p')
# created by user
os.mkdir('pub'); os.chmod('pub',0o777); as_user(1000,lambda:err(lambda:os.close(os.open('pub/f',os.O_CREAT|os.O_WRONLY,0o640)))); s=os.stat('pub/f'); eq('owner',(s.st_uid,s.st_gid,stat.S_IMODE(s.st_mode)),(1000,1000,0o640))
eq('create 0444 and write',as_user(1000,lambda:err(lambda:os.write(os.open('pub/ro',os.O_CREAT|os.O_WRONLY,0o444),b'x'))),0)
os.chown('pub',0,50); os.chmod('pub',0o2777); as_user(1000,lambda:err(os.mkdir,'pub/d',0o755)); s=os.stat('pub/d'); eq('sgid dir',(s.st_gid,oct(stat.S_IMODE(s.st_mode))),(50,'0o2755'))
subprocess.run(['rm','-rf','pub'])
# special
os.mkfifo('ff'); eq('fifo',stat.S_ISFIFO(os.stat('ff').st_mode),True); os.unlink('ff')
os.mknod('sk',stat.S_IFSOCK|0o600); eq('sock',stat.S_ISSOCK(os.stat('sk').st_mode),True); os.unlink('sk')
eq('dev',err(os.mknod,'dv',stat.S_IFCHR|0o600,os.makedev(1,3)),E.EPERM)
# rename flags
libc=ctypes.CDLL(None,use_errno=True)
def ren(a,b,f):
    r=libc.syscall(316,-100,a.encode(),-100,b.encode(),f); return ctypes.get_errno() if r else 0
open('a1','w').write('1'); open('a2','w').write('2'); eq('noreplace',ren('a1','a2',1),E.EEXIST); eq('exchange',ren('a1','a2',2),0); eq('ex',open('a1').read()+open('a2').read(),'21'); eq('exch enoent',ren('a1','zz',2),E.ENOENT); eq('whiteout',ren('a1','zz',4) in (E.EINVAL,E.EPERM),True); os.unlink('a1'); os.unlink('a2')
# xattr
open('xa','w').close(); os.setxattr('xa','user.a',b'1'); eq('getx',os.getxattr('xa','user.a'),b'1'); eq('create',err(os.setxattr,'xa','user.a',b'2',os.XATTR_CREATE),E.EEXIST); eq('replace',err(os.setxattr,'xa','user.b',b'2',os.XATTR_REPLACE),E.ENODATA); eq('list',os.listxattr('xa'),['user.a']); os.removexattr('xa','user.a'); eq('nodata',err(os.getxattr,'xa','user.a'),E.ENODATA)
eq('big',err(os.setxattr,'xa','user.big',b'x'*2000),0); eq('bigget',len(os.getxattr('xa','user.big')),2000); os.unlink('xa')
# locks
fd=os.open('lk',os.O_CREAT|os.O_RDWR); fcntl.lockf(fd,fcntl.LOCK_EX)
eq('posix lock',as_user(0,lambda:err(fcntl.lockf,os.open('lk',os.O_RDWR),fcntl.LOCK_EX|fcntl.LOCK_NB)) in (11,13),True); os.close(fd)
fd=os.open('lk',os.O_RDWR); fcntl.flock(fd,fcntl.LOCK_EX); eq('flock',err(fcntl.flock,os.open('lk',os.O_RDWR),fcntl.LOCK_EX|fcntl.LOCK_NB),11); os.close(fd); os.unlink('lk')
# mmap shared
fd=os.open('mm',os.O_CREAT|os.O_RDWR); os.ftruncate(fd,8192); m=mmap.mmap(fd,8192); m[0:5]=b'HELLO'; m.flush(); eq('mmap read',os.pread(fd,5,0),b'HELLO'); os.pwrite(fd,b'world',4096); eq('mmap sees write',m[4096:4101],b'world'); m.close(); os.close(fd); os.unlink('mm')
# readdir while removing; many files
os.mkdir('many')
for i in range(1500): open('many/f%d'%i,'w').close()
n=0
with os.scandir('many') as it:
    for e in it: os.unlink(e.path); n+=1
eq('scandir unlink',n,1500); eq('empty',os.listdir('many'),[]); os.rmdir('many')
# rmdir cwd
os.mkdir('cw'); os.chdir('cw'); os.rmdir('../cw'); eq('create in removed',err(os.mkdir,'x'),E.ENOENT); eq('stat .',err(os.stat,'.'),0); os.chdir('..') if False else os.chdir(sys.argv[1])
# non utf8
n=b'\xff\xfe\nname'; open(n,'w').close(); eq('nonutf8',n in os.listdir(b'.'),True); os.rename(n,n+b'\x80'); os.unlink(n+b'\x80')
# O_DIRECT, O_TRUNC, O_TMPFILE
fd=os.open('od',os.O_CREAT|os.O_RDWR|os.O_DIRECT); b=mmap.mmap(-1,4096); b[:]=b'z'*4096; eq('odirect write',os.write(fd,b),4096); os.close(fd); eq('odirect',open('od','rb').read(),b'z'*4096); open('od','w').close(); eq('trunc',os.stat('od').st_size,0); os.unlink('od')
eq('tmpfile',err(lambda:os.close(os.open('.',os.O_TMPFILE|os.O_RDWR))) in (0,E.EOPNOTSUPP,E.EISDIR),True)
# copy_file_range
open('c1','wb').write(os.urandom(300000)); a=os.open('c1',os.O_RDONLY); b=os.open('c2',os.O_CREAT|os.O_RDWR); n=0
while True:
    k=os.copy_file_range(a,b,1<<20)
    if k==0: break
    n+=k
eq('cfr',n,300000); eq('cfr content',open('c1','rb').read()==open('c2','rb').read(),True); os.unlink('c1'); os.unlink('c2')
# big offset
fd=os.open('bo',os.O_CREAT|os.O_RDWR); eq('bigoff',err(os.pwrite,fd,b'x',(1<<43)),0); eq('bsize',os.fstat(fd).st_size,(1<<43)+1); os.close(fd); os.unlink('bo')
eq('statvfs',os.statvfs('.').f_namemax,255)
os.unlink('g'); os.unlink('d/f'); os.rmdir('d')
eq('left',os.listdir('.'),[])
print('done',len(bad),'bad')
