//! The order of the house, held by reading the sources: the fence around `unsafe` (G9), imports that point down only,
//! names, and promises that some test holds.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from low to high; each may import only from those before it.
const ORDER: [&str; 20] = [
    "class",
    "scan",
    "proxy_status",
    "exchange",
    "rule",
    "policy",
    "violation",
    "judge",
    "value",
    "head",
    "framing",
    "advice",
    "chunked",
    "parser",
    "forward",
    "answer",
    "report",
    "interop",
    "lib",
    "bin",
];

/// One source file under `src`.
struct Source {
    /// Relative to `src`, parts joined by `/`.
    path: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let read = |path: PathBuf| {
        let parts = path.strip_prefix(&src).unwrap().iter().map(|part| part.to_string_lossy());
        Source { path: parts.collect::<Vec<_>>().join("/"), text: fs::read_to_string(&path).unwrap() }
    };
    rust_files(&src).into_iter().map(read).collect()
}

impl Source {
    /// The top module: `head` for `head/known.rs`, `value` for `value.rs`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many times `super` leads to the root of the crate.
    fn depth(&self) -> usize {
        let parts = self.path.trim_end_matches("/mod.rs").split('/').count();
        if self.path == "lib.rs" { 0 } else { parts }
    }

    /// The code without comments and texts.
    fn code(&self) -> String {
        blank_out(&self.text)
    }

    /// That, without what is there for tests alone.
    fn shipped_code(&self) -> String {
        let code = self.code();
        let mut shipped = String::new();
        let mut rest = &code[..];
        while let Some(at) = rest.find("#[cfg(test)]") {
            shipped.push_str(&rest[..at]);
            rest = &rest[at + item_len(&rest[at..])..];
        }
        shipped + rest
    }

    /// The modules of the crate that it names, and `lib` for what stands in the root itself.
    fn imports(&self) -> Vec<String> {
        let code = self.shipped_code();
        let up = "super::".repeat(self.depth());
        let mut roots = vec!["crate::"];
        if !up.is_empty() {
            roots.push(&up);
        }
        let mut imports = Vec::new();
        for root in roots {
            for (at, _) in code.match_indices(root) {
                let before = code[..at].chars().next_back();
                if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') {
                    imports.extend(first_names(&code[at + root.len()..]).map(|name| module_named(&name)));
                }
            }
        }
        imports
    }
}

fn module_named(name: &str) -> String {
    let is_module = ORDER.contains(&name) && name != "lib" && name != "bin";
    if is_module { name } else { "lib" }.to_string()
}

/// The names that a path starts with: one, or those of a group in braces.
fn first_names(path: &str) -> impl Iterator<Item = String> {
    let group = path.strip_prefix('{').map(|group| {
        let mut depth = 1;
        let ends = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        };
        let group = &group[..group.find(ends).unwrap_or(group.len())];
        let mut depth = 0;
        let parts = group.split(move |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && c == ','
        });
        parts.map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>()
    });
    let name = |part: &str| words(part).next().unwrap_or("").to_string();
    group.unwrap_or_else(|| vec![path]).into_iter().map(name).collect::<Vec<_>>().into_iter()
}

/// How long the item at the front is: up to its closing brace, or to its semicolon.
fn item_len(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if depth == 0 && matches!(c, '}' | ';') {
            return at + 1;
        }
    }
    code.len()
}

/// Replace comments and the insides of string and character literals.
fn blank_out(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            'r' if rest.starts_with("r\"") => 2 + rest[2..].find('"').unwrap() + 1,
            'r' if rest.starts_with("r#\"") => 3 + rest[3..].find("\"#").unwrap() + 2,
            '"' => quoted(rest, '"'),
            '\'' if rest[1..].starts_with('\\') || rest[1..].chars().nth(1) == Some('\'') => {
                quoted(rest, '\'')
            }
            _ => 0,
        };
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

/// How long the literal at the front is.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The words of code, for a search that does not find `unsafe` in `unsafe_code`.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}

