//! Traces as pods: comma-separated files in the format of openb, Alibaba's trace of a GPU cluster, gzipped or not. Read are
//! the columns `name`, `cpu_milli`, `memory_mib` and `num_gpu`; times do not matter, all pods are there at once.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::errors::InputError;
use super::gzip;

/// The pods of a trace.
#[derive(Debug)]
pub(crate) struct Trace {
    /// In the order of the file.
    pub(crate) rows: Vec<Row>,
    /// What the trace says and the pods do not.
    pub(crate) notes: Vec<String>,
}

/// A row of a trace: a pod in namespace `default`. The pod itself takes much more memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The pod's name.
    pub(crate) name: String,
    cpu_milli: u64,
    memory_mib: u64,
    gpus: u64,
}

impl Row {
    /// What the pod asks for: pods that ask for the same are alike but for their names.
    pub(crate) const fn size(&self) -> (u64, u64, u64) {
        (self.cpu_milli, self.memory_mib, self.gpus)
    }

    /// The UID of the pod of the row with that number: the order of the file decides between pods that are otherwise alike.
    pub(crate) fn uid(number: usize) -> String {
        format!("10000000-0000-0000-0000-{number:012}")
    }

    /// The pod, which stands in the row with that number.
    pub(crate) fn pod(&self, number: usize) -> Pod {
        pod(number, &self.name, self.cpu_milli, self.memory_mib, self.gpus)
    }
}

impl Trace {
    /// Every pod, in the order of the file.
    pub(crate) fn pods(&self) -> impl Iterator<Item = Pod> {
        self.rows.iter().enumerate().map(|(number, row)| row.pod(number))
    }
}

/// Reads the trace in a file.
///
/// # Errors
/// The first thing that cannot be read.
pub(crate) fn read_file(path: &Path) -> Result<Trace, InputError> {
    let file: Arc<str> = path.display().to_string().into();
    let unreadable = |e: std::io::Error| InputError::Unreadable { file: Arc::clone(&file), why: e.to_string() };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let damaged = |e: std::io::Error| InputError::Trace { file: Arc::clone(&file), line: 1, what: e.to_string() };
    read(&file, &gzip::unpack(bytes).map_err(damaged)?)
}

/// Where the columns stand.
struct Columns {
    name: usize,
    cpu: usize,
    memory: usize,
    gpus: usize,
    gpu_milli: Option<usize>,
    gpu_spec: Option<usize>,
}

fn read(file: &Arc<str>, bytes: &[u8]) -> Result<Trace, InputError> {
    let error = |line: u64, what: String| InputError::Trace { file: Arc::clone(file), line, what };
    let bad_csv = |e: csv::Error| error(e.position().map_or(1, csv::Position::line), format!("this is not CSV: {e}"));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = columns(reader.headers().map_err(bad_csv)?).map_err(|what| error(1, what))?;
    let mut trace = Trace { rows: Vec::new(), notes: Vec::new() };
    let (mut sharing, mut choosy, mut namesakes) = (0, 0, 0);
    let mut names = HashSet::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(bad_csv)? {
        let line = record.position().map_or(0, csv::Position::line);
        let number = |column: usize, name: &str| {
            let text = record.get(column).unwrap_or_default();
            text.parse::<u64>().map_err(|_| error(line, format!("{name}: {text:?} is not a whole number of 0 or more")))
        };
        let name = record.get(columns.name).unwrap_or_default();
        if name.is_empty() {
            return Err(error(line, "name: is empty: every pod needs one".to_owned()));
        }
        let (cpu, memory) = (number(columns.cpu, "cpu_milli")?, number(columns.memory, "memory_mib")?);
        let gpus = number(columns.gpus, "num_gpu")?;
        let is_set = |column: Option<usize>| column.and_then(|c| record.get(c)).filter(|text| !text.is_empty());
        sharing += usize::from(gpus > 0 && is_set(columns.gpu_milli).is_some_and(|m| m != "0" && m != "1000"));
        choosy += usize::from(is_set(columns.gpu_spec).is_some());
        namesakes += usize::from(!names.insert(name.to_owned()));
        trace.rows.push(Row { name: name.to_owned(), cpu_milli: cpu, memory_mib: memory, gpus });
    }
    if namesakes > 0 {
        trace.notes.push(format!(
            "{file}: {namesakes} pod(s) have a name that an earlier one has: each is a pod, and the plan names them alike"
        ));
    }
    if sharing > 0 {
        trace.notes.push(format!("{file}: {sharing} pods ask for a part of a GPU: each is given whole ones"));
    }
    if choosy > 0 {
        trace
            .notes
            .push(format!("{file}: {choosy} pods name the GPUs they accept (gpu_spec): any GPU is taken for good"));
    }
    Ok(trace)
}

