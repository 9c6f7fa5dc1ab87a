//! Hashes values as Go's `hashstructure` does (format 2; lists as sets; fields that are zero left out): FNV-1 over the
//! parts, combined so that neither the order of a map nor that of a list matters. It does not know what is hashed.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1 with 64 bits: multiply, then xor.
pub(super) fn bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(OFFSET, |hash, &byte| hash.wrapping_mul(PRIME) ^ u64::from(byte))
}

pub(super) fn string(text: &str) -> u64 {
    bytes(text.as_bytes())
}

pub(super) fn boolean(value: bool) -> u64 {
    bytes(&[u8::from(value)])
}

pub(super) fn int32(value: i32) -> u64 {
    bytes(&value.to_le_bytes())
}

pub(super) fn int64(value: i64) -> u64 {
    bytes(&value.to_le_bytes())
}

/// A map of strings. An empty one is still something: absence is the caller's to express.
pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a String, &'a String)>) -> u64 {
    finish(set(entries.into_iter().map(|(key, value)| ordered(string(key), string(value)))))
}

/// A list, whose order does not matter. Two equal elements cancel out, as they do upstream.
pub(super) fn set(elements: impl IntoIterator<Item = u64>) -> u64 {
    elements.into_iter().fold(0, |hash, element| hash ^ element)
}

/// A struct: its type's name, then field after field in the order of declaration.
pub(super) struct Struct(u64);

impl Struct {
    pub(super) fn named(type_name: &str) -> Self {
        Self(string(type_name))
    }

    /// Adds a field, unless it is absent.
    pub(super) fn field(self, name: &str, value: Option<u64>) -> Self {
        Self(value.map_or(self.0, |value| finish(self.0 ^ ordered(string(name), value))))
    }

    pub(super) fn hash(self) -> u64 {
        self.0
    }
}

fn ordered(first: u64, second: u64) -> u64 {
    let mut both = [0; 16];
    let (low, high) = both.split_at_mut(8);
    low.copy_from_slice(&first.to_le_bytes());
    high.copy_from_slice(&second.to_le_bytes());
    bytes(&both)
}

fn finish(hash: u64) -> u64 {
    bytes(&hash.to_le_bytes())
}
