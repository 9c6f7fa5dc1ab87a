//! The most memory that this process has had, where the system tells: on Linux. It is the memory of the whole process, with
//! everything that was read before.

const STATUS: &str = "/proc/self/status";
const RESET: &str = "/proc/self/clear_refs";

/// Has the system forget the peak so far, if it lets us: what is told later is the peak from now on.
pub(crate) fn forget_peak() {
    let _ = std::fs::write(RESET, "5");
}

/// The peak in bytes.
pub(crate) fn peak() -> Option<u64> {
    peak_in(&std::fs::read_to_string(STATUS).ok()?)
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_high_water_mark_in_kibibytes() {
        assert_eq!(peak_in("Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"), Some(2 << 20));
        assert_eq!(peak_in("Name:\tx\n"), None);
        assert_eq!(peak_in("VmHWM:\tmuch kB\n"), None);
    }
}
