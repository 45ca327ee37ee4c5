//! Writes HTML that is also well-formed XML: every element is closed, every text escaped, by construction.
//!
//! The page is a tree that is known when it is written, so there is no template language between it and the code.

use std::fmt::{Display, Write};

/// Attributes of an element: names and values.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

/// Markup under construction.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// What was written.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// An element with what `content` writes.
    pub(super) fn element(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
        content: impl FnOnce(&mut Self),
    ) {
        self.start(name, attributes);
        self.0.push('>');
        content(self);
        let _ = write!(self.0, "</{name}>");
    }

    /// An element with a text.
    pub(super) fn text_element(&mut self, name: &str, attributes: Attributes<'_>, text: impl Display) {
        self.element(name, attributes, |inner| inner.text(text));
    }

    /// An element without content.
    pub(super) fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.0.push_str("/>");
    }

    /// A text, escaped.
    pub(super) fn text(&mut self, text: impl Display) {
        escape(&text.to_string(), &mut self.0);
    }

    /// Source of a style or a script, which this crate holds and which needs no escaping.
    pub(super) fn verbatim(&mut self, source: &'static str) {
        self.0.push_str(source);
    }

    /// What another markup finished as.
    pub(super) fn append(&mut self, finished: &str) {
        self.0.push_str(finished);
    }

    /// A line break between elements, for those who read the source.
    pub(super) fn newline(&mut self) {
        self.0.push('\n');
    }

    fn start(&mut self, name: &str, attributes: Attributes<'_>) {
        let _ = write!(self.0, "<{name}");
        for (attribute, value) in attributes {
            let _ = write!(self.0, " {attribute}=\"");
            escape(&value.to_string(), &mut self.0);
            self.0.push('"');
        }
    }
}

/// Appends `text` with the signs of markup, and those that XML forbids, replaced.
fn escape(text: &str, to: &mut String) {
    for sign in text.chars() {
        match sign {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            '\'' => to.push_str("&#39;"),
            '\t' | '\n' => to.push(sign),
            sign if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => to.push('\u{fffd}'),
            sign => to.push(sign),
        }
    }
}

/// `12 345 678`, with narrow spaces that do not break.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "\u{2212}".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `3.2 %`, `0.04 %`, `0 %`.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    match share {
        0.0 => "0\u{202f}%".to_owned(),
        share if share < 0.01 => "<\u{202f}0.01\u{202f}%".to_owned(),
        share if share < 1.0 => format!("{share:.2}\u{202f}%"),
        share => format!("{share:.1}\u{202f}%"),
    }
}

/// A length on a page: short, and the same on every machine.
pub(super) fn length(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_are_escaped() {
        let mut markup = Markup::default();
        markup.element("a", &[("title", &"\"<&>'\u{1}")], |inner| inner.text("<script>&\u{0}"));
        let expected = "<a title=\"&quot;&lt;&amp;&gt;&#39;\u{fffd}\">&lt;script&gt;&amp;\u{fffd}</a>";
        assert_eq!(markup.finish(), expected);
    }

    #[test]
    fn numbers_are_grouped_and_short() {
        assert_eq!(
            [9999i64, 12_345, -1_234_567].map(grouped),
            ["9999", "12\u{202f}345", "\u{2212}1\u{202f}234\u{202f}567"]
        );
        assert_eq!([0.0, 12.5, 33.333, -0.001].map(length), ["0", "12.5", "33.33", "0"]);
        assert_eq!(
            [percent(0, 0), percent(1, 3), percent(1, 1_000_000)],
            ["0\u{202f}%", "33.3\u{202f}%", "<\u{202f}0.01\u{202f}%"]
        );
    }
}
