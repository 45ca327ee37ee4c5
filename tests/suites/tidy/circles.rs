//! Circles of a crate's top modules, read from its sources by `tidy.rs`: modules that name each other in a loop, tests
//! and comments left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter, Result};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// What ties one top module to another: the files that name it.
type Arrows = BTreeMap<(String, String), BTreeSet<String>>;

/// Top modules that reach each other, and the arrows between them.
pub(crate) struct Circle {
    pub(crate) modules: BTreeSet<String>,
    arrows: Arrows,
}

impl Display for Circle {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(
            f,
            "circle of {}",
            Vec::from_iter(&self.modules).iter().map(|m| m.as_str()).collect::<Vec<_>>().join(", ")
        )?;
        for ((from, to), files) in &self.arrows {
            writeln!(f, "  {from} -> {to}: {}", Vec::from_iter(files.iter().map(String::as_str)).join(", "))?;
        }
        Ok(())
    }
}

/// Circles among the top modules of the crate whose first file is `root`; `read` gives the text of a file, if there is
/// such a file.
pub(crate) fn circles(root: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<Circle> {
    let mut sources = Sources { read, named: vec![], exported: BTreeMap::new() };
    sources.file(root, folder(root), &[]);
    let arrows = sources.arrows();
    let modules: BTreeSet<&String> = arrows.keys().flat_map(|(from, to)| [from, to]).collect();
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        modules.iter().map(|module| (*module, reached(module, &arrows))).collect();
    let mut circles: Vec<Circle> = vec![];
    for module in modules {
        let together: BTreeSet<String> = reached[module]
            .iter()
            .filter(|other| reached[*other].contains(module))
            .map(|other| (*other).clone())
            .collect();
        if together.is_empty() || circles.iter().any(|circle| circle.modules == together) {
            continue;
        }
        let inside = arrows.iter().filter(|((from, to), _)| together.contains(from) && together.contains(to));
        let arrows = inside.map(|(arrow, files)| (arrow.clone(), files.clone())).collect();
        circles.push(Circle { modules: together, arrows });
    }
    circles
}

/// Modules that paths of arrows lead to from `module`.
fn reached<'a>(module: &'a String, arrows: &'a Arrows) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![module];
    while let Some(module) = open.pop() {
        let next = arrows.keys().filter(|(from, _)| from == module).map(|(_, to)| to);
        open.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}

/// Where the modules of a file are: beside it for the first of a crate and for `mod.rs`, else in a folder of its name.
fn folder(file: &str) -> &str {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        _ => stem,
    }
}

/// The sources of one crate, followed from module to module.
struct Sources<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    /// Top module, what it names below the root of its crate, and the file.
    named: Vec<(String, String, String)>,
    /// Names that the root passes on, and the top module they come from.
    exported: BTreeMap<String, String>,
}

