//! The themes: which rules a scenario is about. The first fourteen are those of the corpus, the others combine rules that
//! meet in real clusters and in no scenario of the corpus.

use super::draft::{Draft, Scenario};

mod combined;
mod corpus;

/// What a scenario is about.
#[derive(Clone, Copy)]
pub struct Theme {
    /// Its name, as on the command line.
    pub name: &'static str,
    /// What is in it, in a line.
    pub about: &'static str,
    write: fn(&mut Draft),
}

impl std::fmt::Debug for Theme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Theme {
    /// The scenario of that seed.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        let catalogue = match self.name {
            "reserved" => "reserved.json",
            "large" => "ec2.json",
            "plain" | "mixed" if seed.is_multiple_of(3) => "ec2.json",
            _ => "small.json",
        };
        let mut draft = Draft::new(self.name, seed, catalogue);
        (self.write)(&mut draft);
        draft.scenario
    }
}

const fn theme(name: &'static str, about: &'static str, write: fn(&mut Draft)) -> Theme {
    Theme { name, about, write }
}

/// Every theme.
pub const THEMES: &[Theme] = &[
    theme("plain", "pods that want nothing but room", corpus::plain),
    theme("selectors", "node selectors and node affinity", corpus::selectors),
    theme("taints", "tainted pools and pods that tolerate", corpus::taints),
    theme("spread", "topology spread over zones, hosts and capacity types", corpus::spread),
    theme("affinity", "pods near to and away from each other", corpus::affinity),
    theme("ports", "host ports", corpus::ports),
    theme("volumes", "bound and unbound claims", corpus::volumes),
    theme("daemonsets", "DaemonSets for some nodes", corpus::daemon_sets),
    theme("existing", "nodes with room and pods", corpus::existing),
    theme("pools", "weights, limits and minimum values", corpus::pools),
    theme("preferences", "wishes", corpus::preferences),
    theme("reserved", "capacity reservations", corpus::reserved),
    theme("mixed", "a little of everything", corpus::mixed),
    theme("large", "the same with 820 types", corpus::mixed),
    theme("neighbours", "wishes about other pods, several for a pod", combined::neighbours),
    theme("namespaces", "affinity that looks into other namespaces", combined::namespaces),
    theme("revisions", "matchLabelKeys and mismatchLabelKeys", combined::revisions),
    theme("node-policies", "which nodes a spread counts", combined::node_policies),
    theme("min-domains", "minDomains, with and without enough domains", combined::min_domains),
    theme("capacity-spread", "hard spread over capacity types and architectures", combined::capacity_spread),
    theme("volume-spread", "claims, spread, and nodes with few volumes to attach", combined::volume_spread),
    theme("daemon-ports", "host ports that DaemonSets take on some nodes", combined::daemon_ports),
    theme("leaving", "nodes that go away, with their pods", combined::leaving),
    theme("starting", "nodes on their way, with startup taints", combined::starting),
    theme("limit-spread", "limits that end in the middle of a spread", combined::limit_spread),
    theme("residents", "running pods that attract, repel and count", combined::residents),
    theme("zonal-repulsion", "anti-affinity over zones", combined::zonal_repulsion),
    theme("containers", "init containers, sidecars, overhead", combined::containers),
    theme("entangled", "several hard rules between pods for each pod", combined::entangled),
    theme("ignore", "wishes that are not looked at", combined::ignore),
    theme("best-effort", "minimum values that may be lowered", combined::best_effort),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_is_a_scenario() {
        for theme in THEMES {
            assert_eq!(theme.scenario(7), theme.scenario(7), "{}", theme.name);
            let different: BTreeSet<String> = (0..20).map(|seed| theme.scenario(seed).text()).collect();
            assert_eq!(different.len(), 20, "{}", theme.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = THEMES.iter().map(|t| t.name).collect();
        assert_eq!(names.len(), THEMES.len());
    }
}
