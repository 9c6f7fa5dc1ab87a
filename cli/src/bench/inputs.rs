//! What the command line names, as instances: traces, scenarios, files of vector packing, folders of them, and wishes for
//! generated ones. An input that cannot be used does not stop the others. What is measured on them is not known here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dovetail_engine::objects::Objects;
use dovetail_engine::provisioning::Round;
use dovetail_packing::instance::{Instance, Kind};
use dovetail_packing::planted::PlantError;
use dovetail_packing::vector::VectorPacking;
use dovetail_packing::vector::read::{self, FormatError};
use dovetail_packing::wish::{self, Wish};
use dovetail_scheduler::problem::{Pod, Problem};
use walkdir::WalkDir;

use super::errors::BenchError;
use crate::commands::CommandError;
use crate::commands::cluster::{ClusterArgs, Market};
use crate::input::{self, Input, Row, Trace, gzip};

/// What there is to measure on.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The instances, in the order of the command line.
    pub(crate) instances: Vec<Instance>,
    /// The inputs that were left out.
    pub(crate) errors: Vec<BenchError>,
    /// What most likely is not as it was meant, with the instance's name.
    pub(crate) warnings: Vec<String>,
    /// What a person should know about how inputs were read, with the instance's name.
    pub(crate) notes: Vec<String>,
}

/// The kinds of files, as the ends of their names tell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Trace,
    Bins,
    KindsOfBins,
    Scenario,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "csv" => Some(Self::Trace),
            "vbp" => Some(Self::Bins),
            "mvp" => Some(Self::KindsOfBins),
            "yaml" | "yml" | "json" => Some(Self::Scenario),
            _ => None,
        }
    }
}

/// Reads inputs.
pub(crate) struct Reader<'a> {
    cluster: &'a ClusterArgs,
    /// Files with the NodePools of traces and planted instances.
    pools: &'a [PathBuf],
    /// The catalogue, once something needs it.
    market: Option<Market>,
    inputs: Inputs,
    /// Where each instance comes from, in case that names are not enough to tell them apart.
    sources: Vec<Option<PathBuf>>,
}

impl<'a> Reader<'a> {
    /// Someone who will read inputs against this catalogue, with NodePools for those that bring none.
    pub(crate) fn new(cluster: &'a ClusterArgs, pools: &'a [PathBuf]) -> Self {
        Self { cluster, pools, market: None, inputs: Inputs::default(), sources: vec![] }
    }

    /// Reads everything that is named.
    pub(crate) fn read(mut self, named: &[String]) -> Inputs {
        for text in named {
            let path = Path::new(text);
            let wishes = if path.exists() { None } else { wish::parse(text) };
            let read = match wishes {
                Some(Ok(wishes)) => wishes.into_iter().try_for_each(|wish| self.make(text, wish)),
                Some(Err(why)) => Err(BenchError::Wish { text: text.clone(), why }),
                None if path.is_dir() => self.folder(path),
                None => self.file(path),
            };
            self.inputs.errors.extend(read.err());
        }
        self.tell_apart();
        self.inputs
    }