impl Sources<'_> {
    fn arrows(&self) -> Arrows {
        let mut arrows = Arrows::new();
        let modules: BTreeSet<&String> = self.named.iter().map(|(module, ..)| module).collect();
        for (from, name, file) in &self.named {
            // A module goes before a function of its name.
            let to = if modules.contains(name) { name } else { self.exported.get(name).unwrap_or(name) };
            if from != to && modules.contains(to) {
                arrows.entry((from.clone(), to.clone())).or_default().insert(file.clone());
            }
        }
        arrows
    }

    fn file(&mut self, name: &str, folder: &str, module: &[String]) {
        let text = (self.read)(name).unwrap_or_else(|| panic!("{name} is missing"));
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        // Every module counts, also one that names no other.
        if let Some(top) = module.first() {
            self.named.push((top.clone(), top.clone(), name.to_owned()));
        }
        self.tokens(&Vec::from_iter(tokens), name, folder, module);
    }

    fn tokens(&mut self, tokens: &[TokenTree], file: &str, folder: &str, module: &[String]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            if is_test(rest) {
                // An inner attribute, `#![cfg(test)]`, holds for all that follows.
                if is_punct(&rest[1], '!') {
                    return;
                }
                at += item(rest);
                continue;
            }
            match token {
                TokenTree::Ident(ident) if ident == "mod" => {
                    let [_, TokenTree::Ident(name), then, ..] = rest else {
                        unreachable!("a nameless module")
                    };
                    let name = name.to_string();
                    let inner = Vec::from_iter(module.iter().cloned().chain([name.clone()]));
                    let inner_folder = format!("{folder}/{name}");
                    if let TokenTree::Group(body) = then {
                        self.tokens(&Vec::from_iter(body.stream()), file, &inner_folder, &inner);
                    } else {
                        let beside = format!("{folder}/{name}.rs");
                        let within = format!("{folder}/{name}/mod.rs");
                        let found = if (self.read)(&beside).is_some() { beside } else { within };
                        self.file(&found, &inner_folder, &inner);
                    }
                    at += 3;
                    continue;
                }
                TokenTree::Ident(ident) if ident == "use" && module.is_empty() => {
                    let end = rest.iter().position(|token| is_punct(token, ';')).expect("a use ends");
                    self.export(&rest[1..end], None);
                }
                TokenTree::Ident(ident) if ident == "crate" || ident == "super" => {
                    let (names, read) = below_root(rest, module.len());
                    if let Some(top) = module.first() {
                        self.named.extend(names.into_iter().map(|name| (top.clone(), name, file.to_owned())));
                    }
                    // What is inside braces can hold no other path from the root.
                    at += read;
                    continue;
                }
                TokenTree::Group(group) => {
                    self.tokens(&Vec::from_iter(group.stream()), file, folder, module);
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Notes the last names of a `use` in the root, each with the first name of its path.
    fn export(&mut self, tree: &[TokenTree], first: Option<&str>) {
        for path in tree.split(|token| is_punct(token, ',')) {
            let mut names = path.iter().filter_map(|token| match token {
                TokenTree::Ident(name) if name != "crate" && name != "self" => Some(name.to_string()),
                _ => None,
            });
            let Some(first) = first.map(str::to_owned).or_else(|| names.next()) else { continue };
            if let Some(TokenTree::Group(group)) = path.last() {
                self.export(&Vec::from_iter(group.stream()), Some(&first));
            } else if let Some(last) = names.next_back() {
                self.exported.insert(last, first);
            } else if path.len() == 1 {
                let name = path[0].to_string();
                self.exported.insert(name, first);
            }
        }
    }
}

/// The names just below the root of the crate that a path starting with `crate` or `super` leads to, and how many tokens
/// it takes to say so; `depth` is that of the module around it.
fn below_root(tokens: &[TokenTree], depth: usize) -> (Vec<String>, usize) {
    let mut at = 0;
    let mut up = 0;
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        let step = match ident.to_string().as_str() {
            "crate" => depth,
            "super" => 1,
            _ => break,
        };
        let [colon, colon2, ..] = &tokens[at + 1..] else { return (vec![], at + 1) };
        if !(is_punct(colon, ':') && is_punct(colon2, ':')) {
            return (vec![], at + 1);
        }
        up += step;
        at += 3;
    }
    let names = if up == depth { tokens.get(at).map_or(vec![], first_names) } else { vec![] };
    (names, at)
}

/// The first names of a path or of a group of paths.
fn first_names(token: &TokenTree) -> Vec<String> {
    match token {
        TokenTree::Group(group) => {
            let tokens = Vec::from_iter(group.stream());
            tokens
                .split(|token| is_punct(token, ','))
                .filter_map(|path| path.first())
                .flat_map(first_names)
                .collect()
        }
        token => vec![token.to_string()],
    }
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_brace(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Whether the tokens start with an attribute that keeps what follows for tests.
fn is_test(tokens: &[TokenTree]) -> bool {
    let attribute = match tokens {
        [hash, bang, TokenTree::Group(attribute), ..] if is_punct(hash, '#') && is_punct(bang, '!') => {
            attribute
        }
        [hash, TokenTree::Group(attribute), ..] if is_punct(hash, '#') => attribute,
        _ => return false,
    };
    let attribute: String = attribute.stream().to_string().split_whitespace().collect();
    ["cfg(test)", "cfg(all(test", "cfg(doctest)", "test"].iter().any(|start| {
        attribute.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ')']))
    })
}