#[test]
fn g9_unsafe_stands_in_the_scanner_alone() {
    let sources = sources();
    assert!(sources.len() >= 25, "only {} sources", sources.len());
    for source in sources.iter().filter(|source| source.module() != "scan") {
        let code = source.code();
        if source.path != "lib.rs" {
            assert!(code.contains("#![forbid(unsafe_code)]"), "{} forbids no unsafe code", source.path);
        }
        assert!(words(&code).all(|word| word != "unsafe"), "{} is not the place for unsafe", source.path);
        assert!(!code.contains("allow(unsafe_code"), "{} lifts the fence", source.path);
    }
    let library = blank_out(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = manifest.split("[lints.rust]").nth(1).unwrap_or("").split("\n[").next().unwrap();
    let by_manifest =
        ["unsafe_code = \"deny\"", "unsafe_code = \"forbid\""].iter().any(|lint| lints.contains(lint));
    let by_library =
        ["#![deny(unsafe_code", "#![forbid(unsafe_code"].iter().any(|lint| library.contains(lint));
    assert!(by_manifest || by_library, "unsafe code is not denied for the crate");
}

#[test]
fn imports_point_down() {
    let rank = |module: &str| ORDER.iter().position(|&name| name == module);
    let mut complaints = Vec::new();
    let mut seen = 0;
    for source in &sources() {
        let Some(own) = rank(source.module()) else {
            complaints.push(format!("{} has no place in the order", source.path));
            continue;
        };
        // The root sees everything, and the tool is a crate of its own.
        if matches!(source.module(), "lib" | "bin") {
            continue;
        }
        for import in source.imports() {
            seen += 1;
            if rank(&import).is_none_or(|imported| imported > own) {
                complaints.push(format!("{} imports from {import}", source.path));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(seen >= 60, "only {seen} imports are seen");
}

#[test]
fn imports_are_found_however_they_are_written() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let text = r##"
        //! crate::report
        use crate::{class::{is_a, is_b}, Rule, self as us};
        const TEXT: &str = "crate::parser \" crate::report";
        fn a<'a>(b: &'a u8) -> char { super::judge::c(); crate::head::d('"'); '\'' }
        #[cfg(test)]
        use crate::interop;
        #[cfg(test)]
        mod tests { use crate::parser; fn c() { { crate::report } } }
        fn e() { crate::value::f() }
    "##;
    assert_eq!(source("scan/mod.rs", text).imports(), ["class", "lib", "lib", "head", "value", "judge"]);
    assert_eq!(source("scan/avx.rs", "use super::a; use super::super::class::b;").imports(), ["class"]);
}

#[test]
fn no_module_is_named_for_nothing() {
    let vague = ["utils", "util", "common", "helpers", "helper", "misc"];
    for source in &sources() {
        let code = source.code();
        let declared = code.split("mod ").skip(1).filter_map(|rest| words(rest).next());
        let parts = source.path.split('/').map(|part| part.trim_end_matches(".rs"));
        for name in parts.chain(declared) {
            assert!(!vague.contains(&name), "{} has a module called {name}", source.path);
        }
    }
}

/// A row of the table of promises: its name, and what holds it.
fn promises(library: &str) -> Vec<(&str, &str)> {
    let rows = library.lines().filter_map(|line| line.strip_prefix("//! | G"));
    rows.map(|row| {
        let columns: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        (columns[0], columns[columns.len() - 1])
    })
    .collect()
}

/// The file in which a module of the crate starts.
fn module_file(module: &str) -> PathBuf {
    let folder = root().join("src").join(module.replace("::", "/"));
    let alone = folder.with_extension("rs");
    if alone.exists() { alone } else { folder.join("mod.rs") }
}

/// Each promise of the crate docs is named where the docs say that it is held.
#[test]
fn promises_are_held_where_the_docs_say() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let promises = promises(&library);
    for wanted in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
        assert!(promises.iter().any(|(number, _)| *number == wanted), "G{wanted} is not in the docs");
    }
    for (number, holders) in promises {
        let name = format!("g{number}");
        let mut tests = 0;
        for holder in holders.split('`').skip(1).step_by(2) {
            let path = match holder.strip_suffix("::tests") {
                Some(module) => module_file(module),
                None => root().join(holder),
            };
            // What lies in a folder is a crate of its own.
            if path.extension().is_some() {
                let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{holder}: {e}"));
                let is_named =
                    text.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case(&name));
                assert!(is_named, "{holder} does not name {name}");
                tests += 1;
            }
        }
        assert!(tests > 0, "no test holds G{number}");
    }
}
