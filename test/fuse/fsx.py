"""Random operations on one file against a copy in memory, as fsx does.
usage: fsx.py FILE COUNT SEED"""
import os,sys,random,mmap,ctypes,subprocess
path,n,seed=sys.argv[1],int(sys.argv[2]),int(sys.argv[3])
rnd=random.Random(seed); MAX=256*1024
libc=ctypes.CDLL(None,use_errno=True)
libc.fallocate.argtypes=[ctypes.c_int,ctypes.c_int,ctypes.c_int64,ctypes.c_int64]
fd=os.open(path,os.O_CREAT|os.O_RDWR|os.O_TRUNC,0o644); model=bytearray()
def fail(op,*a):
    print('FAIL',seed,i,op,a); sys.exit(1)
def extend(sz):
    if len(model)<sz: model.extend(b'\0'*(sz-len(model)))
for i in range(n):
    op=rnd.choice('rrrwwwwmMMmtTpzfkocRs')
    off=rnd.randrange(MAX); ln=1+rnd.randrange(min(64*1024,MAX-off))
    if op=='r':
        got=os.pread(fd,ln,off)
        if got!=bytes(model[off:off+ln]): 
            exp=bytes(model[off:off+ln]); d=[j for j in range(min(len(got),len(exp))) if got[j]!=exp[j]]
            fail('read',off,ln,len(got),len(exp),d[:1], got[d[0]:d[0]+4] if d else '', exp[d[0]:d[0]+4] if d else '')
    elif op=='w':
        data=bytes([rnd.randrange(256)])*ln; os.pwrite(fd,data,off); extend(off+ln); model[off:off+ln]=data
    elif op in 'mM':
        if len(model)==0: continue
        off%=len(model); ln=min(ln,len(model)-off); base=off&~4095
        m=mmap.mmap(fd,off+ln-base,offset=base)
        if op=='m':
            if m[off-base:off-base+ln]!=bytes(model[off:off+ln]): fail('mapread',off,ln)
        else:
            data=bytes([rnd.randrange(256)])*ln; m[off-base:off-base+ln]=data; model[off:off+ln]=data
            if rnd.random()<0.3: m.flush()
        m.close()
    elif op in 'tT':
        sz=rnd.randrange(MAX) if op=='T' else rnd.randrange(len(model)+1); os.ftruncate(fd,sz)
        if sz<len(model): del model[sz:]
        else: extend(sz)
    elif op=='p':
        if libc.fallocate(fd,3,off,ln): fail('punch',ctypes.get_errno())
        e=min(off+ln,len(model)); 
        if off<e: model[off:e]=b'\0'*(e-off)
    elif op=='z':
        if libc.fallocate(fd,0x10,off,ln): 
            if ctypes.get_errno()!=95: fail('zero',ctypes.get_errno())
            continue
        extend(off+ln); model[off:off+ln]=b'\0'*ln
    elif op=='f':
        if libc.fallocate(fd,0,off,ln): fail('falloc',ctypes.get_errno())
        extend(off+ln)
    elif op=='k':
        libc.fallocate(fd,1,off,ln)
    elif op=='o': os.close(fd); fd=os.open(path,os.O_RDWR)
    elif op=='s': os.fsync(fd)
    elif op=='R':
        os.rename(path,path+'.x'); os.rename(path+'.x',path)
    elif op=='c':
        if len(model)<2: continue
        off%=len(model); ln=min(ln,len(model)-off); dst=rnd.randrange(MAX-ln+1)
        if dst<off+ln and off<dst+ln: continue
        k=os.copy_file_range(fd,fd,ln,off,dst)
        data=bytes(model[off:off+k]); extend(dst+k); model[dst:dst+k]=data
    if rnd.random()<0.05 and os.fstat(fd).st_size!=len(model): fail('size',os.fstat(fd).st_size,len(model))
os.close(fd)
if open(path,'rb').read()!=bytes(model): fail('final')
print('ok',seed)
