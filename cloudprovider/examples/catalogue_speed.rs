//! How long the embedded catalogue takes to load and to answer: `cargo run --release --example catalogue_speed`.

use dovetail_cloudprovider::ec2::{Catalogue, CatalogueError, Ec2Request, Ec2Settings};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;

/// The result is dropped after the clock has stopped, so that freeing it does not count as making it.
fn median<T>(mut work: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let made = black_box(work());
            let took = start.elapsed();
            drop(made);
            took
        })
        .collect();
    times.sort_unstable();
    times.get(ROUNDS / 2).copied().unwrap_or_default()
}

fn main() -> Result<(), CatalogueError> {
    let start = Instant::now();
    let catalogue = Catalogue::embedded()?;
    let first = start.elapsed();
    let load = median(Catalogue::embedded);
    println!("load: first {first:?}, median of {ROUNDS} {load:?} ({} types)", catalogue.types().len());
    for region in catalogue.regions() {
        let request = Ec2Request::new(region, &Ec2Settings::default());
        let types = catalogue.instance_types(&request)?;
        let offerings: usize = types.iter().map(|t| t.offerings.len()).sum();
        let answer = median(|| catalogue.instance_types(&request));
        println!("{region}: {} types, {offerings} offerings in {answer:?}", types.len());
    }
    Ok(())
}
