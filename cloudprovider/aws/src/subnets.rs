//! Subnets: which of a class's subnets a launch uses in each zone, with the addresses counted that machines on their way
//! will take (spec aws-provider 5.4), and in which order a class's status lists them (1.6).

use dovetail_api::ec2_node_class::Subnet;
use std::collections::BTreeMap;

/// A subnet as EC2 describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundSubnet {
    /// Its id.
    pub id: String,
    /// Its zone, such as `us-west-2a`.
    pub zone: String,
    /// The id of its zone.
    pub zone_id: Option<String>,
    /// How many addresses it has left.
    pub free_addresses: i64,
}

/// The subnets as the class's status lists them: the one with the most free addresses first, then by id, each once.
#[must_use]
pub fn for_status(found: &[FoundSubnet]) -> Vec<Subnet> {
    let by_id: BTreeMap<&str, &FoundSubnet> = found.iter().map(|subnet| (subnet.id.as_str(), subnet)).collect();
    let mut subnets: Vec<&FoundSubnet> = by_id.into_values().collect();
    subnets.sort_by_key(|subnet| (-subnet.free_addresses, &subnet.id));
    let written = |s: &FoundSubnet| Subnet { id: s.id.clone(), zone: s.zone.clone(), zone_id: s.zone_id.clone() };
    subnets.into_iter().map(written).collect()
}

/// How many addresses subnets have left, as EC2 last said, less what has been launched since.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    known: BTreeMap<String, Known>,
    in_flight: BTreeMap<String, i64>,
    /// Counts what EC2 said, so that a reservation can tell whether it was made before.
    read: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    free: i64,
    read: u64,
}

/// Addresses that a launch has set aside, to be given back for subnets that it did not use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    taken: BTreeMap<String, i64>,
    read: u64,
}

impl Addresses {
    /// EC2 said how many addresses subnets have: estimates of what is on its way to them are forgotten, since the machines
    /// that are there are counted now.
    pub fn read<'a>(&mut self, subnets: impl IntoIterator<Item = &'a FoundSubnet>) {
        self.read += 1;
        for subnet in subnets {
            self.known.insert(subnet.id.clone(), Known { free: subnet.free_addresses, read: self.read });
            self.in_flight.remove(&subnet.id);
        }
    }

    /// EC2 refused the subnet for want of addresses.
    pub fn exhausted(&mut self, subnet: &str) {
        self.known.insert(subnet.to_owned(), Known { free: 0, read: self.read });
        self.in_flight.remove(subnet);
    }

    /// How many addresses the subnet has left, as far as is known; zero if nothing is.
    fn left(&self, subnet: &str) -> i64 {
        let known = || self.known.get(subnet).map_or(0, |known| known.free);
        self.in_flight.get(subnet).copied().unwrap_or_else(known)
    }

    /// For each zone the subnet with the most addresses left; of equal ones the first of the status. A subnet that EC2 has
    /// said is empty is no choice, and a zone of such has none.
    #[must_use]
    pub fn choose<'a>(&self, subnets: &'a [Subnet]) -> BTreeMap<&'a str, &'a Subnet> {
        let mut chosen: BTreeMap<&str, &Subnet> = BTreeMap::new();
        let empty = |subnet: &Subnet| self.known.get(&subnet.id).is_some_and(|known| known.free <= 0);
        for subnet in subnets.iter().filter(|subnet| !empty(subnet)) {
            let best = chosen.entry(&subnet.zone).or_insert(subnet);
            if self.left(&subnet.id) > self.left(&best.id) {
                *best = subnet;
            }
        }
        chosen
    }

    /// Sets aside the addresses that a machine in each of the subnets may take: `pods` of the smallest type that may be
    /// launched there.
    #[must_use]
    pub fn set_aside<'a>(&mut self, subnets: impl IntoIterator<Item = (&'a str, i64)>) -> SetAside {
        let mut aside = SetAside { taken: BTreeMap::new(), read: self.read };
        for (subnet, pods) in subnets {
            let left = self.left(subnet) - pods;
            self.in_flight.insert(subnet.to_owned(), left);
            aside.taken.insert(subnet.to_owned(), pods);
        }
        aside
    }

    /// The launch is over: what was set aside in subnets that it did not use is free again, unless EC2 has spoken since.
    pub fn settle(&mut self, aside: &SetAside, used: &[&str]) {
        for (subnet, pods) in &aside.taken {
            let spoken = self.known.get(subnet).is_some_and(|known| known.read > aside.read);
            if spoken || used.contains(&subnet.as_str()) {
                continue;
            }
            if let Some(left) = self.in_flight.get_mut(subnet) {
                *left += pods;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, zone: &str, free: i64) -> FoundSubnet {
        FoundSubnet { id: id.to_owned(), zone: zone.to_owned(), zone_id: None, free_addresses: free }
    }

    fn known(subnets: &[FoundSubnet]) -> (Addresses, Vec<Subnet>) {
        let mut addresses = Addresses::default();
        addresses.read(subnets);
        (addresses, for_status(subnets))
    }

    fn choice(addresses: &Addresses, subnets: &[Subnet]) -> Vec<String> {
        addresses.choose(subnets).into_values().map(|subnet| subnet.id.clone()).collect()
    }

    #[test]
    fn a_status_lists_the_roomiest_subnet_first_and_each_once() {
        let subnets = [found("c", "z", 5), found("b", "z", 9), found("a", "z", 5), found("b", "z", 9)];
        let ids: Vec<_> = for_status(&subnets).into_iter().map(|subnet| subnet.id).collect();
        assert_eq!(ids, ["b", "a", "c"]);
    }

    #[test]
    fn every_zone_uses_its_roomiest_subnet() {
        let (addresses, subnets) = known(&[found("a1", "a", 10), found("a2", "a", 20), found("b1", "b", 1)]);
        assert_eq!(choice(&addresses, &subnets), ["a2", "b1"]);
    }

    #[test]
    fn machines_on_their_way_take_addresses() {
        let (mut addresses, subnets) = known(&[found("a1", "a", 20), found("a2", "a", 15)]);
        let aside = addresses.set_aside([("a1", 10)]);
        assert_eq!(choice(&addresses, &subnets), ["a2"]);
        addresses.settle(&aside, &["a1"]);
        assert_eq!(choice(&addresses, &subnets), ["a2"], "the machine went there");
        addresses.settle(&aside, &[]);
        assert_eq!(choice(&addresses, &subnets), ["a1"], "it went nowhere");
    }

    #[test]
    fn what_ec2_says_counts_over_every_estimate() {
        let (mut addresses, subnets) = known(&[found("a1", "a", 20), found("a2", "a", 15)]);
        let aside = addresses.set_aside([("a1", 10)]);
        addresses.read(&[found("a1", "a", 16)]);
        assert_eq!(choice(&addresses, &subnets), ["a1"]);
        addresses.settle(&aside, &[]);
        assert_eq!(addresses.left("a1"), 16, "nothing is given back twice");
    }

    #[test]
    fn a_subnet_that_is_known_to_be_empty_is_no_choice() {
        let (mut addresses, subnets) = known(&[found("a1", "a", 20), found("a2", "a", 15), found("b1", "b", 0)]);
        addresses.exhausted("a1");
        assert_eq!(choice(&addresses, &subnets), ["a2"]);
        let unknown = [Subnet { id: "x".to_owned(), zone: "x".to_owned(), zone_id: None }];
        assert_eq!(choice(&addresses, &unknown), ["x"], "one that nobody knows about may be tried");
    }
}