fn columns(header: &csv::StringRecord) -> Result<Columns, String> {
    let at = |name: &str| header.iter().position(|column| column == name);
    let needed = |name: &str| {
        at(name).ok_or_else(|| {
            format!(
                "there is no column {name}: a trace begins with a line that names its columns, at least name, \
                     cpu_milli, memory_mib and num_gpu"
            )
        })
    };
    Ok(Columns {
        name: needed("name")?,
        cpu: needed("cpu_milli")?,
        memory: needed("memory_mib")?,
        gpus: needed("num_gpu")?,
        gpu_milli: at("gpu_milli"),
        gpu_spec: at("gpu_spec"),
    })
}

fn pod(number: usize, name: &str, cpu_milli: u64, memory_mib: u64, gpus: u64) -> Pod {
    let mut requests = vec![("cpu", format!("{cpu_milli}m")), ("memory", format!("{memory_mib}Mi"))];
    if gpus > 0 {
        requests.push(("nvidia.com/gpu", gpus.to_string()));
    }
    let requests = requests.into_iter().map(|(k, v)| (k.to_owned(), Quantity(v))).collect();
    let resources = ResourceRequirements { requests: Some(requests), ..ResourceRequirements::default() };
    let container = Container { name: "main".to_owned(), resources: Some(resources), ..Container::default() };
    Pod {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("default".to_owned()),
            uid: Some(Row::uid(number)),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec { containers: vec![container], ..PodSpec::default() }),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const TRACE: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n\
                         a,12000,16384,1,1000,,LS\nb,500,1024,0,0,,BE\nc,4000,8192,1,460,V100M16|V100M32,LS\n";

    fn read_text(text: &str) -> Result<Trace, InputError> {
        read(&"t.csv".into(), text.as_bytes())
    }

    #[test]
    fn rows_become_pods_with_requests() {
        let trace = read_text(TRACE).expect("a trace");
        let pods: Vec<Pod> = trace.pods().collect();
        let requests: Vec<_> = pods
            .iter()
            .map(|p| {
                let container = &p.spec.as_ref().expect("a spec").containers[0];
                let requests = container.resources.as_ref().and_then(|r| r.requests.as_ref()).expect("requests");
                requests.iter().map(|(k, v)| format!("{k}={}", v.0)).collect::<Vec<_>>().join(" ")
            })
            .collect();
        let expected = [
            "cpu=12000m memory=16384Mi nvidia.com/gpu=1",
            "cpu=500m memory=1024Mi",
            "cpu=4000m memory=8192Mi nvidia.com/gpu=1",
        ];
        assert_eq!(requests, expected);
        assert_eq!(trace.notes.len(), 2, "one shares a GPU, one is choosy");
    }

    #[test]
    fn pods_of_the_same_name_are_pods_each_and_are_noted() {
        let trace = read_text("name,cpu_milli,memory_mib,num_gpu\na,1,1,0\nb,1,1,0\na,1,1,0\n").expect("a trace");
        assert_eq!(trace.rows.len(), 3);
        assert!(trace.notes[0].starts_with("t.csv: 1 pod(s) have a name"), "{:?}", trace.notes);
    }

    #[test]
    fn a_gzipped_file_reads_the_same() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t.csv.gz");
        let file = std::fs::File::create(&path).expect("a file");
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        packed.write_all(TRACE.as_bytes()).expect("written");
        packed.finish().expect("finished");
        assert_eq!(read_file(&path).expect("a trace").rows, read_text(TRACE).expect("a trace").rows);
    }

    #[test]
    fn a_gzipped_file_that_was_cut_short_says_so() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t.csv.gz");
        std::fs::write(&path, b"\x1f\x8b\x08\x00abc").expect("a file");
        let error = read_file(&path).expect_err("damaged").to_string();
        assert!(error.contains("the gzip file is damaged"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        let error = |text: &str| read_text(text).expect_err("not a trace").to_string();
        assert!(error("pod,cpu\n").starts_with("t.csv, line 1: there is no column name"));
        let row = "name,cpu_milli,memory_mib,num_gpu\na,1,1,0\nb,much,1,0\n";
        assert_eq!(error(row), "t.csv, line 3: cpu_milli: \"much\" is not a whole number of 0 or more");
        assert!(error("name,cpu_milli,memory_mib,num_gpu\na,1\n").starts_with("t.csv, line 2: this is not CSV"));
        assert!(error("name,cpu_milli,memory_mib,num_gpu\n,1,1,1\n").contains("line 2: name: is empty"));
    }
}
