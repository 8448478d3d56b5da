//! Instructions that each reading of an input takes: the same on an idle machine and on a busy one.
//!
//! - `cargo bench --bench instructions` prints them beside those of the peers and of the baseline, `instructions.txt`.
//! - `... -- --check` fails where badgateway takes over 5 % more than in the baseline.
//! - `... -- --record` makes the baseline anew.
//!
//! The program runs itself once under `valgrind --tool=callgrind`, which is told to count inside of one function only
//! and to write the count each time that function returns. No crate for this is needed, nor a runner to be installed,
//! and the baseline is a text file that can be committed. Counts depend on the compiler and on the scanner's backend;
//! where one of them is another than the baseline's, nothing is compared. picohttpparser is counted for chunks only:
//! valgrind cannot run what it reads heads with.

mod races;

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use races::ratios::{cells, pairs, print_heading};
use races::{Group, Race, Runner, bodies, heads, segments};

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// What callgrind writes, a file for each reading.
const COUNTS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/instructions");

/// How much more than in the baseline is too much.
const GROWTH: f64 = 1.05;

fn main() -> ExitCode {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    let mut groups = [
        heads::hot(heads::COUNTABLE),
        heads::text(heads::COUNTABLE),
        segments::group(segments::COUNTABLE),
        bodies::chunked(),
    ];
    if has("--counted") {
        read_all(&mut groups);
        return ExitCode::SUCCESS;
    }
    // As `cargo test` calls it: the answers have been asserted by now.
    if !has("--bench") || has("--test") {
        return ExitCode::SUCCESS;
    }
    let measured = match measure(&groups) {
        Ok(measured) => measured,
        Err(error) => {
            eprintln!("NO INSTRUCTIONS WERE COUNTED, for valgrind did not run: {error}");
            return if has("--check") || has("--record") { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    if has("--record") {
        fs::write(BASELINE, measured.to_text()).expect("the baseline can be written");
    }
    let baseline = Counts::from_text(&fs::read_to_string(BASELINE).unwrap_or_default());
    let comparable = baseline.made_by == measured.made_by;
    print(&groups, &measured, comparable.then_some(&baseline));
    if !comparable {
        println!("\nNOTHING WAS COMPARED with the baseline: it was made by {:?}", baseline.made_by);
        println!("and this by {:?}.", measured.made_by);
        return ExitCode::SUCCESS;
    }
    let grown = grown(&groups, &measured, &baseline);
    grown.iter().for_each(|line| println!("{line}"));
    if has("--check") && !grown.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Under callgrind: each once to warm up, and once to be counted.
fn read_all(groups: &mut [Group]) {
    for race in groups.iter_mut().flat_map(|group| &mut group.races) {
        for runner in race.runners_mut() {
            runner.read(1);
            counted_reading(runner);
        }
    }
    println!("{}", races::backend());
}

/// Callgrind knows it by its name.
#[inline(never)]
fn counted_reading(runner: &mut Runner) {
    runner.read(1);
}

/// A count for each runner of each race, in their order, and what it depends on.
#[derive(Default)]
struct Counts {
    made_by: String,
    lines: Vec<(String, Vec<(String, u64)>)>,
}

fn measure(groups: &[Group]) -> io::Result<Counts> {
    fs::remove_dir_all(COUNTS).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    fs::create_dir_all(COUNTS)?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={COUNTS}/count"))
        .args(["--toggle-collect=*counted_reading", "--dump-after=*counted_reading"])
        .arg(std::env::current_exe()?)
        .arg("--counted")
        // What stands on the stack before the program shifts it, and copies depend on how memory is aligned.
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH"))
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let backend = String::from_utf8_lossy(&output.stdout);
    let mut counts = (1..).map(|number| total(&Path::new(COUNTS).join(format!("count.{number}"))));
    let mut lines = Vec::new();
    for (id, race) in races_of(groups) {
        let counted = race.runners().map(|runner| {
            let count = counts.next().expect("endless")?;
            Ok((runner.name.to_string(), count))
        });
        lines.push((id, counted.collect::<io::Result<_>>()?));
    }
    Ok(Counts { made_by: format!("{}, scanner backend {}", compiler(), backend.trim()), lines })
}

fn races_of(groups: &[Group]) -> impl Iterator<Item = (String, &Race)> {
    groups
        .iter()
        .flat_map(|group| group.races.iter().map(|race| (format!("{}/{}", group.name, race.input), race)))
}

/// The count in a file of callgrind's.
fn total(path: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.parse().ok()).ok_or_else(|| io::Error::other("a file without a total"))
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("-V").output();
    output.map_or_else(
        |_| "an unknown compiler".to_string(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_string(),
    )
}

impl Counts {
    /// `group/input: runner count, runner count`, a line an input.
    fn to_text(&self) -> String {
        let mut text =
            "# Instructions of one reading. Made by cargo bench --bench instructions -- --record\n"
                .to_string();
        text += &format!("made by: {}\n", self.made_by);
        for (id, counts) in &self.lines {
            let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            text += &format!("{id}: {}\n", counts.join(", "));
        }
        text
    }

    fn from_text(text: &str) -> Counts {
        let mut read = Counts::default();
        for (id, rest) in text.lines().filter_map(|line| line.split_once(": ")) {
            let count = |part: &str| {
                let (name, count) = part.rsplit_once(' ')?;
                Some((name.to_string(), count.parse().ok()?))
            };
            match id {
                "made by" => read.made_by = rest.to_string(),
                _ => read.lines.push((id.to_string(), rest.split(", ").filter_map(count).collect())),
            }
        }
        read
    }

    fn of(&self, id: &str, runner: &str) -> Option<u64> {
        let (_, counts) = self.lines.iter().find(|line| line.0 == id)?;
        counts.iter().find(|count| count.0 == runner).map(|count| count.1)
    }
}

/// Ours, the change since the baseline, and the ratios to the peers.
fn print(groups: &[Group], measured: &Counts, baseline: Option<&Counts>) {
    println!("\nInstructions of badgateway over those of its peers, counted by callgrind.");
    println!("{}. For chunks, a whole body.", measured.made_by);
    let mut lines = measured.lines.iter();
    for group in groups {
        print_heading(group, "count");
        let mut totals = vec![0; group.races[0].runners().count()];
        for (race, (id, counts)) in group.races.iter().zip(&mut lines) {
            let counts: Vec<u64> = counts.iter().map(|count| count.1).collect();
            totals.iter_mut().zip(&counts).for_each(|(total, count)| *total += count);
            let before = baseline.and_then(|baseline| baseline.of(id, race.ours[0].name));
            print_line(&race.input, race, &counts, before);
        }
        print_line("total", &group.races[0], &totals, None);
    }
}

fn print_line(name: &str, race: &Race, counts: &[u64], before: Option<u64>) {
    let ratios: Vec<f64> =
        pairs(race).map(|(ours, peer)| counts[ours] as f64 / counts[peer] as f64).collect();
    let change = before.map_or(String::new(), |before| percent(before, counts[0]));
    println!("{name:<34}{:>10}{}  {change:>8}", counts[0], cells(&ratios));
}

fn percent(before: u64, now: u64) -> String {
    format!("{:+.1} %", (now as f64 / before as f64 - 1.0) * 100.0)
}

/// What takes too many instructions now, or was never recorded.
fn grown(groups: &[Group], measured: &Counts, baseline: &Counts) -> Vec<String> {
    let mut complaints = Vec::new();
    for (id, race) in races_of(groups) {
        for Runner { name, .. } in &race.ours {
            let now = measured.of(&id, name).expect("it was measured");
            match baseline.of(&id, name) {
                None => complaints.push(format!("NOT IN THE BASELINE: {id}, {name}")),
                Some(before) if now as f64 > before as f64 * GROWTH => {
                    let percent = percent(before, now);
                    complaints
                        .push(format!("TOO MANY INSTRUCTIONS: {id}, {name}: {before} -> {now} ({percent})"));
                }
                Some(_) => {}
            }
        }
    }
    complaints
}
