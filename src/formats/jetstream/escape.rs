//! JSON string escapes, undone.

/// Appends the characters of a JSON string's inside to `out`; `None` when an escape is not one.
#[must_use]
pub fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = *rest.get(at + 1)?;
        rest = &rest[at + 2..];
        match escape {
            b'"' | b'\\' | b'/' => out.push(escape),
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => rest = unicode(rest, out)?,
            _ => return None,
        }
    }
    out.extend_from_slice(rest);
    Some(())
}

/// Reads the digits after `\u`, and the second half of a surrogate pair.
fn unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (unit, rest) = hex(rest)?;
    let (code, rest) = match unit {
        0xD800..0xDC00 => {
            let (low, rest) = hex(rest.strip_prefix(b"\\u")?)?;
            let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            (0x1_0000 + ((unit - 0xD800) << 10) + low, rest)
        }
        _ => (unit, rest),
    };
    let mut buffer = [0; 4];
    out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
    Some(rest)
}

fn hex(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(4)?;
    let digit = |value: u32, &byte: &u8| Some(value << 4 | char::from(byte).to_digit(16)?);
    digits.iter().try_fold(0, digit).map(|value| (value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_escapes_are_refused() {
        for raw in [r"\", r"\x", r"\u12", r"\ud800", r"\ud800\u0041", r"\udc00"] {
            assert_eq!(unescape(raw.as_bytes(), &mut Vec::new()), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn what_serde_json_escapes_comes_back(text in "\\PC*[\n\t\"\\\\]?\\PC*", ascii in any::<bool>()) {
            let json = serde_json::to_string(&text).unwrap();
            let mut inner = json[1..json.len() - 1].to_owned();
            if ascii {
                let units = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect::<String>();
                inner = inner.chars().map(|c| if c.is_ascii() { c.to_string() } else { units(c) }).collect();
            }
            let mut out = Vec::new();
            prop_assert_eq!(unescape(inner.as_bytes(), &mut out), Some(()));
            prop_assert_eq!(out, text.into_bytes());
        }
    }
}
