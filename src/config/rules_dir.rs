//! temp, rules helper brings the real one
use std::path::Path;
use crate::rules::diagnostic::SourceFile;
/// Reads a folder.
///
/// # Errors
/// io
pub fn read_dir(dir: &Path) -> std::io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml" || e == "txt") {
            files.push(SourceFile { text: std::fs::read_to_string(&path)?, path });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
