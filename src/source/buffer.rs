//! Memory of chunks that goes round: filled by a source, emptied by a worker, filled again.
//!
//! Memory that a thread gives back to the system comes back as fresh pages, each of them a fault and
//! a page of zeros: that cost as much as reading the file.

use std::ops::{Deref, DerefMut};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Buffers kept while nobody needs them.
const SPARE: usize = 32;

/// Bytes of a chunk; dropped, their memory goes back to the pool it came from.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Option<Sender<Vec<u8>>>,
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Buffer {
        Buffer { bytes, home: None }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            // Nobody needs it if the pool is full or gone.
            let _ = home.try_send(std::mem::take(&mut self.bytes));
        }
    }
}

/// Hands out buffers and takes them back.
#[derive(Debug)]
pub struct Pool {
    home: Sender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
}

impl Default for Pool {
    fn default() -> Pool {
        let (home, spare) = bounded(SPARE);
        Pool { home, spare }
    }
}

impl Pool {
    /// A buffer with whatever it held last.
    #[must_use]
    pub fn take(&self) -> Buffer {
        Buffer {
            bytes: self.spare.try_recv().unwrap_or_default(),
            home: Some(self.home.clone()),
        }
    }

    /// A buffer with nothing in it.
    #[must_use]
    pub fn take_empty(&self) -> Buffer {
        let mut buffer = self.take();
        buffer.clear();
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back() {
        let pool = Pool::default();
        let mut buffer = pool.take();
        buffer.extend_from_slice(b"first");
        let place = buffer.as_ptr();
        drop(buffer);
        drop(Buffer::from(b"no home".to_vec()));
        let (again, fresh) = (pool.take(), pool.take());
        assert_eq!((again.as_ptr(), again.as_slice()), (place, &b"first"[..]));
        assert!(fresh.is_empty());
    }
}
