//! How cheap a plan could have been, in a line or two for people and as data for programs. What is proven comes from the
//! policy; here it is only said, never made to look better than it is: gaps are rounded up, and what a proof does not know
//! is named.

use anstyle::Style;
use dovetail_scheduler::instance_type::Price;
use dovetail_scheduler::plan::{LeftOut, Plan, Proof};
use serde::Serialize;

use super::table::with_commas;

const BOLD: Style = Style::new().bold();

/// The certificate as JSON and YAML show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Certified {
    /// Dollars per hour that no plan for the same pods can go below.
    bound: f64,
    /// By how much the plan is above the bound at most, as a share of the bound; null if the bound is zero and the plan is not.
    gap: Option<f64>,
    /// How the bound is proven.
    proof: &'static str,
    /// The rules that the proof does not know.
    left_out: Vec<&'static str>,
    /// Dollars per hour that Karpenter's rule would pay.
    karpenter: f64,
}

impl Certified {
    /// What is proven of a plan.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let certificate = plan.certificate.as_ref()?;
        let (cost, bound) = (plan.cost(), certificate.bound);
        let gap = match (cost <= bound, bound == Price::ZERO) {
            (true, _) => Some(0.0),
            (false, true) => None,
            (false, false) => Some((cost.dollars() - bound.dollars()) / bound.dollars()),
        };
        Some(Self {
            bound: bound.dollars(),
            gap,
            proof: match certificate.proof {
                Proof::Columns => "columns",
                Proof::Fluid => "fluid",
            },
            left_out: certificate.left_out.iter().map(|what| word(*what)).collect(),
            karpenter: certificate.first_fit.dollars(),
        })
    }
}

/// What a plan of a policy costs, how cheap it could have been, and what Karpenter's rule would have paid; nothing if there
/// is nothing to buy either way.
pub(crate) fn lines(policy: &str, plan: &Plan) -> String {
    let cost = plan.cost();
    let Some(certificate) = &plan.certificate else {
        return if plan.claims.is_empty() {
            String::new()
        } else {
            format!("\nPolicy {policy} gives no proof of how cheap it could be.\n")
        };
    };
    if plan.claims.is_empty() && certificate.first_fit == Price::ZERO {
        return String::new();
    }
    let karpenter = against_karpenter(cost, certificate.first_fit);
    let mut out =
        format!("\n{BOLD}{}, {}; {karpenter}{BOLD:#}\n", hourly(cost), against_the_bound(cost, certificate.bound));
    if cost > certificate.bound && !certificate.left_out.is_empty() {
        let so = if certificate.bound == Price::ZERO { "The proof" } else { "The gap may be smaller: the proof" };
        out += &format!("{so} leaves out {}.\n", listed(&certificate.left_out));
    }
    out
}

fn against_the_bound(cost: Price, bound: Price) -> String {
    if cost <= bound {
        return "the cheapest possible".to_owned();
    }
    match percents(cost.picodollars().abs_diff(bound.picodollars()), bound, Rounding::Up) {
        Some(percent) => format!("at most {percent} % above the cheapest possible"),
        None => "with no proof of how cheap it could be".to_owned(),
    }
}

fn against_karpenter(cost: Price, karpenter: Price) -> String {
    if cost == karpenter {
        return "Karpenter's rule costs the same".to_owned();
    }
    // It may be less where the rule leaves pods without a place that have one here.
    let sign = if karpenter > cost { "+" } else { "-" };
    let percent = percents(karpenter.picodollars().abs_diff(cost.picodollars()), cost, Rounding::Nearest);
    let percent = percent.map(|percent| format!(" ({sign}{percent} %)")).unwrap_or_default();
    format!("Karpenter's rule: {}{percent}", hourly(karpenter))
}

#[derive(Clone, Copy)]
enum Rounding {
    Nearest,
    Up,
}

