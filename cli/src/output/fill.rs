//! What fills a node beside CPU and memory, as one narrow column of a table: GPUs and other extended resources where pods
//! ask for them, and the number of pods or the disk where it is that which makes a node full. What a resource is for is
//! not known here.

use std::collections::BTreeSet;

use dovetail_scheduler::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, Resources};

/// From here on a node may be called full of something, in hundredths of its room.
const NOTEWORTHY: i64 = 50;

/// Header and cells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The resource if there is only one, `OTHER` if there are more.
    pub(crate) header: String,
    /// A cell for each row.
    pub(crate) cells: Vec<String>,
    /// Whether the cells are numbers alone.
    pub(crate) is_number: bool,
}

/// The column for rows of which each is requests and room, both of the same nodes. None if there is nothing to tell.
pub(crate) fn column(rows: &[(&Resources, &Resources)]) -> Option<Column> {
    let told: Vec<Vec<&str>> = rows.iter().map(|(requests, room)| noteworthy(requests, room)).collect();
    let all: BTreeSet<&str> = told.iter().flatten().copied().collect();
    let is_number = all.len() == 1;
    let header = match all.iter().next()? {
        only if is_number => short(only, &all).to_uppercase(),
        _ => "OTHER".to_owned(),
    };
    let cell = |(names, (requests, room)): (&Vec<&str>, &(&Resources, &Resources))| {
        let parts: Vec<String> = names
            .iter()
            .map(|name| {
                let share = percent(name, requests, room);
                if is_number { share } else { format!("{} {share}", short(name, &all)) }
            })
            .collect();
        if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
    };
    Some(Column { header, cells: told.iter().zip(rows).map(cell).collect(), is_number })
}

/// How much of the room is asked for, in per cent.
pub(crate) fn percent(resource: &str, requests: &Resources, room: &Resources) -> String {
    share(resource, requests, room).map_or_else(|| "-".to_owned(), |share| format!("{share}%"))
}

/// Hundredths, rounded; none where there is no room at all.
fn share(resource: &str, requests: &Resources, room: &Resources) -> Option<i64> {
    let (asked, room) = (i128::from(requests.get(resource)), i128::from(room.get(resource)));
    if room <= 0 { None } else { i64::try_from((asked * 200 + room) / (room * 2)).ok() }
}

fn noteworthy<'r>(requests: &'r Resources, room: &Resources) -> Vec<&'r str> {
    let share = |name: &str| share(name, requests, room).unwrap_or(0);
    let usual = share(CPU).max(share(MEMORY));
    let asked = requests.iter().filter(|(name, amount)| *amount > 0 && ![CPU, MEMORY].contains(&name.as_ref()));
    let told = asked.map(|(name, _)| name.as_ref()).filter(|name| {
        let is_extended = name.contains('/') || name.starts_with("hugepages-");
        is_extended || share(name) >= NOTEWORTHY.max(usual.saturating_add(1))
    });
    told.collect()
}

/// The last part of a resource's name, as long as that is the only one so called.
fn short<'n>(name: &'n str, all: &BTreeSet<&str>) -> &'n str {
    let last = |name: &'n str| name.rsplit('/').next().unwrap_or(name);
    if name == EPHEMERAL_STORAGE {
        return "disk";
    }
    let is_shared = all.iter().any(|other| *other != name && other.rsplit('/').next() == Some(last(name)));
    if is_shared { name } else { last(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dovetail_scheduler::resources::PODS;

    fn node(amounts: &[(&str, i64)]) -> Resources {
        amounts.iter().map(|(name, amount)| (*name, *amount)).collect()
    }

    fn shown(rows: &[(Resources, Resources)]) -> Option<(String, Vec<String>)> {
        let rows: Vec<_> = rows.iter().map(|(requests, room)| (requests, room)).collect();
        column(&rows).map(|c| (c.header, c.cells))
    }

    fn plain() -> (Resources, Resources) {
        (node(&[(CPU, 900), (MEMORY, 10), (PODS, 3)]), node(&[(CPU, 1000), (MEMORY, 100), (PODS, 10)]))
    }

    #[test]
    fn cpu_and_memory_need_no_further_column() {
        assert_eq!(shown(&[plain()]), None);
        assert_eq!(shown(&[]), None);
    }

    #[test]
    fn a_single_resource_gives_the_column_its_name() {
        let gpu = (node(&[(CPU, 1), ("nvidia.com/gpu", 1)]), node(&[(CPU, 1000), ("nvidia.com/gpu", 4)]));
        assert_eq!(shown(&[plain(), gpu]), Some(("GPU".into(), vec!["-".into(), "25%".into()])));
    }

    #[test]
    fn several_resources_share_a_column_and_keep_apart_if_their_names_end_alike() {
        let room = node(&[(CPU, 1000), ("nvidia.com/gpu", 4), ("vpc.amazonaws.com/efa", 1)]);
        let both = (node(&[("nvidia.com/gpu", 4), ("vpc.amazonaws.com/efa", 1)]), room);
        let cells = vec!["gpu 100%, efa 100%".into()];
        assert_eq!(shown(std::slice::from_ref(&both)), Some(("OTHER".into(), cells)));
        let other = (node(&[("amd.com/gpu", 1)]), node(&[("amd.com/gpu", 2)]));
        let cells = vec!["nvidia.com/gpu 100%, efa 100%".into(), "amd.com/gpu 50%".into()];
        assert_eq!(shown(&[both, other]), Some(("OTHER".into(), cells)));
    }

    #[test]
    fn pods_and_disk_are_told_where_they_are_what_makes_a_node_full() {
        let room = || node(&[(CPU, 1000), (MEMORY, 100), (PODS, 10), (EPHEMERAL_STORAGE, 100)]);
        let crowded = (node(&[(CPU, 100), (PODS, 10)]), room());
        assert_eq!(shown(&[crowded]), Some(("PODS".into(), vec!["100%".into()])));
        let stuffed = (node(&[(CPU, 100), (PODS, 1), (EPHEMERAL_STORAGE, 90)]), room());
        assert_eq!(shown(&[stuffed]), Some(("DISK".into(), vec!["90%".into()])));
        let idle = (node(&[(CPU, 10), (PODS, 1)]), room());
        assert_eq!(shown(&[idle]), None, "a node that is empty in every respect is full of nothing");
    }

    #[test]
    fn shares_are_rounded_and_need_some_room() {
        let percent = |asked, room| percent(CPU, &node(&[(CPU, asked)]), &node(&[(CPU, room)]));
        let shares = [percent(1, 200), percent(994, 1000), percent(2000, 1000), percent(i64::MAX, i64::MAX)];
        assert_eq!(shares, ["1%", "99%", "200%", "100%"]);
        assert_eq!([percent(1, 0), percent(1, -5)], ["-", "-"]);
    }
}
