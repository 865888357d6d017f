//! Whole numbers of 1, 2, 4 or 8 bytes, after RFC 9000 §16: pure.

/// The largest.
pub(super) const MAX: u64 = (1 << 62) - 1;

/// The most bytes that one takes.
pub(super) const LONGEST: usize = 8;

/// Writes `value`, at most [`MAX`], to the start of `to`, and returns how long it is.
pub(super) fn encode(value: u64, to: &mut [u8]) -> usize {
    let (len, prefix) = match value {
        0..=0x3f => (1, 0),
        0x40..=0x3fff => (2, 0x40),
        0x4000..=0x3fff_ffff => (4, 0x80),
        _ => (8, 0xc0),
    };
    debug_assert!(value <= MAX);
    to[..len].copy_from_slice(&value.to_be_bytes()[8 - len..]);
    to[0] |= prefix;
    len
}

/// The number at the start of `from`, and how long it is; `None` if there is not all of it.
pub(super) fn decode(from: &[u8]) -> Option<(u64, usize)> {
    let first = *from.first()?;
    let len = 1 << (first >> 6);
    let rest = from.get(1..len)?;
    let value = rest.iter().fold(u64::from(first & 0x3f), |value, &byte| {
        value << 8 | u64::from(byte)
    });
    Some((value, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 9000, appendix A.1.
    #[test]
    fn as_the_standard_has_them() {
        let examples: [(&[u8], u64); 4] = [
            (
                &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c],
                151_288_809_941_952_652,
            ),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ];
        for (bytes, value) in examples {
            assert_eq!(decode(bytes), Some((value, bytes.len())));
            let mut written = [0; LONGEST];
            assert_eq!(encode(value, &mut written), bytes.len());
            assert_eq!(&written[..bytes.len()], bytes);
        }
        assert_eq!(decode(&[0x40, 0x25]), Some((37, 2))); // longer than need be
    }

    #[test]
    fn there_and_back() {
        let around = |at: u64| [at - 1, at, at + 1];
        for value in [0x40, 0x4000, 0x4000_0000, MAX - 1]
            .into_iter()
            .flat_map(around)
        {
            let mut bytes = [0; LONGEST];
            let len = encode(value, &mut bytes);
            assert_eq!(decode(&bytes), Some((value, len)));
            assert_eq!(decode(&bytes[..len - 1]), None);
        }
    }
}