/// How many tokens an item with its attributes takes, or a field, an arm or a statement.
fn item(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while is_punct(&tokens[at], '#') {
        at += 2;
    }
    let words: Vec<String> = tokens[at..].iter().map(ToString::to_string).take(4).collect();
    let opens = |word: &str| words.iter().any(|found| found == word);
    let ends: &dyn Fn(&TokenTree) -> bool =
        if ["use", "static", "type", "let", "extern"].into_iter().any(opens)
            || (opens("const") && !opens("fn"))
        {
            &|token| is_punct(token, ';')
        } else if ["mod", "fn", "struct", "enum", "trait", "impl", "macro_rules"].into_iter().any(opens) {
            &|token| is_punct(token, ';') || is_brace(token)
        } else {
            &|token| is_punct(token, ';') || is_punct(token, ',')
        };
    tokens[at..].iter().position(ends).map_or(tokens.len(), |end| at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small crate in memory: names of files and their text.
    fn found(files: &[(&str, &str)]) -> Vec<Circle> {
        let read =
            |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
        circles("src/lib.rs", &read)
    }

    const ROOT: &str =
        "pub mod a;\npub mod b;\nmod c;\npub use b::{Thing, inner::Other as Another};\npub fn own() {}";

    #[test]
    fn a_circle_is_found_with_the_files_that_tie_it() {
        let a = "mod part;\nuse crate::b;\n";
        let part = "fn f() {}\n";
        let b = "use crate::{c::{x, y}, own};\n";
        let c = "mod deep { fn f() -> u8 { super::super::a::f() } }\n";
        let files = [
            ("src/lib.rs", ROOT),
            ("src/a.rs", a),
            ("src/a/part.rs", part),
            ("src/b.rs", b),
            ("src/c.rs", c),
        ];
        let circles = found(&files);
        assert_eq!(circles.len(), 1);
        assert_eq!(
            circles[0].to_string(),
            "circle of a, b, c\n  a -> b: src/a.rs\n  b -> c: src/b.rs\n  c -> a: src/c.rs\n"
        );
    }

    /// `to` in the module `b`, beside a module `a` that names `b`.
    fn with(b: &str) -> Vec<Circle> {
        let a = "use crate::b;\npub struct First;\n";
        let root = format!("{ROOT}\npub use a::First;\nuse crate::a::g as under_another_name;");
        found(&[
            ("src/lib.rs", &root),
            ("src/a.rs", a),
            ("src/b.rs", b),
            ("src/c.rs", ""),
            ("src/b/tests.rs", "use crate::a;"),
        ])
    }

    #[test]
    fn every_way_to_name_a_module_ties() {
        for code in [
            "use crate::a;",
            "use crate::a as other;",
            "use crate::{c, a};",
            "use crate::{{c, a::f}};",
            "pub use crate::a::*;",
            "use super::a;",
            "use super::{c, a::{f}};",
            "fn f() { crate::a::f() }",
            "fn f() { if true { g(crate::a::N) } }",
            "fn f(x: Vec<crate::a::T>) {}",
            "macro_rules! m { () => { $crate::a::f() } }",
            "mod inner { mod inner { use super::super::super::a; } }",
            "#[cfg(feature = \"x\")] use crate::a;",
            "#[cfg(not(test))] use crate::a;",
            "#[cfg(test)] use crate::c; use crate::a;",
            "#[cfg(test)] mod t { } fn f() { crate::a::f() }",
            "use crate::First;",
            "fn f() { crate::First }",
            "use crate::under_another_name;",
        ] {
            let circles = with(code);
            assert_eq!(circles.len(), 1, "{code}");
            assert_eq!(circles[0].modules, BTreeSet::from(["a".to_owned(), "b".to_owned()]), "{code}");
        }
    }

    #[test]
    fn tests_comments_and_texts_do_not_tie() {
        for code in [
            "#[cfg(test)] mod tests { use crate::a; }",
            "#[cfg(test)] mod tests;",
            "#[cfg(test)] use crate::a::{f};",
            "#[cfg(test)] #[derive(Clone)] struct S { a: crate::a::T }",
            "#[cfg(test)] const N: usize = crate::a::N;",
            "#[cfg(all(test, feature = \"x\"))] fn f() -> [u8; 3] { crate::a::f() }",
            "struct S { #[cfg(test)] a: crate::a::T, b: u8 }",
            "#![cfg(test)] use crate::a;",
            "#[test] fn f() { crate::a::f() }",
            "//! [`f`](crate::a::f)\n/// `crate::a::f`\nfn f() {} // crate::a\n/* use crate::a; */",
            "const S: &str = \"crate::a::f\"; const R: &str = r#\"use crate::a;\"#;",
            "fn f<'a>(x: &'a crate::c::T) { crate::own(); crate::Another; }",
            "mod a {} use self::a as other; mod inner { use super::a; }",
            "pub(crate) fn a() { std::a::f() } pub(super) fn g() {}",
        ] {
            let circles = with(code);
            assert!(circles.is_empty(), "{code}: {}", circles[0]);
        }
    }
}
