//! Values as the environment writes them, read as Go's `strconv` reads them, so that a manifest written for Karpenter means
//! the same here. Which variable holds what is not known here.

use dovetail_api::duration::Duration;

/// A switch as Go's `ParseBool` reads it.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A whole number in decimal.
pub(crate) fn whole(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A duration with units.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_go_reads_them() {
        assert_eq!((switch("T"), switch("0"), switch("yes"), switch("")), (Some(true), Some(false), None, None));
        assert_eq!(
            (whole("-1"), whole("+5"), whole("0x10"), whole("1e3"), whole(" 1")),
            (Some(-1), Some(5), None, None, None)
        );
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("10"), None);
    }
}
