//! What every benchmark shares: inputs, those who read them, and three ways to compare: criterion's groups, a closing
//! table of ratios, and (in `instructions.rs`) counts of instructions.
#![allow(dead_code, reason = "each benchmark takes the part it needs")]

pub mod bodies;
pub mod heads;
mod ours;
#[cfg(all(target_arch = "x86_64", unix))]
mod pico;
pub mod ratios;
mod replies;
pub mod scans;
pub mod segments;
mod split;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};

/// One who reads an input.
pub struct Runner {
    pub name: &'static str,
    read: Box<dyn FnMut(u64)>,
}

impl Runner {
    /// The loop is inside of the box, so that the call through it is paid once for many readings.
    pub fn new<T>(name: &'static str, mut read: impl FnMut() -> T + 'static) -> Runner {
        let read = move |times| {
            for _ in 0..times {
                black_box(read());
            }
        };
        Runner { name, read: Box::new(read) }
    }

    pub fn read(&mut self, times: u64) {
        (self.read)(times);
    }

    pub fn time(&mut self, times: u64) -> Duration {
        let start = Instant::now();
        self.read(times);
        start.elapsed()
    }
}

/// An input and all who read it.
pub struct Race {
    pub input: String,
    /// Heads or chunks in it: times are told for one of them.
    pub units: usize,
    pub ours: Vec<Runner>,
    pub peers: Vec<Runner>,
}

impl Race {
    pub fn runners(&self) -> impl Iterator<Item = &Runner> {
        self.ours.iter().chain(&self.peers)
    }

    pub fn runners_mut(&mut self) -> impl Iterator<Item = &mut Runner> {
        self.ours.iter_mut().chain(&mut self.peers)
    }
}

/// Races with the same runners; the label says what the peers leave undone.
pub struct Group {
    pub name: &'static str,
    pub label: &'static str,
    pub races: Vec<Race>,
}

/// The scanner's backend, chosen as the crate chooses it.
pub fn backend() -> &'static str {
    #[cfg(all(target_arch = "x86_64", not(badgateway_scan = "portable")))]
    return if !cfg!(badgateway_scan = "sse2")
        && std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("popcnt")
    {
        "AVX2"
    } else {
        "SSE2"
    };
    #[cfg(not(all(target_arch = "x86_64", not(badgateway_scan = "portable"))))]
    "portable"
}

/// Criterion's groups and then the table of ratios. With `--ratios` the table alone, of the inputs with a name that
/// contains all other arguments; without `--bench`, as `cargo test` calls it, everything runs once and nothing is
/// measured.
pub fn main(mut groups: Vec<Group>) {
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    if has("--ratios") {
        for group in &mut groups {
            let id = |race: &Race| format!("{}/{}", group.name, race.input);
            group.races.retain(|race| words.iter().all(|word| id(race).contains(word)));
        }
        return ratios::print(&mut groups);
    }
    // Short, for there are many of them, and the closing table is what to compare by.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .nresamples(2000)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .configure_from_args();
    groups.iter_mut().for_each(|group| bench(&mut criterion, group));
    criterion.final_summary();
    if has("--bench") && !has("--test") && !has("--list") {
        ratios::print(&mut groups);
    }
}

fn bench(criterion: &mut Criterion, group: &mut Group) {
    println!("\n{}: {}", group.name, group.label);
    let mut timed = criterion.benchmark_group(group.name);
    for race in &mut group.races {
        timed.throughput(Throughput::Elements(race.units as u64));
        let input = race.input.clone();
        for runner in race.runners_mut() {
            let id = BenchmarkId::new(runner.name, &input);
            timed.bench_function(id, |b| b.iter_custom(|times| runner.time(times)));
        }
    }
    timed.finish();
}
