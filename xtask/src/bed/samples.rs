//! What the controller took of the machine while something went on: looks at it every now and then, cut to a stretch of
//! time. It does not know what went on.

use std::time::Duration;

use jiff::Timestamp;

use super::process::Usage;

/// What the controller had taken at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    pub(crate) usage: Usage,
}

/// What the controller took in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The most resident memory that was seen, in bytes.
    peak: u64,
    /// Processor time.
    cpu: Duration,
    /// Between the first and the last look.
    wall: Duration,
}

impl Taken {
    /// The heads of the columns of `row`.
    pub(crate) fn heads() -> String {
        format!("{:>10} {:>10} {:>7}", "MEMORY", "CPU", "CORES")
    }

    /// All together: the most memory, the sum of processor time, and how many cores that is on average.
    pub(crate) fn row(all: &[Taken]) -> String {
        let Some(peak) = all.iter().map(|taken| taken.peak).max() else {
            return format!("{:>10} {:>10} {:>7}", "-", "-", "-");
        };
        let cpu: Duration = all.iter().map(|taken| taken.cpu).sum();
        let wall: Duration = all.iter().map(|taken| taken.wall).sum();
        let cores = if wall.is_zero() { 0.0 } else { cpu.as_secs_f64() / wall.as_secs_f64() };
        format!("{:>7} MB {:>8.1} s {cores:>7.2}", peak >> 20, cpu.as_secs_f64())
    }
}

/// What was taken from `start` on for as long as `took`; none if nobody looked.
pub(crate) fn taken(samples: &[Sample], start: Timestamp, took: Duration) -> Option<Taken> {
    let end = start.checked_add(took).ok()?;
    // From the last look before the start on, or a short stretch would have none.
    let first = samples.iter().rposition(|sample| sample.at <= start).unwrap_or(0);
    let during: Vec<&Sample> = samples.get(first..)?.iter().take_while(|sample| sample.at <= end).collect();
    let (first, last) = (during.first()?, during.last()?);
    Some(Taken {
        peak: during.iter().map(|sample| sample.usage.resident).max()?,
        cpu: last.usage.cpu.saturating_sub(first.usage.cpu),
        wall: Duration::try_from(last.at.duration_since(first.at)).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn sample(second: i64, megabytes: u64, cpu: u64) -> Sample {
        let usage = Usage { resident: megabytes << 20, peak: 0, cpu: Duration::from_secs(cpu) };
        Sample { at: time(second), usage }
    }

    #[test]
    fn a_stretch_takes_what_the_looks_in_it_and_the_one_before_say() {
        let samples = [sample(0, 500, 0), sample(10, 50, 1), sample(20, 80, 5), sample(30, 60, 6), sample(40, 900, 60)];
        let stretch = taken(&samples, time(15), Duration::from_secs(20)).expect("somebody looked");
        assert_eq!(stretch, Taken { peak: 80 << 20, cpu: Duration::from_secs(5), wall: Duration::from_secs(20) });
        assert_eq!(Taken::row(&[stretch]).split_whitespace().collect::<Vec<_>>(), ["80", "MB", "5.0", "s", "0.25"]);
        assert_eq!(taken(&[], time(0), Duration::from_secs(9)), None);
        assert_eq!(taken(&samples[4..], time(0), Duration::from_secs(9)), None);
    }

    #[test]
    fn what_nobody_looked_at_has_no_figures() {
        assert_eq!(Taken::row(&[]).split_whitespace().collect::<Vec<_>>(), ["-", "-", "-"]);
    }
}
