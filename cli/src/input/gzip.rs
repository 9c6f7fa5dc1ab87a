//! Files that may be gzipped: their content says so, not their name.

use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;

/// The bytes as they were before they were packed, if they were.
///
/// # Errors
/// When the file is damaged.
pub(crate) fn unpack(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes.as_slice())
        .read_to_end(&mut unpacked)
        .map_err(|e| io::Error::other(format!("the gzip file is damaged ({e}): fetch or pack it again")))?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn what_was_packed_is_unpacked_and_the_rest_is_left_alone() {
        let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        packed.write_all(b"name: a").expect("written");
        assert_eq!(unpack(packed.finish().expect("finished")).expect("whole"), b"name: a");
        assert_eq!(unpack(b"name: a".to_vec()).expect("as it is"), b"name: a");
        let error = unpack(b"\x1f\x8b\x08\x00abc".to_vec()).expect_err("cut short").to_string();
        assert!(error.starts_with("the gzip file is damaged"), "{error}");
    }
}
