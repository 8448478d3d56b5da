//! The closing table: our time over the peer's, measured side by side.
//!
//! On a machine that others use too, two times taken a second apart may differ by more than what is to be seen. Here
//! all runners take turns in short rounds, so that a slow moment slows all of them; each round gives a ratio, and the
//! median of many rounds is told.

use std::time::Duration;

use super::{Group, Race, backend};

/// Odd, so that there is a median.
const ROUNDS: usize = 301;

/// How long one runner's turn is, about: much longer than reading the clock, much shorter than a time slice.
const TURN: Duration = Duration::from_micros(60);

pub fn print(groups: &mut [Group]) {
    println!("\nTimes of badgateway over times of its peers: below 1.00 badgateway is the faster.");
    println!("Scanner backend: {}. Medians of {ROUNDS} rounds in which all take turns.", backend());
    for group in groups.iter_mut().filter(|group| !group.races.is_empty()) {
        print_group(group);
    }
}

fn print_group(group: &mut Group) {
    print_heading(group, "ns");
    let mut logs = Vec::new();
    for race in &mut group.races {
        let rounds = measure(race);
        let time = median(rounds.iter().map(|round| round[0])) / race.units as f64;
        let ratios =
            pairs(race).map(|(ours, peer)| median(rounds.iter().map(|round| round[ours] / round[peer])));
        let ratios: Vec<f64> = ratios.collect();
        println!("{:<34}{time:>10.1}{}", race.input, cells(&ratios));
        logs.push(ratios.into_iter().map(f64::ln).collect());
    }
    let means: Vec<f64> = column_means(&logs).into_iter().map(f64::exp).collect();
    println!("{:<44}{}", "geometric mean", cells(&means));
}

/// Name the group and its columns, by letters, for the names are long.
pub fn print_heading(group: &Group, unit: &str) {
    println!("\n{}: {}", group.name, group.label);
    let race = &group.races[0];
    let names: Vec<&str> = race.runners().map(|runner| runner.name).collect();
    let mut letters = String::new();
    for ((ours, peer), letter) in pairs(race).zip('A'..) {
        println!("  {letter} = {} / {}", names[ours], names[peer]);
        letters += &format!("{letter:>8}");
    }
    println!("{:<34}{unit:>10}{letters}", names[0]);
}

pub fn cells(ratios: &[f64]) -> String {
    ratios.iter().map(|ratio| format!("{ratio:>8.*}", if *ratio < 0.1 { 3 } else { 2 })).collect()
}

/// Each of ours with each peer, by their places among the runners.
pub fn pairs(race: &Race) -> impl Iterator<Item = (usize, usize)> + use<> {
    let count = race.ours.len();
    let peers = count..count + race.peers.len();
    (0..count).flat_map(move |ours| peers.clone().map(move |peer| (ours, peer)))
}

/// The mean of each column.
fn column_means(rows: &[Vec<f64>]) -> Vec<f64> {
    let column = |at: usize| rows.iter().map(|row| row[at]).sum::<f64>() / rows.len() as f64;
    (0..rows[0].len()).map(column).collect()
}

/// The nanoseconds of each runner in each round.
fn measure(race: &mut Race) -> Vec<Vec<f64>> {
    let times = turns(race);
    (0..ROUNDS).map(|first| round(race, &times, first)).collect()
}

/// How often each runner reads the input in its turn, found by doing it, which warms it up as well.
fn turns(race: &mut Race) -> Vec<u64> {
    let turn = |runner: &mut super::Runner| {
        let mut times = 1;
        while runner.time(times) < TURN {
            times *= 2;
        }
        times
    };
    race.runners_mut().map(turn).collect()
}

/// Another runner begins each round: none always follows the same pause or the same rival alone.
fn round(race: &mut Race, times: &[u64], first: usize) -> Vec<f64> {
    let mut runners: Vec<_> = race.runners_mut().zip(times).collect();
    let count = runners.len();
    let mut took = vec![0.0; count];
    for at in 0..count {
        let at = (first + at) % count;
        let (runner, times) = &mut runners[at];
        took[at] = runner.time(**times).as_nanos() as f64 / **times as f64;
    }
    took
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
