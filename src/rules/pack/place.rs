//! From a place in a query to the place in the TOML file that the query stands in.

use crate::model::Span;

/// The bytes of `file` that `part` of a TOML string came from; `value` is the string in the file, quotes included, and
/// `decoded` what it says. Falls back to the whole value when escapes cannot be followed.
pub(in crate::rules) fn place_in_file(file: &str, value: Span, decoded: &str, part: Span) -> Span {
    let Some(raw) = file.get(value.0 as usize..value.1 as usize) else { return value };
    let Some((opening, content)) = content_of(raw) else { return value };
    let base = value.0 + opening as u32;
    if content == decoded {
        return (base + part.0, base + part.1);
    }
    match raw.starts_with('"').then(|| offsets(content)).flatten() {
        Some(offsets) if offsets.len() == decoded.len() + 1 => {
            let (start, end) = (part.0 as usize, part.1 as usize);
            match (offsets.get(start), offsets.get(end)) {
                (Some(start), Some(end)) => (base + start, base + end),
                _ => value,
            }
        }
        _ => value,
    }
}

/// Where the content begins in the raw string, and the content.
fn content_of(raw: &str) -> Option<(usize, &str)> {
    let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let inner = raw.get(quotes..raw.len().checked_sub(quotes)?)?;
    // The newline right after an opening of three quotes is not part of the text.
    let trimmed = if quotes == 3 { inner.strip_prefix("\r\n").or(inner.strip_prefix('\n')) } else { None };
    let content = trimmed.unwrap_or(inner);
    Some((quotes + inner.len() - content.len(), content))
}

/// For each byte of the decoded text, and its end, the offset in `content` that it came from. `None` for an escape
/// that TOML does not know.
fn offsets(content: &str) -> Option<Vec<u32>> {
    let mut offsets = Vec::with_capacity(content.len() + 1);
    let mut at = 0;
    while let Some(c) = content[at..].chars().next() {
        let (read, written) = if c == '\\' { escape(&content[at..])? } else { (c.len_utf8(), c.len_utf8()) };
        // A character written as itself maps byte by byte, an escape as a whole.
        offsets.extend((0..written).map(|byte| (at + if c == '\\' { 0 } else { byte }) as u32));
        at += read;
    }
    offsets.push(content.len() as u32);
    Some(offsets)
}

/// Bytes read and bytes written by the escape that `rest` begins with.
fn escape(rest: &str) -> Option<(usize, usize)> {
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((2 + digits, char::from_u32(code)?.len_utf8()))
    };
    match rest[1..].chars().next()? {
        'b' | 't' | 'n' | 'f' | 'r' | 'e' | '"' | '\\' => Some((2, 1)),
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        c if c.is_ascii_whitespace() => Some((rest.len() - rest[1..].trim_start().len(), 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters of the file under `part` of its one string value.
    fn under<'f>(file: &'f str, part: &str) -> &'f str {
        let table = toml::de::DeTable::parse(file).unwrap();
        let value = &table.get_ref()["q"];
        let decoded = value.get_ref().as_str().unwrap();
        let start = decoded.find(part).unwrap();
        let range = value.span();
        let (start, end) = place_in_file(
            file,
            (range.start as u32, range.end as u32),
            decoded,
            (start as u32, (start + part.len()) as u32),
        );
        &file[start as usize..end as usize]
    }

    #[test]
    fn every_kind_of_string_leads_back_to_its_characters() {
        assert_eq!(under("q = 'acme bad'", "bad"), "bad");
        assert_eq!(under("q = \"acme bad\"", "bad"), "bad");
        assert_eq!(under("q = \"\\\"acme\\\" \\u00e9 bad x\"", "bad"), "bad");
        assert_eq!(under("q = \"\\\"acme\\\" \\u00e9 bad\"", "é"), "\\u00e9");
        assert_eq!(under("q = '''\nacme\n  bad'''", "bad"), "bad");
        assert_eq!(under("q = \"\"\"\nacme \\\n   bad\"\"\"", "bad"), "bad");
        assert_eq!(under("q = \"\"\"\r\nacme \"x\" \\t bad\"\"\"", "bad"), "bad");
    }
}