    fn make(&mut self, text: &str, wish: Wish) -> Result<(), BenchError> {
        let instance = match wish {
            Wish::Triplets(triplets) => triplets.instance(),
            Wish::Planted(wish) => {
                let market = self.empty_cluster()?;
                let bad = |why: PlantError| BenchError::Plant { text: text.to_owned(), why };
                wish.plant(&market).map_err(bad)?.instance
            }
        };
        self.add(instance, None);
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> Result<(), BenchError> {
        let visible =
            |entry: &walkdir::DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
        let mut any = false;
        for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(visible) {
            let path = match entry {
                Ok(entry) if entry.file_type().is_file() => entry.into_path(),
                Ok(_) => continue,
                Err(error) => {
                    let file = error.path().unwrap_or(folder).to_owned();
                    self.inputs.errors.push(BenchError::Unreadable { file, why: error.to_string() });
                    continue;
                }
            };
            // JSON that merely lies there is as likely a catalogue as a scenario.
            let is_json = || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
            if Format::of(&path).is_some() && !is_json() {
                any = true;
                let read = self.file(&path);
                self.inputs.errors.extend(read.err());
            }
        }
        if any { Ok(()) } else { Err(BenchError::EmptyFolder { folder: folder.to_owned() }) }
    }

    fn file(&mut self, path: &Path) -> Result<(), BenchError> {
        let unreadable = |why: String| BenchError::Unreadable { file: path.to_owned(), why };
        let name = name_of(path);
        let instance = match Format::of(path) {
            None if path.exists() => return Err(BenchError::UnknownKind { file: path.to_owned() }),
            None => return Err(unreadable("there is no such file: check its path".to_owned())),
            Some(Format::Bins) => packing(path, read::vbp)?.into_instance(name),
            Some(Format::KindsOfBins) => packing(path, read::mvp)?.into_instance(name),
            Some(Format::Trace) => {
                let trace = input::read_trace(path).map_err(|e| CommandError::Input(vec![e]))?;
                let mut input = self.input(self.pools)?;
                input.notes.extend(trace.notes.iter().cloned());
                self.with_pools(&mut input);
                self.trace_instance(name, input, &trace)?
            }
            Some(Format::Scenario) => {
                let input = self.input(&[path.to_owned()])?;
                self.cluster_instance(name, &input)?
            }
        };
        self.add(instance, Some(path.to_owned()));
        Ok(())
    }

    /// The NodePools that instances are planted with, as a problem without pods.
    fn empty_cluster(&mut self) -> Result<Problem, BenchError> {
        let mut input = self.input(self.pools)?;
        let pools = Objects {
            node_pools: std::mem::take(&mut input.objects.node_pools),
            ec2_node_classes: std::mem::take(&mut input.objects.ec2_node_classes),
            kwok_node_classes: std::mem::take(&mut input.objects.kwok_node_classes),
            node_overlays: std::mem::take(&mut input.objects.node_overlays),
            ..Objects::default()
        };
        input.objects = pools;
        self.with_pools(&mut input);
        let round = self.round(&input)?;
        Ok(round.problem)
    }

    fn input(&self, files: &[PathBuf]) -> Result<Input, BenchError> {
        let environment = |name: &str| std::env::var(name).ok();
        Ok(input::read(files, &environment).map_err(CommandError::Input)?)
    }

    fn with_pools(&self, input: &mut Input) {
        if input.objects.node_pools.is_empty() && input.refused.is_empty() {
            self.cluster.add_default_pools(input);
        }
    }

    fn round(&mut self, input: &Input) -> Result<Round, BenchError> {
        let market = match self.market.take() {
            Some(market) => market,
            None => self.cluster.market()?,
        };
        let round = market.round(input);
        self.market = Some(market);
        Ok(round?)
    }

    fn cluster_instance(&mut self, name: String, input: &Input) -> Result<Instance, BenchError> {
        let round = self.round(input)?;
        let about = |text: &str| format!("{name}: {text}");
        let not_ready = round.not_ready.iter().map(|(pool, why)| format!("NodePool {pool} is not ready: {why}"));
        let rejected = (!round.rejected.is_empty())
            .then(|| format!("{} pod(s) cannot take part, as dovetail plan tells", round.rejected.len()));
        let warnings = input.refused.iter().chain(&input.warnings).cloned().chain(not_ready).chain(rejected);
        self.inputs.warnings.extend(warnings.map(|w| about(&w)));
        self.inputs.notes.extend(input.notes.iter().chain(&round.notes).map(|n| about(n)));
        Ok(Instance { name, problem: round.problem, kind: Kind::Cluster, optimum: None })
    }

    /// The instance of a trace: one pod of each size is read as any pod is, and the others are its like. A hundred thousand
    /// pods as objects would take more memory than any policy.
    fn trace_instance(&mut self, name: String, mut input: Input, trace: &Trace) -> Result<Instance, BenchError> {
        let mut order: Vec<usize> = (0..trace.rows.len()).collect();
        // As the engine orders pods, so that classes get the same numbers as if it had read them all.
        order.sort_by_cached_key(|row| (trace.rows[*row].name.clone(), *row));
        let mut first: HashMap<(u64, u64, u64), usize> = HashMap::new();
        for row in order {
            first.entry(trace.rows[row].size()).or_insert(row);
        }
        input.objects.pods.extend(first.values().map(|row| trace.rows[*row].pod(*row)));
        let mut instance = self.cluster_instance(name, &input)?;
        let pods = &mut instance.problem.pods;
        let uids: HashMap<String, (u64, u64, u64)> =
            first.into_iter().map(|(size, row)| (Row::uid(row), size)).collect();
        let mut class_of: HashMap<(u64, u64, u64), usize> = HashMap::new();
        // Pods that are not of the trace stay as they are.
        pods.retain(|pod| match uids.get(&*pod.uid) {
            Some(size) => {
                class_of.insert(*size, pod.class);
                false
            }
            None => true,
        });
        for (number, row) in trace.rows.iter().enumerate() {
            // A size without a class was refused, which has been told.
            if let Some(class) = class_of.get(&row.size()) {
                let name = format!("default/{}", row.name).into();
                pods.push(Pod { name, uid: Row::uid(number).into(), created: 0, class: *class });
            }
        }
        pods.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.uid.cmp(&b.uid)));
        Ok(instance)
    }

    fn add(&mut self, instance: Instance, source: Option<PathBuf>) {
        self.inputs.instances.push(instance);
        self.sources.push(source);
    }

    /// Gives files of the same name in different folders, and whatever is named twice, names that differ.
    fn tell_apart(&mut self) {
        let count = |instances: &[Instance]| {
            let mut count: HashMap<String, usize> = HashMap::new();
            instances.iter().for_each(|i| *count.entry(i.name.clone()).or_default() += 1);
            count
        };
        let known = count(&self.inputs.instances);
        for (instance, source) in self.inputs.instances.iter_mut().zip(&self.sources) {
            if let Some(path) = source.as_ref().filter(|_| known.get(&instance.name).is_some_and(|n| *n > 1)) {
                instance.name = path.with_file_name(&instance.name).display().to_string();
            }
        }
        let mut seen: HashMap<String, usize> = HashMap::new();
        for instance in &mut self.inputs.instances {
            let times = seen.entry(instance.name.clone()).or_default();
            *times += 1;
            if *times > 1 {
                instance.name = format!("{} ({times})", instance.name);
            }
        }
    }
}