/// A difference in percent: `11.0`, or `0.02` where it is little. One that is there is never shown as none. `None` if there is
/// nothing to compare it with.
fn percents(difference: u64, base: Price, rounding: Rounding) -> Option<String> {
    let base = u128::try_from(base.picodollars()).ok().filter(|base| *base > 0)?;
    let in_parts = |parts: u128| {
        let rest = match rounding {
            Rounding::Nearest => base / 2,
            Rounding::Up => base - 1,
        };
        (u128::from(difference) * parts + rest) / base
    };
    // Thousandths as long as they tell anything, else ten thousandths.
    let (thousandths, finer) = (in_parts(1_000), in_parts(10_000).max(1));
    Some(if finer >= 10 { format!("{}.{}", thousandths / 10, thousandths % 10) } else { format!("0.{finer:02}") })
}

/// Dollars per hour, with more digits where a cent is much.
fn hourly(price: Price) -> String {
    let dollars = price.dollars();
    if dollars < 1.0 && price != Price::ZERO {
        format!("${dollars:.4}/h")
    } else {
        format!("${}/h", with_commas(dollars))
    }
}

fn listed(left_out: &[LeftOut]) -> String {
    let words: Vec<&str> = left_out.iter().map(|what| in_words(*what)).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [some @ .., last] => format!("{}, and {last}", some.join(", ")),
    }
}

fn in_words(what: LeftOut) -> &'static str {
    match what {
        LeftOut::Spread => "how pods are spread over zones and the like",
        LeftOut::Affinity => "which pods must be together or apart in zones and the like",
        LeftOut::Limits => "limits and weights of NodePools",
        LeftOut::Volumes => "volumes that pods share",
        LeftOut::MinValues => "minValues",
        LeftOut::Preferences => "what pods would rather have",
    }
}

