//! The workloads of the targets, as files and arguments for `dovetail bench pack`: the pods of openb in several clusters,
//! pods of the sizes of Karpenter's benchmark, and very many small pods. Made up pods are always the same. What is measured
//! on them is not known here.

use super::PackingError;
use crate::corpus::{self, Workshop};
use fastrand::Rng;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A pod as the trace has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    cpu_milli: u64,
    memory_mib: u64,
    gpus: u64,
}

/// Where workloads are made.
pub(super) struct Workloads<'w> {
    workshop: &'w Workshop,
    openb: Vec<Row>,
}

impl<'w> Workloads<'w> {
    /// Reads the pods of openb, which are in the repository.
    pub(super) fn new(workshop: &'w Workshop) -> Result<Self, PackingError> {
        let file = corpus::home().join("../../benches/data/openb-pods.csv.gz");
        let bad = |why: String| PackingError::Data { file: file.clone(), why };
        let mut text = String::new();
        let packed = File::open(&file).map_err(|e| bad(e.to_string()))?;
        GzDecoder::new(packed).read_to_string(&mut text).map_err(|e| bad(e.to_string()))?;
        let openb = text.lines().skip(1).map(|line| row(line).ok_or_else(|| bad(format!("{line:?} is no pod"))));
        Ok(Self { workshop, openb: openb.collect::<Result<_, _>>()? })
    }

    /// The inputs of a workload and the flags that say what can be bought for it; nothing for one that is unknown.
    pub(super) fn arguments(&self, name: &str) -> Result<Vec<String>, PackingError> {
        let everything = |_: &&Row| true;
        Ok(match name {
            "openb, one pool" => {
                self.trace("openb-one-pool", self.openb.iter().filter(everything), &one_pool(), Some("ec2.json"))?
            }
            "openb, random 50 pods" | "openb, random 200 pods" => {
                let pods = if name.contains("200") { "200" } else { "50" };
                let file = format!("openb-random-{pods}");
                let mut arguments =
                    self.trace(&file, self.openb.iter().filter(everything), &one_pool(), Some("ec2.json"))?;
                arguments.extend(["--draw", pods, "--draws", "50"].map(str::to_owned));
                arguments
            }
            "openb, CPU and GPU pools apart" => vec![shown(&self.apart()?)],
            "openb, CPU only" => {
                self.trace("openb-cpu", self.openb.iter().filter(|r| r.gpus == 0), &cpu_pool(), None)?
            }
            "openb, GPU on g4dn" => {
                self.trace("openb-gpu", self.openb.iter().filter(|r| r.gpus > 0), &gpu_pool(false), None)?
            }
            "Karpenter's pods, 2,000" => self.trace("karpenter-2000", karpenters(2_000).iter(), &cpu_pool(), None)?,
            "Karpenter's pods, 5,000" => self.trace("karpenter-5000", karpenters(5_000).iter(), &cpu_pool(), None)?,
            "20,000 small pods" => self.trace("small-20000", small(20_000).iter(), &cpu_pool(), None)?,
            "100,000 small pods" => self.trace("small-100000", small(100_000).iter(), &cpu_pool(), None)?,
            "planted, 500 pods" => {
                let pools = self.put("planted.pools.yaml", &cpu_pool())?;
                vec!["planted:500@1-20".to_owned(), "--pools".to_owned(), shown(&pools)]
            }
            "triplets, 60 to 498 items" => {
                ["60x3@1-4", "120x4@1-4", "249x5@1-4", "498x6@1-4"].map(|t| format!("triplets:{t}")).to_vec()
            }
            _ => vec![],
        })
    }

    /// A trace of these pods, and the flags to buy for it from this pool.
    fn trace<'r>(
        &self,
        name: &str,
        rows: impl Iterator<Item = &'r Row>,
        pool: &str,
        catalogue: Option<&str>,
    ) -> Result<Vec<String>, PackingError> {
        let mut text = "name,cpu_milli,memory_mib,num_gpu\n".to_owned();
        for Row { name, cpu_milli, memory_mib, gpus } in rows {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name},{cpu_milli},{memory_mib},{gpus}");
        }
        let file = self.put(&format!("{name}.csv"), &text)?;
        let pools = self.put(&format!("{name}.pools.yaml"), pool)?;
        let mut arguments = vec![shown(&file), "--pools".to_owned(), shown(&pools)];
        if let Some(catalogue) = catalogue {
            arguments.extend(["--catalog".to_owned(), shown(&self.workshop.catalogue(catalogue))]);
        }
        Ok(arguments)
    }

    /// A scenario of two pools, of which the one with GPUs keeps pods without them away.
    fn apart(&self) -> Result<PathBuf, PackingError> {
        let mut text = format!("{}---\n{}", cpu_pool(), gpu_pool(true));
        for (number, row) in self.openb.iter().enumerate() {
            let _ = write!(text, "---\n{}\n", pod(number, row));
        }
        self.put("openb-apart.yaml", &text)
    }

    fn put(&self, name: &str, text: &str) -> Result<PathBuf, PackingError> {
        Ok(self.workshop.put(name, text)?)
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn row(line: &str) -> Option<Row> {
    let mut fields = line.split(',');
    let name = fields.next()?.to_owned();
    let mut number = || fields.next()?.parse().ok();
    Some(Row { name, cpu_milli: number()?, memory_mib: number()?, gpus: number()? })
}

/// A pod of the trace that puts up with GPU nodes if it wants GPUs.
fn pod(number: usize, row: &Row) -> Value {
    let mut requests = json!({"cpu": format!("{}m", row.cpu_milli), "memory": format!("{}Mi", row.memory_mib)});
    let mut tolerations = json!([]);
    if row.gpus > 0 {
        requests["nvidia.com/gpu"] = row.gpus.to_string().into();
        tolerations = json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]);
    }
    let metadata =
        json!({"name": row.name, "namespace": "default", "uid": format!("10000000-0000-0000-0000-{number:012}")});
    let limits = json!({"nvidia.com/gpu": row.gpus.to_string()});
    let resources =
        if row.gpus > 0 { json!({"requests": requests, "limits": limits}) } else { json!({"requests": requests}) };
    let container = json!({"name": "main", "image": "app", "resources": resources});
    let spec = json!({"containers": [container], "tolerations": tolerations});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