fn packing(
    path: &Path,
    read: impl FnOnce(&str) -> Result<VectorPacking, FormatError>,
) -> Result<VectorPacking, BenchError> {
    let unreadable = |why: String| BenchError::Unreadable { file: path.to_owned(), why };
    let bytes = std::fs::read(path).and_then(gzip::unpack).map_err(|e| unreadable(e.to_string()))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| unreadable(format!("byte {} is not UTF-8: is this the file?", e.utf8_error().valid_up_to())))?;
    read(&text).map_err(|why| BenchError::Format { file: path.to_owned(), why })
}

/// The name of a file without what its end says about its form.
fn name_of(path: &Path) -> String {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_tells_the_format_and_the_rest_is_the_instance() {
        for (file, format, name) in [
            ("a/openb.csv.gz", Some(Format::Trace), "openb"),
            ("class1_60.3.VBP", Some(Format::Bins), "class1_60.3"),
            ("x.mvp", Some(Format::KindsOfBins), "x"),
            ("x.yaml.gz", Some(Format::Scenario), "x"),
            ("notes.txt", None, "notes"),
            ("Makefile", None, "Makefile"),
        ] {
            assert_eq!((Format::of(Path::new(file)), name_of(Path::new(file)).as_str()), (format, name), "{file}");
        }
    }

    #[test]
    fn a_trace_becomes_the_problem_that_all_its_pods_would_make() {
        #[derive(Debug, clap::Parser)]
        #[command(no_binary_name = true)]
        struct Line {
            #[command(flatten)]
            cluster: ClusterArgs,
        }
        // Given pods of few sizes in no order, two of one name, and one in the pools' file.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (file, pools) = (folder.path().join("t.csv"), folder.path().join("pools.yaml"));
        let rows = ["d,900,64,0", "b,100,64,0", "a,900,64,0", "b,900,64,0", "e,500,128,1", "c,100,64,0"];
        std::fs::write(&file, format!("name,cpu_milli,memory_mib,num_gpu\n{}\n", rows.join("\n"))).expect("a file");
        let other = "apiVersion: v1\nkind: Pod\nmetadata: {name: bb, uid: u}\nspec:\n  containers:\n  - {name: main, image: \
                     app, resources: {requests: {cpu: 100m, memory: 64Mi}}}\n";
        std::fs::write(&pools, other).expect("a file");
        let line: Line = clap::Parser::try_parse_from(Vec::<String>::new()).expect("no flags");
        let files = [pools];
        let read = Reader::new(&line.cluster, &files).read(&[file.display().to_string()]);
        assert!(read.errors.is_empty(), "{:?}", read.errors);
        // When every pod is read as an object instead
        let mut reader = Reader::new(&line.cluster, &files);
        let mut input = reader.input(&files).expect("a pod");
        input.add_trace(input::read_trace(&file).expect("a trace"));
        reader.with_pools(&mut input);
        let whole = reader.round(&input).expect("a round").problem;
        // Then the problem is the same.
        let problem = &read.instances[0].problem;
        assert_eq!((&problem.pods, &problem.classes), (&whole.pods, &whole.classes));
        assert_eq!((problem.pods.len(), problem.classes.len()), (7, 3));
    }
}
