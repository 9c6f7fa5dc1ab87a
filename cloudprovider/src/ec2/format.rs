//! The file that a catalogue is kept in: a header that says what follows, and the facts, packed.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `DVEC` |
//! | 2 | version of the format, little-endian |
//! | 4 | CRC-32 of the packed facts, little-endian |
//! | 4 | length of the facts before packing, little-endian |
//! | rest | the facts in postcard's encoding, deflated |
//!
//! The version changes with the shape of [`Facts`]; an older or newer file is refused rather than misread. What the facts
//! mean is not known here.

use crate::ec2::record::{RegionRecord, TypeRecord};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use serde::{Deserialize, Serialize};
use std::io::Read;

/// Everything a catalogue file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Instance types in the order of their names.
    pub types: Vec<TypeRecord>,
    /// Regions in the order of their names.
    pub regions: Vec<RegionRecord>,
}

const MAGIC: [u8; 4] = *b"DVEC";
const VERSION: u16 = 1;
const HEADER: usize = 14;
/// The most that facts may unpack to: forty times today's. A broken length must not ask for the machine's memory.
const UNPACKED_MAX: usize = 16 << 20;

/// Why a file is no catalogue that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It does not begin as a catalogue does.
    #[error("this is no EC2 catalogue: it does not begin with \"DVEC\". Build one with `dovetail catalog build`")]
    NotACatalogue,
    /// It was written by another version.
    #[error(
        "the EC2 catalogue has format version {found}, this program reads version {VERSION}: build it again with `dovetail catalog build`"
    )]
    Version {
        /// The version it has.
        found: u16,
    },
    /// It was cut short or changed.
    #[error("the EC2 catalogue is damaged ({0}): build or copy it again")]
    Damaged(String),
    /// There are more facts than the format takes.
    #[error("the facts come to {0} bytes, the format takes at most {UNPACKED_MAX}: leave out regions")]
    TooLarge(usize),
}

fn damaged(what: impl ToString) -> FormatError {
    FormatError::Damaged(what.to_string())
}

/// The bytes of a catalogue file. The same facts give the same bytes.
///
/// # Errors
/// If the facts are too many for the format.
pub fn encode(facts: &Facts) -> Result<Vec<u8>, FormatError> {
    let plain = postcard::to_stdvec(facts).map_err(damaged)?;
    let length = u32::try_from(plain.len())
        .ok()
        .filter(|n| *n as usize <= UNPACKED_MAX)
        .ok_or(FormatError::TooLarge(plain.len()))?;
    let mut packed = vec![];
    DeflateEncoder::new(plain.as_slice(), Compression::best()).read_to_end(&mut packed).map_err(damaged)?;
    let mut out = Vec::with_capacity(HEADER + packed.len());
    out.extend(MAGIC);
    out.extend(VERSION.to_le_bytes());
    out.extend(checksum(&packed).to_le_bytes());
    out.extend(length.to_le_bytes());
    out.append(&mut packed);
    Ok(out)
}

/// The facts in a catalogue file.
///
/// # Errors
/// If the bytes are not a catalogue, one of another version, or damaged.
pub fn decode(bytes: &[u8]) -> Result<Facts, FormatError> {
    let (magic, rest) = bytes.split_first_chunk::<4>().ok_or(FormatError::NotACatalogue)?;
    if *magic != MAGIC {
        return Err(FormatError::NotACatalogue);
    }
    let short = || damaged("the header is cut short");
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let found = u16::from_le_bytes(*version);
    if found != VERSION {
        return Err(FormatError::Version { found });
    }
    let (sum, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let (length, packed) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    if checksum(packed) != u32::from_le_bytes(*sum) {
        return Err(damaged("the checksum does not match"));
    }
    let length = u32::from_le_bytes(*length) as usize;
    if length > UNPACKED_MAX {
        return Err(FormatError::TooLarge(length));
    }
    let mut plain = Vec::with_capacity(length);
    // One more than announced, so that too much is noticed without unpacking it all.
    DeflateDecoder::new(packed).take(length as u64 + 1).read_to_end(&mut plain).map_err(damaged)?;
    if plain.len() != length {
        return Err(damaged("the length does not match"));
    }
    let (facts, left) = postcard::take_from_bytes::<Facts>(&plain).map_err(damaged)?;
    if left.is_empty() { consistent(facts) } else { Err(damaged("there is more than a catalogue in it")) }
}

/// A region's lists go along with the list of types; everything that reads them relies on that.
fn consistent(facts: Facts) -> Result<Facts, FormatError> {
    let n = facts.types.len();
    for region in &facts.regions {
        let lists = [region.offered.len(), region.spot_savings.len()];
        if lists != [n, n] || !(region.on_demand.is_empty() || region.on_demand.len() == n) {
            return Err(damaged(format!("the lists of region {} do not go along with the types", region.name)));
        }
    }
    Ok(facts)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::testing::bare_type;
    use proptest::prelude::*;

    fn facts() -> Facts {
        Facts {
            types: vec![bare_type("m5.large"), bare_type("m5.xlarge")],
            regions: vec![RegionRecord {
                name: "us-east-1".into(),
                zones: vec!["us-east-1a".into()],
                offered: vec![1, 0],
                on_demand: vec![Some(96_000_000), None],
                spot_savings: vec![None, Some(-70)],
            }],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = encode(&facts()).expect("small enough");
        assert_eq!(decode(&bytes), Ok(facts()));
        assert_eq!(encode(&facts()), Ok(bytes), "the same facts give the same bytes");
    }

    #[test]
    fn a_file_of_something_else_or_of_another_version_is_refused_by_name() {
        assert_eq!(decode(b""), Err(FormatError::NotACatalogue));
        assert_eq!(decode(b"{\"json\": 1}"), Err(FormatError::NotACatalogue));
        let mut bytes = encode(&facts()).expect("small enough");
        bytes[4] = 9;
        assert_eq!(decode(&bytes), Err(FormatError::Version { found: 9 }));
    }

    #[test]
    fn lists_that_do_not_go_along_with_the_types_are_refused() {
        let mut wrong = facts();
        wrong.regions[0].offered.pop();
        let bytes = encode(&wrong).expect("small enough");
        assert!(matches!(decode(&bytes), Err(FormatError::Damaged(what)) if what.contains("us-east-1")));
    }

    proptest! {
        /// Whatever one byte becomes, the file is refused: it never panics and never gives other facts.
        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
            let mut bytes = encode(&facts()).expect("small enough");
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn a_file_cut_short_is_refused(at in any::<prop::sample::Index>()) {
            let bytes = encode(&facts()).expect("small enough");
            prop_assert!(decode(&bytes[..at.index(bytes.len())]).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(VERSION.to_le_bytes());
            bytes.extend(checksum(tail.get(8..).unwrap_or_default()).to_le_bytes());
            bytes.extend(&tail);
            let _ = decode(&bytes);
        }
    }
}
