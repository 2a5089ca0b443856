//! Unpacks a payload by whichever method it was packed with.
//!
//! Linux appends the unpacked length to every payload whose format does not end with it, four bytes that no decoder shall see.

use std::fmt;
use std::io::{self, Read};

/// Longest kernel that is unpacked: more than any that there is, and less than a host has.
pub(super) const MAX_BYTES: u64 = 1 << 30;
/// The unpacked length behind the payload.
const LENGTH_BYTES: usize = 4;
/// Of LZ4's legacy format: what it begins with, and the most that a block unpacks to.
const LZ4_MAGIC: &[u8] = &[0x02, 0x21, 0x4c, 0x18];
const LZ4_BLOCK_BYTES: usize = 8 << 20;

/// A method by which kernels are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip
    Gzip,
    /// XZ
    Xz,
    /// Zstandard
    Zstd,
    /// LZ4, in its legacy format
    Lz4,
}

impl Compression {
    /// By what the packed bytes begin with.
    #[must_use]
    pub fn of(packed: &[u8]) -> Option<Compression> {
        const MAGICS: [(&[u8], Compression); 4] = [
            (&[0x1f, 0x8b], Compression::Gzip),
            (b"\xfd7zXZ\0", Compression::Xz),
            (&[0x28, 0xb5, 0x2f, 0xfd], Compression::Zstd),
            (LZ4_MAGIC, Compression::Lz4),
        ];
        let found = MAGICS.iter().find(|(magic, _)| packed.starts_with(magic));
        found.map(|(_, compression)| *compression)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Xz => "xz",
            Compression::Zstd => "zstd",
            Compression::Lz4 => "lz4",
        })
    }
}

/// The payload cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// It was packed by a method that is not known here.
    #[error("the payload begins with {begins:02x?}, expected gzip, xz, zstd or lz4")]
    Unknown {
        /// Its first bytes.
        begins: Vec<u8>,
    },
    /// It is damaged.
    #[error("the {compression} payload is damaged: {source}")]
    Damaged {
        /// How it was packed.
        compression: Compression,
        /// What the decoder says.
        source: io::Error,
    },
    /// It is longer than any kernel.
    #[error("the payload unpacks to more than {MAX_BYTES} bytes")]
    TooLong,
}

/// What was packed.
pub(super) fn unpack(payload: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let compression = Compression::of(payload).ok_or_else(|| PayloadError::Unknown {
        begins: payload.iter().copied().take(6).collect(),
    })?;
    let packed = match compression {
        Compression::Gzip => payload,
        Compression::Xz | Compression::Zstd | Compression::Lz4 => {
            &payload[..payload.len().saturating_sub(LENGTH_BYTES)]
        }
    };
    decoded(compression, packed)
}

/// What a file holds that may be packed, as modules of kernels are; as it is when it is not.
pub(crate) fn unpack_if_packed(file: Vec<u8>) -> Result<Vec<u8>, PayloadError> {
    match Compression::of(&file) {
        Some(compression) => decoded(compression, &file),
        None => Ok(file),
    }
}

fn decoded(compression: Compression, packed: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let damaged = |source| PayloadError::Damaged { compression, source };
    let mut unpacked = Vec::new();
    decoder(compression, packed)
        .map_err(damaged)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut unpacked)
        .map_err(damaged)?;
    if unpacked.len() as u64 > MAX_BYTES {
        return Err(PayloadError::TooLong);
    }
    Ok(unpacked)
}

fn decoder(compression: Compression, packed: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    Ok(match compression {
        Compression::Gzip => Box::new(flate2::read::GzDecoder::new(packed)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new(packed, false)),
        Compression::Zstd => {
            Box::new(ruzstd::decoding::StreamingDecoder::new(packed).map_err(io::Error::other)?)
        }
        Compression::Lz4 => Box::new(Lz4Blocks {
            rest: packed.get(LZ4_MAGIC.len()..).unwrap_or_default(),
            block: io::Cursor::default(),
        }),
    })
}

/// LZ4's legacy format behind its magic number: blocks, each with its packed length before it.
struct Lz4Blocks<'a> {
    rest: &'a [u8],
    block: io::Cursor<Vec<u8>>,
}

impl Read for Lz4Blocks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.block.position() == self.block.get_ref().len() as u64
            && let Some((length, rest)) = self.rest.split_first_chunk()
        {
            let packed = rest.split_at_checked(u32::from_le_bytes(*length) as usize);
            let (packed, rest) = packed.ok_or(io::ErrorKind::UnexpectedEof)?;
            let block = lz4_flex::block::decompress(packed, LZ4_BLOCK_BYTES).map_err(io::Error::other)?;
            (self.block, self.rest) = (io::Cursor::new(block), rest);
        }
        self.block.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// Packs by the system's own programs, as a kernel's build does; None where there is no such program.
    fn packed_by(program: &str, arguments: &[&str], contents: &[u8]) -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vmlinux");
        fs::write(&path, contents).unwrap();
        let output = Command::new(program).args(arguments).arg(&path).output().ok()?;
        assert!(output.status.success(), "{output:?}");
        Some(output.stdout)
    }

    fn contents() -> Vec<u8> {
        let words = (0_u32..300_000).flat_map(|number| (number % 977).to_le_bytes());
        words.collect()
    }

    #[test]
    fn lz4_blocks_follow_each_other() {
        let contents = contents();
        let mut payload = LZ4_MAGIC.to_vec();
        for block in contents.chunks(1 << 19) {
            let packed = lz4_flex::block::compress(block);
            payload.extend((packed.len() as u32).to_le_bytes());
            payload.extend(packed);
        }
        payload.extend((contents.len() as u32).to_le_bytes());
        assert!(unpack(&payload).unwrap() == contents);
        payload.truncate(payload.len() - LENGTH_BYTES - 1);
        assert!(matches!(unpack(&payload), Err(PayloadError::Damaged { .. })));
    }

    #[test]
    fn what_a_kernels_build_packs_with_xz_and_zstd_is_unpacked() {
        let contents = contents();
        let ways: [(&str, &[&str]); 2] = [
            // The options of Linux's scripts/xz_wrap.sh: code is filtered before it is packed.
            ("xz", &["--check=crc32", "--x86", "--lzma2=dict=8MiB", "--stdout"]),
            ("zstd", &["-19", "--stdout", "--quiet"]),
        ];
        for (program, arguments) in ways {
            let Some(mut payload) = packed_by(program, arguments, &contents) else {
                eprintln!("{program} is not installed: its format was not tried");
                continue;
            };
            payload.extend((contents.len() as u32).to_le_bytes());
            assert!(unpack(&payload).unwrap() == contents, "{program}");
        }
    }
}