const CPUS: [u64; 5] = [100, 250, 500, 1000, 1500];
const MEMORIES: [u64; 6] = [100, 256, 512, 1024, 2048, 4096];

/// Pods of the sizes of Karpenter's benchmark, 30 classes, without its rules.
fn karpenters(count: usize) -> Vec<Row> {
    let mut rng = Rng::with_seed(42);
    let pod = |number| {
        let (cpu, memory) = (CPUS[rng.usize(0..CPUS.len())], MEMORIES[rng.usize(0..MEMORIES.len())]);
        Row { name: format!("pod-{number}"), cpu_milli: cpu, memory_mib: memory, gpus: 0 }
    };
    (0..count).map(pod).collect()
}

/// Small pods of 300 different sizes.
fn small(count: usize) -> Vec<Row> {
    let mut rng = Rng::with_seed(42);
    let mut sizes = std::collections::BTreeSet::new();
    while sizes.len() < 300 {
        sizes.insert((rng.u64(5..=100) * 10, rng.u64(2..=128) * 32));
    }
    let sizes: Vec<(u64, u64)> = sizes.into_iter().collect();
    let pod = |number| {
        let (cpu_milli, memory_mib) = sizes[rng.usize(0..sizes.len())];
        Row { name: format!("pod-{number}"), cpu_milli, memory_mib, gpus: 0 }
    };
    (0..count).map(pod).collect()
}

const AWS: &str = "karpenter.k8s.aws";

/// Any type of the catalogue with four CPUs or more, on demand.
fn one_pool() -> String {
    let size = json!({"key": format!("{AWS}/instance-cpu"), "operator": "Gt", "values": ["3"]});
    pool("default", "karpenter.kwok.sh", "KWOKNodeClass", &[size], &json!([]))
}

/// The families c, m and r of the third generation or later, 4 to 96 CPUs.
fn cpu_pool() -> String {
    let more = [
        json!({"key": format!("{AWS}/instance-category"), "operator": "In", "values": ["c", "m", "r"]}),
        json!({"key": format!("{AWS}/instance-generation"), "operator": "Gt", "values": ["2"]}),
        json!({"key": format!("{AWS}/instance-cpu"), "operator": "Gt", "values": ["3"]}),
        json!({"key": format!("{AWS}/instance-cpu"), "operator": "Lt", "values": ["97"]}),
    ];
    pool("cpu", AWS, "EC2NodeClass", &more, &json!([]))
}

/// The family g4dn, for pods that want GPUs and perhaps for them only.
fn gpu_pool(keeps_others_away: bool) -> String {
    let family = json!({"key": format!("{AWS}/instance-family"), "operator": "In", "values": ["g4dn"]});
    let taint = json!([{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}]);
    pool("gpu", AWS, "EC2NodeClass", &[family], &if keeps_others_away { taint } else { json!([]) })
}

fn pool(name: &str, group: &str, kind: &str, more: &[Value], taints: &Value) -> String {
    let mut requirements = vec![
        json!({"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}),
        json!({"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}),
    ];
    requirements.extend_from_slice(more);
    let class = json!({"group": group, "kind": kind, "name": "default"});
    let spec = json!({"nodeClassRef": class, "requirements": requirements, "taints": taints});
    let pool = json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
                      "spec": {"template": {"spec": spec}}});
    format!("{pool}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_pods_are_always_the_same_and_have_as_many_sizes_as_they_should() {
        let sizes = |rows: &[Row]| {
            rows.iter().map(|r| (r.cpu_milli, r.memory_mib)).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!((sizes(&karpenters(2_000)), sizes(&small(20_000))), (30, 300));
        assert_eq!(small(50), small(50));
    }

    #[test]
    fn rows_are_read_and_nothing_else() {
        let pod = Row { name: "a".into(), cpu_milli: 1, memory_mib: 2, gpus: 3 };
        assert_eq!(row("a,1,2,3"), Some(pod));
        assert_eq!(row("a,1,x,3"), None);
        assert_eq!(row("a,1"), None);
    }
}
