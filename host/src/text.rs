//! Names from files as text that is safe to show: nothing that a terminal, a log or a page would obey. Called by all that
//! prints names, and by the archives that are named after them.

use std::borrow::Cow;

/// Whether `c` would move a cursor, end a line or turn the order of what is around it, or is not seen at all.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with escapes for hidden characters, which names in a file can hold.
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.escape_default().to_string())
}

/// JSON `text` with the escapes of JSON for hidden characters; they stand in strings only, but for ends of lines.
pub fn plain_json(text: &str) -> Cow<'_, str> {
    escaped_but(
        text,
        |c| c == '\n',
        |c| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        },
    )
}

/// Lines of `text` with escapes for hidden characters; if `colors` is set, colours stay.
pub fn plain_lines(text: &str, colors: bool) -> Cow<'_, str> {
    if !text.contains(|c: char| is_hidden(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let color = if colors { color_length(rest) } else { 0 };
        let (taken, left) = rest.split_at(color.max(c.len_utf8()));
        match c {
            '\n' => plain.push(c),
            c if color == 0 && is_hidden(c) => plain.extend(c.escape_default()),
            _ => plain.push_str(taken),
        }
        rest = left;
    }
    Cow::Owned(plain)
}

/// Bytes of the colour that `text` starts with, 0 if it starts with none.
fn color_length(text: &str) -> usize {
    let Some(inside) = text.strip_prefix("\u{1b}[") else { return 0 };
    let digits = inside.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(inside.len());
    if inside[digits..].starts_with('m') { 2 + digits + 1 } else { 0 }
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    escaped_but(text, |_| false, escape)
}

fn escaped_but(text: &str, kept: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    let hidden = |c: char| is_hidden(c) && !kept(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if hidden(c) { escape(c) } else { c.to_string() }).collect())
}

/// `name` as the path of a file in a folder, which it does not leave; [`of_member`] gives the name back.
pub fn member(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for (part_index, part) in name.split('/').enumerate() {
        if part_index > 0 {
            path.push_str(if path.is_empty() { "%2F" } else { "/" });
        }
        let climbs = matches!(part, "." | "..");
        for (at, c) in part.char_indices() {
            let rest = &part.as_bytes()[at + c.len_utf8()..];
            let told = rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit);
            let drive = c == ':' && part_index == 0 && at == 1;
            if climbs || drive || c == '\\' || is_hidden(c) || c == '%' && told {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| path.push_str(&format!("%{byte:02X}")));
            } else {
                path.push(c);
            }
        }
    }
    path
}

/// The name that [`member`] makes `path` of; `path` itself if there is none.
pub fn of_member(path: &str) -> String {
    let mut bytes = vec![];
    let mut rest = path.as_bytes();
    while let Some((first, left)) = rest.split_first() {
        let code = (*first == b'%').then(|| left.get(..2)).flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &left[2..];
            }
            None => {
                bytes.push(*first);
                rest = left;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|name| member(name) == path).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left() {
        for code in (0..0x3000).chain(0xfe00..0x1_0000).chain(0xe_0000..0xe_0100) {
            let Some(c) = char::from_u32(code) else { continue };
            let name = format!("a{c}b");
            let line = format!("{{\"name\":{}}}\n", format_json(&name));
            for text in [plain(&name), plain_lines(&name, false), plain_lines(&name, true), plain_json(&line)]
            {
                assert!(!text.contains(|c| is_hidden(c) && c != '\n'), "{code:x}: {text:?}");
            }
        }
        assert_eq!(plain("\u{1b}]0;title\u{7}\u{202e}é"), "\\u{1b}]0;title\\u{7}\\u{202e}é");
        assert_eq!(plain_json("\"\u{202e}\u{e0041}\""), "\"\\u202e\\udb40\\udc41\"");
    }

    /// A string of JSON as common writers have it.
    fn format_json(text: &str) -> String {
        let escape = |c: char| match c {
            '"' | '\\' => format!("\\{c}"),
            c if (c as u32) < 32 => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        };
        format!("\"{}\"", text.chars().map(escape).collect::<String>())
    }

    #[test]
    fn only_colours_stay() {
        let text = "\u{1b}[1;31mred\u{1b}[0m\n\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[";
        assert_eq!(
            plain_lines(text, true),
            "\u{1b}[1;31mred\u{1b}[0m\n\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{1b}["
        );
        assert!(!plain_lines(text, false).contains('\u{1b}'));
    }

    #[test]
    fn members_stay_in_their_folder_and_come_back() {
        let names = [
            "conv1.out",
            "/layer/out",
            "../../x",
            "a/../../x",
            "..",
            ".",
            "./x",
            "D:\\x",
            "c:/x",
            "x:0",
            "",
            "/",
            "//",
            "a//b",
            "100%",
            "%41",
            "%2F",
            "..%2F",
            "a\u{1b}b",
            "\u{202e}x",
            "a/..",
            "...",
            "%25",
            "é%C3",
            "%C3%A9",
            "/../x",
        ];
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            let path = member(name);
            assert_eq!(of_member(&path), name, "{path}");
            assert!(!path.starts_with('/') && !path.contains('\\'), "{path}");
            assert!(path.split('/').all(|part| !matches!(part, "." | "..")), "{path}");
            assert!(seen.insert(path.clone()), "{path} stands for two names");
        }
        // Names of archives that others wrote.
        for raw in ["/layer/out", "../x", "%zz", "%", "%4"] {
            assert_eq!(of_member(raw), raw);
        }
        assert_eq!(member("conv1/out"), "conv1/out");
    }
}
