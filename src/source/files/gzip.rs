//! Gzip as files hold it: one member after the other, perhaps padded with zeros.

use std::io::{BufRead, Read};

use flate2::bufread::GzDecoder;

/// Unpacks every member. Zeros behind a member are padding, as tapes and block stores leave it.
pub(super) struct Gzip<R> {
    /// None once everything was read.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(packed: R) -> Gzip<R> {
        Gzip {
            member: Some(GzDecoder::new(packed)),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        if room.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            let read = member.read(room)?;
            if read > 0 {
                return Ok(read);
            }
            if skip_zeros(member.get_mut())? {
                self.member = None;
            } else if let Some(ended) = self.member.take() {
                self.member = Some(GzDecoder::new(ended.into_inner()));
            }
        }
        Ok(0)
    }
}

/// Whether there is nothing but zeros up to the end.
fn skip_zeros(packed: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let bytes = packed.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_more = zeros < bytes.len();
        packed.consume(zeros);
        if is_more {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).expect("memory takes all");
        packed.finish().expect("memory takes all")
    }

    /// What is unpacked, and whether the end was one.
    fn unpacked(parts: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let whole = parts.concat();
        let end = Gzip::new(whole.as_slice()).read_to_end(&mut text);
        (text, end.is_ok())
    }

    #[test]
    fn members_follow_each_other_and_zeros_behind_them_are_nothing() {
        let (a, b) = (packed(b"ab"), packed(b"cd"));
        let zeros = [0; 700];
        assert_eq!(unpacked(&[&a]), (b"ab".to_vec(), true));
        assert_eq!(unpacked(&[&a, &b]), (b"abcd".to_vec(), true));
        assert_eq!(unpacked(&[&a, &zeros]), (b"ab".to_vec(), true));
        assert_eq!(
            unpacked(&[&a, &zeros, &b, &zeros]),
            (b"abcd".to_vec(), true)
        );
        assert_eq!(unpacked(&[&packed(b""), &b]), (b"cd".to_vec(), true));
    }

    #[test]
    fn anything_else_behind_a_member_is_damage_and_so_is_a_missing_end() {
        let a = packed(b"ab");
        assert_eq!(unpacked(&[&a, &[0, 0, 1]]), (b"ab".to_vec(), false));
        assert!(!unpacked(&[&a[..a.len() - 1]]).1);
        assert!(!unpacked(&[&a, &a[..5]]).1);
    }
}
