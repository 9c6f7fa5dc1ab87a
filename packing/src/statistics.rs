//! Means and how far they can be trusted.

use serde::Serialize;

/// A mean of measurements, with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Half of the width of the interval in which the true mean lies with a confidence of 95 % (Student's t), if there are two
    /// measurements or more.
    pub ci95: Option<f64>,
}

impl Estimate {
    /// Of these measurements; none if there are none.
    #[allow(clippy::cast_precision_loss)] // nobody measures 2^53 times
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n)?;
        let freedom = values.len() - 1;
        let ci95 = (freedom > 0).then(|| {
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / freedom as f64;
            student(freedom) * (variance / n).sqrt()
        });
        Some(Self { mean, ci95 })
    }
}

/// How many standard errors to either side hold 95 % of Student's distribution, by degrees of freedom from 1 on.
const STUDENT: [f64; 30] = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
    2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484,
    2.0452, 2.0423,
];
/// The same of the normal distribution.
const NORMAL: f64 = 1.959_964;

#[allow(clippy::cast_precision_loss)] // degrees of freedom are small
fn student(freedom: usize) -> f64 {
    if let Some(known) = freedom.checked_sub(1).and_then(|at| STUDENT.get(at)) {
        return *known;
    }
    // Fisher's expansion around the normal distribution, exact to four digits from 30 on.
    let (z, n) = (NORMAL, freedom.max(1) as f64);
    let third = 3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z;
    z + (z.powi(3) + z) / (4.0 * n)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n)
        + third / (384.0 * n.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_student_s() {
        // Given ten weights, by hand: mean 5, variance 4, standard error 2 / sqrt 10.
        let values = [2.0, 8.0, 5.0, 5.0, 5.0, 5.0, 2.0, 8.0, 5.0, 5.0];
        let estimate = Estimate::of(&values).expect("there are some");
        assert_eq!(estimate.mean, 5.0);
        let expected = 2.2622 * 2.0 / 10.0_f64.sqrt();
        assert!((estimate.ci95.expect("ten are enough") - expected).abs() < 1e-9, "{estimate:?}");
    }

    #[test]
    fn one_measurement_has_no_interval_and_none_no_mean() {
        assert_eq!(Estimate::of(&[3.0]), Some(Estimate { mean: 3.0, ci95: None }));
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[3.0, 3.0]).and_then(|e| e.ci95), Some(0.0));
    }

    #[test]
    fn beyond_the_table_the_expansion_goes_on() {
        for (freedom, expected) in
            [(30, 2.0423), (31, 2.0395), (49, 2.0096), (60, 2.0003), (120, 1.9799), (1000, 1.9623)]
        {
            assert!((student(freedom) - expected).abs() < 6e-5, "{freedom}: {}", student(freedom));
        }
        let falls = (1..200).all(|f| student(f) > student(f + 1));
        assert!(falls, "more measurements are never less certain");
    }
}
