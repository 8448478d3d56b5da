//! The bodies of the fuzz targets over the committed seeds and regressions, on stable Rust.
#![cfg(all(feature = "bytes", feature = "std"))]

#[path = "../fuzz/src/lib.rs"]
mod bodies;
#[allow(dead_code, reason = "seeds need the replies, not the verdicts")]
mod literate;

use std::collections::BTreeMap;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use badgateway::{Class, Detection, Policy, Rule, validate};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn inputs(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<_> = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn complaints(path: &Path, data: &[u8]) -> Vec<String> {
    let fails = |run: bodies::Body| catch_unwind(|| run(data)).is_err();
    let failing = bodies::BODIES.into_iter().filter(|(_, run)| fails(*run));
    failing.map(|(body, _)| format!("{body} fails on {}: {}", path.display(), data.escape_ascii())).collect()
}

/// Under each preset beside two others, without and with limits that are easily reached; and with the reply once more,
/// as the answer to a second request.
#[test]
fn every_body_holds_on_every_seed() {
    let seeds = inputs("seeds");
    assert!(seeds.len() >= 50);
    let mut found = Vec::new();
    for (path, once) in seeds {
        let twice = [&once, bodies::scene::Scene::of(&once).reply].concat();
        for mut data in [once, twice] {
            let [one, other] = bodies::scene::PRESETS_AT;
            for pair in 0..12 {
                (data[one], data[one + 1], data[other]) = (pair % 6, pair / 6, (pair + 1 + pair / 6) % 6);
                found.extend(complaints(&path, &data));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_body_holds_on_every_regression() {
    let found: Vec<String> =
        inputs("regressions").iter().flat_map(|(path, data)| complaints(path, data)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The settings of a seed are 23 bytes, and any part of an input will do.
#[test]
fn any_bytes_make_a_scene() {
    for (path, data) in inputs("seeds") {
        for len in 0..data.len() {
            bodies::total(&data[..len]);
        }
        let reply = bodies::scene::Scene::of(&data).reply;
        assert!(data.ends_with(reply) && reply.len() + 23 == data.len(), "{}", path.display());
    }
}

/// For each rule that a byte decides the shortest case of the corpus that breaks it, and for each kind of server the
/// longest reply.
fn seeds() -> BTreeMap<String, Vec<u8>> {
    let mut best: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
    for case in literate::cases() {
        let Some(seed) = bodies::scene::seed(case.exchange, case.close, &case.reply) else { continue };
        let report = validate(&case.reply, case.exchange, &Policy::STRICT, case.close);
        let hits = |rule: Rule| report.violation().is_some_and(|broken| broken.rule() == rule);
        let rule = Rule::from_id(&case.section);
        let wanted =
            |rule: Rule| rule.class() == Class::Core && rule.detection() != Detection::Close && hits(rule);
        if seed.len() > 700 || !rule.is_none_or(wanted) {
            continue;
        }
        let title = case.name.rsplit(": ").next().unwrap_or_default();
        let better = best.get(&case.section).is_none_or(|(_, other)| {
            if rule.is_some() { seed.len() < other.len() } else { seed.len() > other.len() }
        });
        if better {
            best.insert(case.section.clone(), (slug(&format!("{} {title}", case.section)), seed));
        }
    }
    best.into_values().collect()
}

fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.take(9).collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// With WRITE_SEEDS set, the seeds are written anew first.
#[test]
fn the_seeds_are_those_of_the_corpus() {
    if std::env::var_os("WRITE_SEEDS").is_some() {
        for (path, _) in inputs("seeds") {
            fs::remove_file(path).unwrap();
        }
        for (name, seed) in seeds() {
            fs::write(folder("seeds").join(name), seed).unwrap();
        }
    }
    let kept: BTreeMap<String, Vec<u8>> = inputs("seeds")
        .into_iter()
        .map(|(path, seed)| (path.file_name().unwrap().to_string_lossy().into_owned(), seed))
        .collect();
    let hint = "out of date: run WRITE_SEEDS=1 cargo test --test fuzz_seeds";
    assert!(kept == seeds(), "fuzz/seeds is {hint}");
}
