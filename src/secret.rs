//! Secrets in files: read only when nobody but those who must can read or change them.
//!
//! Layer 3. The rule is PostgreSQL's for private keys: the owner alone, but the group may read a file of root, which
//! is how systemd (`LoadCredential`), containers and Kubernetes hand a secret to a service's account.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why a secret is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is missing, closed to us, or no text.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Other accounts of the machine could know the secret, or put their own in its place.
    #[error(
        "can be read or written by other accounts (mode {mode:04o}); run `chmod 600` on it and change the secret"
    )]
    Exposed {
        /// The file's permission bits.
        mode: u32,
    },
    /// No secret of the kind.
    #[error("is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
}

/// Reads a secret of at most `bytes_max` bytes.
///
/// # Errors
/// When the file cannot be read, is open to others, or is too long.
pub fn read(path: &Path, bytes_max: u64) -> Result<String, SecretError> {
    let file = File::open(path)?;
    // Asked of the open file: the one at this path may be another by now.
    let metadata = file.metadata()?;
    if is_exposed(metadata.mode(), metadata.uid()) {
        return Err(SecretError::Exposed { mode: metadata.mode() & 0o7777 });
    }
    let mut text = String::new();
    let bytes = file.take(bytes_max + 1).read_to_string(&mut text)?;
    if bytes as u64 > bytes_max { Err(SecretError::TooLong { bytes_max }) } else { Ok(text) }
}

/// True when permissions let anybody in but the owner, or for a file of root the group as a reader.
const fn is_exposed(mode: u32, owner: u32) -> bool {
    const ROOT: u32 = 0;
    let wanted = if owner == ROOT { 0o740 } else { 0o700 };
    mode & 0o777 & !wanted != 0
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn any_bit_for_others_exposes_a_secret_but_for_the_group_of_a_file_of_root() {
        for mode in [0o400, 0o600, 0o700, 0o100_600] {
            assert!(!is_exposed(mode, 1000) && !is_exposed(mode, 0), "{mode:o}");
        }
        for mode in [0o440, 0o640] {
            assert!(is_exposed(mode, 1000) && !is_exposed(mode, 0), "{mode:o}");
        }
        for mode in [0o602, 0o604, 0o601, 0o606, 0o620, 0o660, 0o644, 0o666, 0o100_602] {
            assert!(is_exposed(mode, 1000) && is_exposed(mode, 0), "{mode:o}");
        }
    }

    #[test]
    fn a_file_that_others_may_write_is_refused_with_the_remedy_and_a_closed_one_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "s3cret\n").unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o602)).unwrap();
        let refused = read(file.path(), 99).unwrap_err().to_string();
        assert!(refused.contains("mode 0602") && refused.contains("chmod 600"), "{refused}");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(file.path(), 7).unwrap(), "s3cret\n");
        assert!(matches!(read(file.path(), 6), Err(SecretError::TooLong { bytes_max: 6 })));
    }
}
