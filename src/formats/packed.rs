//! Compressed data, told by how it begins: nothing that a decoder of lines can read.

/// First bytes, and the program that packs so: gzip (RFC 1952), zstd (RFC 8878), bzip2, xz.
pub const PACKED: [(&[u8], &str); 4] =
    [(b"\x1F\x8B", "gzip"), (b"\x28\xB5\x2F\xFD", ZSTD), (b"BZh", "bzip2"), (b"\xFD7zXZ\0", "xz")];

/// The one that a backtest reads by itself.
pub const ZSTD: &str = "zstd";

/// The program that packed what starts like this.
#[must_use]
pub fn packed_with(start: &[u8]) -> Option<&'static str> {
    PACKED.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, with)| *with)
}
