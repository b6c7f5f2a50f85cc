//! A small store with the part of sled's interface that main.rs uses, on the crates that sled itself is made of: pages in memory that are
//! replaced as a whole and freed by epochs, a log with checksums, a thread that writes and syncs it, and a lock on the directory.
use crossbeam_epoch::{pin, Atomic, Owned};
use fs2::FileExt as _;
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::fs::{create_dir_all, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

const PAGES: usize = 8;
/// Checksum, length of the key, length of the value; all ones is the length of none.
const HEADER: usize = 12;
const NONE: u32 = u32::MAX;

type Page = BTreeMap<Vec<u8>, Vec<u8>>;

struct Log {
    pending: Vec<u8>,
    written: u64,
    synced: u64,
    failed: Option<ErrorKind>,
    stop: bool,
}

struct Inner {
    pages: [Atomic<Page>; PAGES],
    file: File,
    log: Mutex<Log>,
    work: Condvar,
    done: Condvar,
}

pub struct Db {
    inner: Arc<Inner>,
    flusher: Option<JoinHandle<()>>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

impl Inner {
    fn change(&self, key: &[u8], value: Option<&[u8]>) -> Option<Vec<u8>> {
        let guard = pin();
        let page = &self.pages[fxhash::hash(key) % PAGES];
        loop {
            let old = page.load(Acquire, &guard);
            // What is pinned is not freed.
            let mut new = unsafe { old.deref() }.clone();
            let before = match value {
                Some(value) => new.insert(key.to_vec(), value.to_vec()),
                None => new.remove(key),
            };
            if page.compare_exchange(old, Owned::new(new), AcqRel, Acquire, &guard).is_ok() {
                unsafe { guard.defer_destroy(old) };
                return before;
            }
        }
    }

    /// Takes over what the log has, and cuts off what was torn.
    fn recover(&self) -> Result<u64> {
        let mut bytes = vec![0; self.file.metadata()?.len() as usize];
        self.file.read_exact_at(&mut bytes, 0)?;
        let mut at = 0;
        while at + HEADER <= bytes.len() {
            let (keys, values) = (word(&bytes, at + 4) as usize, word(&bytes, at + 8));
            let value_length = if values == NONE { 0 } else { values as usize };
            let end = at + HEADER + keys + value_length;
            if end > bytes.len() || crc32fast::hash(&bytes[at + 4..end]) != word(&bytes, at) {
                break;
            }
            let (key, value) = bytes[at + HEADER..end].split_at(keys);
            self.change(key, (values != NONE).then_some(value));
            at = end;
        }
        self.file.set_len(at as u64)?;
        self.file.sync_all()?;
        Ok(at as u64)
    }

    fn append(&self, key: &[u8], value: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let mut body = (key.len() as u32).to_le_bytes().to_vec();
        body.extend(value.map_or(NONE, |v| v.len() as u32).to_le_bytes());
        body.extend(key);
        body.extend(value.unwrap_or_default());
        let mut log = self.log.lock();
        if let Some(kind) = log.failed {
            return Err(kind.into());
        }
        log.pending.extend(crc32fast::hash(&body).to_le_bytes());
        log.pending.extend(body);
        // In the lock: the pages change in the order of the log.
        Ok(self.change(key, value))
    }

    fn flush_forever(&self) {
        let mut log = self.log.lock();
        loop {
            if log.pending.is_empty() && log.stop {
                return;
            }
            if log.pending.is_empty() {
                self.work.wait_for(&mut log, Duration::from_millis(5));
                continue;
            }
            let bytes = std::mem::take(&mut log.pending);
            let at = log.written;
            log.written += bytes.len() as u64;
            drop(log);
            let result = self.file.write_all_at(&bytes, at).and_then(|()| self.file.sync_data());
            log = self.log.lock();
            match result {
                Ok(()) => log.synced = at + bytes.len() as u64,
                Err(error) => log.failed = Some(error.kind()),
            }
            self.done.notify_all();
        }
    }
}

pub fn open(path: impl AsRef<Path>) -> Result<Db> {
    let path = path.as_ref();
    create_dir_all(path)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path.join("log"))?;
    file.try_lock_exclusive()?;
    File::open(path)?.sync_all()?;
    let log = Log { pending: Vec::new(), written: 0, synced: 0, failed: None, stop: false };
    let pages = std::array::from_fn(|_| Atomic::new(Page::new()));
    let inner = Arc::new(Inner { pages, file, log: Mutex::new(log), work: Condvar::new(), done: Condvar::new() });
    let end = inner.recover()?;
    {
        let mut log = inner.log.lock();
        log.written = end;
        log.synced = end;
    }
    let shared = inner.clone();
    let flusher = Builder::new().name("flusher".into()).spawn(move || shared.flush_forever())?;
    Ok(Db { inner, flusher: Some(flusher) })
}

impl Db {
    pub fn insert(&self, key: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.append(key, Some(value))
    }

    pub fn remove(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.append(key, None)
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let guard = pin();
        let page = self.inner.pages[fxhash::hash(key) % PAGES].load(Acquire, &guard);
        Ok(unsafe { page.deref() }.get(key).cloned())
    }

    /// Waits until everything before is on the disk.
    pub fn flush(&self) -> Result<usize> {
        let mut log = self.inner.log.lock();
        let goal = log.written + log.pending.len() as u64;
        let before = log.synced;
        while log.synced < goal {
            if let Some(kind) = log.failed {
                return Err(Error::from(kind));
            }
            self.inner.work.notify_one();
            self.inner.done.wait(&mut log);
        }
        Ok((goal - before) as usize)
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        self.inner.log.lock().stop = true;
        self.inner.work.notify_one();
        let _ = self.flusher.take().map(JoinHandle::join);
        let guard = pin();
        for page in &self.inner.pages {
            let last = page.swap(crossbeam_epoch::Shared::null(), AcqRel, &guard);
            unsafe { guard.defer_destroy(last) };
        }
    }
}