fn word(what: LeftOut) -> &'static str {
    match what {
        LeftOut::Spread => "spread",
        LeftOut::Affinity => "affinity",
        LeftOut::Limits => "limits",
        LeftOut::Volumes => "volumes",
        LeftOut::MinValues => "minValues",
        LeftOut::Preferences => "preferences",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_scheduler::plan::{Certificate, PlannedClaim};
    use serde_json::json;

    fn dollars(dollars: f64) -> Price {
        Price::from_dollars(dollars)
    }

    /// A plan of one node at a price, with what is proven of it.
    fn plan(cost: f64, bound: f64, karpenter: f64, left_out: &[LeftOut]) -> Plan {
        let certificate = Certificate {
            bound: dollars(bound),
            proof: Proof::Columns,
            left_out: left_out.to_vec(),
            first_fit: dollars(karpenter),
        };
        let claims =
            if cost > 0.0 { vec![PlannedClaim { price: dollars(cost), ..PlannedClaim::default() }] } else { vec![] };
        Plan { claims, certificate: Some(certificate), ..Plan::default() }
    }

    fn said(plan: &Plan) -> String {
        anstream::adapter::strip_str(&lines("cost", plan)).to_string()
    }

    fn data(plan: &Plan) -> serde_json::Value {
        serde_json::to_value(Certified::of(plan)).expect("a certificate is data")
    }

    #[test]
    fn a_plan_says_how_far_it_is_from_the_cheapest_and_what_karpenter_would_pay() {
        let plan = plan(52.28, 51.92, 58.03, &[]);
        let expected = "\n$52.28/h, at most 0.7 % above the cheapest possible; Karpenter's rule: $58.03/h (+11.0 %)\n";
        assert_eq!(said(&plan), expected);
        let mut data = data(&plan);
        let gap = data["gap"].as_f64().expect("a number");
        assert!((gap - 0.36 / 51.92).abs() < 1e-12, "{gap}");
        data["gap"] = json!(0.0);
        let expected = json!({"bound": 51.92, "gap": 0.0, "proof": "columns", "leftOut": [], "karpenter": 58.03});
        assert_eq!(data, expected);
    }

    #[test]
    fn what_the_proof_leaves_out_is_named_where_that_could_matter() {
        let with_gap = plan(2.0, 1.5, 3.0, &[LeftOut::Spread, LeftOut::Limits, LeftOut::MinValues]);
        let told = "The gap may be smaller: the proof leaves out how pods are spread over zones and the like, limits and \
                    weights of NodePools, and minValues.\n";
        assert!(said(&with_gap).ends_with(told), "{}", said(&with_gap));
        assert_eq!(data(&with_gap)["leftOut"], json!(["spread", "limits", "minValues"]));
        let one = said(&plan(2.0, 1.5, 3.0, &[LeftOut::Volumes]));
        assert!(one.ends_with("leaves out volumes that pods share.\n"), "{one}");
        let without = said(&plan(2.0, 2.0, 3.0, &[LeftOut::Spread]));
        assert_eq!(
            without, "\n$2.00/h, the cheapest possible; Karpenter's rule: $3.00/h (+50.0 %)\n",
            "whatever it leaves out"
        );
    }

    #[test]
    fn a_gap_is_rounded_up_and_never_away() {
        let gap =
            |cost: u64, bound: u64| percents(cost - bound, Price::from_picodollars(bound.cast_signed()), Rounding::Up);
        let told = [(1_000_001, 1_000_000), (10_001, 10_000), (1_001, 1_000), (10_011, 10_000), (3, 1)];
        let told = told.map(|(cost, bound)| gap(cost, bound).expect("above something"));
        assert_eq!(told, ["0.01", "0.01", "0.1", "0.2", "200.0"]);
        assert_eq!(gap(6_782_240, 6_781_040).as_deref(), Some("0.02"));
    }

    #[test]
    fn a_difference_to_karpenter_is_rounded_to_the_nearest() {
        let told = |cost, karpenter| against_karpenter(dollars(cost), dollars(karpenter));
        assert_eq!(told(10.0, 11.04), "Karpenter's rule: $11.04/h (+10.4 %)");
        assert_eq!(told(1_000.0, 1_000.001), "Karpenter's rule: $1,000.00/h (+0.01 %)");
        assert_eq!(told(10.0, 10.0), "Karpenter's rule costs the same");
        assert_eq!(told(10.0, 7.5), "Karpenter's rule: $7.50/h (-25.0 %)", "it left pods without a place");
        assert_eq!(told(10.0, 0.0), "Karpenter's rule: $0.00/h (-100.0 %)");
    }

    #[test]
    fn small_prices_have_more_digits() {
        assert_eq!(
            [0.0416, 0.0, 1.0, 6782.24].map(|d| hourly(dollars(d))),
            ["$0.0416/h", "$0.00/h", "$1.00/h", "$6,782.24/h"]
        );
    }

    #[test]
    fn where_nothing_is_bought_there_is_nothing_to_compare_unless_karpenter_would_buy() {
        assert_eq!(said(&plan(0.0, 0.0, 0.0, &[])), "");
        assert_eq!(said(&plan(0.0, 0.0, 0.5, &[])), "\n$0.00/h, the cheapest possible; Karpenter's rule: $0.5000/h\n");
        assert_eq!(data(&plan(0.0, 0.0, 0.5, &[]))["gap"], json!(0.0));
    }

    #[test]
    fn a_bound_of_nothing_proves_nothing() {
        let plan = plan(2.0, 0.0, 2.0, &[LeftOut::Preferences]);
        let expected = "\n$2.00/h, with no proof of how cheap it could be; Karpenter's rule costs the same\n\
                        The proof leaves out what pods would rather have.\n";
        assert_eq!(said(&plan), expected);
        assert_eq!(data(&plan)["gap"], json!(null));
    }

    #[test]
    fn a_policy_without_a_certificate_says_so() {
        let bought = Plan { certificate: None, ..plan(2.0, 1.0, 3.0, &[]) };
        assert_eq!(said(&bought), "\nPolicy cost gives no proof of how cheap it could be.\n");
        assert_eq!(said(&Plan::default()), "");
        assert_eq!(data(&bought), json!(null));
    }
}
