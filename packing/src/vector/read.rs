//! Vector packing in files: `.vbp`, with one kind of bin, and `.mvp`, with kinds that have costs and stocks and with items
//! that may come in several shapes. Both are VPSolver's formats (Brandao and Pedroso), whole numbers parted by white space:
//!
//! ```text
//! .vbp: d, W_1..W_d, m, then m times: w_1..w_d demand
//! .mvp: d, q, then q times: W_1..W_d cost stock (-1: any number)
//!       m, then m times: shapes demand, and for each shape: w_1..w_d
//! ```
//!
//! Also understood: what VPSolver itself writes around that (`$INSTANCE{ ... };` and options), `#` comments, and
//! `# optimum N` among them. Every fault is told with its line. What to do with a packing is not known here.

use super::words::Words;
use super::{BinKind, Item, VectorPacking};

/// Why a text is not a packing that can be solved here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Something else stands where a number should.
    #[error("line {line}: {found:?} stands where {what} should be, which is a whole number")]
    NotANumber {
        /// The line, counted from 1.
        line: usize,
        /// What the number would be.
        what: String,
        /// What stands there.
        found: String,
    },
    /// A number that cannot be meant.
    #[error("line {line}: {what} is {found}: it must be {range}")]
    OutOfRange {
        /// The line, counted from 1.
        line: usize,
        /// What the number is.
        what: String,
        /// The number, as it is written.
        found: String,
        /// What would be right.
        range: &'static str,
    },
    /// The text is over too early.
    #[error("line {line}: the file ends where {what} should be: is it complete, and do its counts say what is there?")]
    Ended {
        /// The last line.
        line: usize,
        /// What is missing.
        what: String,
    },
    /// The text goes on.
    #[error("line {line}: {found:?} comes after the last item: do the counts say what is there?")]
    Trailing {
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// An option that changes the problem.
    #[error(
        "line {line}: ${name} is {value:?}: only packings into whole bins without further rules can be solved here"
    )]
    Option {
        /// The line, counted from 1.
        line: usize,
        /// Its name.
        name: String,
        /// What it asks for.
        value: String,
    },
    /// An item that fits no bin.
    #[error("line {line}: item {item} fits no bin: without it, or with a larger bin, the file can be solved")]
    FitsNoBin {
        /// The line of its last number, counted from 1.
        line: usize,
        /// Which item, counted from 1.
        item: usize,
    },
    /// An item that can be packed in ways of which none is always best.
    #[error(
        "line {line}: item {item} has {shapes} shapes of which none is the smallest in all dimensions: a pod has one size, so \
         this file cannot be expressed"
    )]
    Shapes {
        /// The line of its last number, counted from 1.
        line: usize,
        /// Which item, counted from 1.
        item: usize,
        /// How many shapes are left to choose from.
        shapes: usize,
    },
    /// More items than there is memory for.
    #[error("line {line}: there are more than {} items: each is a pod, and that is too many", MOST_ITEMS)]
    TooMany {
        /// The line on which it becomes too many, counted from 1.
        line: usize,
    },
    /// Weights whose sum cannot be told.
    #[error(
        "line {line}: in dimension {dimension} all items together weigh more than 2^62: divide the numbers of that dimension \
         by a common factor"
    )]
    TooHeavy {
        /// The last line of the items, counted from 1.
        line: usize,
        /// Which dimension, counted from 1.
        dimension: usize,
    },
}

/// The most items that are taken on.
pub const MOST_ITEMS: usize = 5_000_000;
const MOST_WEIGHT: i128 = 1 << 62;
const COUNT: &str = "a number from 1 to 1000000";
const AMOUNT: &str = "a number from 0 to 2^62";

/// Reads the `.vbp` format.
///
/// # Errors
/// The first thing that is wrong.
pub fn vbp(text: &str) -> Result<VectorPacking, FormatError> {
    let mut reader = Reader::new(text);
    let wrapped = reader.opening();
    let dimensions = reader.count("the number of dimensions")?;
    let capacity = reader.amounts(dimensions, &|d| format!("the capacity of bins in dimension {d}"))?;
    let kinds = vec![BinKind { capacity, cost: 1, stock: None }];
    let items = reader.number("the number of items", AMOUNT, 0)?;
    let mut packing = VectorPacking { kinds, items: vec![], optimum: None };
    for item in 1..=items {
        let weights = reader.amounts(dimensions, &|d| format!("the weight of item {item} in dimension {d}"))?;
        let demand = reader.demand(item)?;
        reader.add(&mut packing, item, vec![weights], demand)?;
    }
    reader.finish(packing, wrapped)
}

/// Reads the `.mvp` format. An item in several shapes is taken if one of them makes the others needless: it fits a bin, and
/// is nowhere larger than any other that does.
///
/// # Errors
/// The first thing that is wrong.
pub fn mvp(text: &str) -> Result<VectorPacking, FormatError> {
    let mut reader = Reader::new(text);
    let wrapped = reader.opening();
    let dimensions = reader.count("the number of dimensions")?;
    let kinds = reader.count("the number of kinds of bins")?;
    let mut packing = VectorPacking::default();
    for kind in 1..=kinds {
        let capacity = reader.amounts(dimensions, &|d| format!("the capacity of bin {kind} in dimension {d}"))?;
        let cost = reader.number(&format!("the cost of bin {kind}"), AMOUNT, 0)?;
        let stock = reader.number(&format!("the stock of bin {kind}"), "-1 for any number, or 0 or more", -1)?;
        // More than anybody could use is any number.
        let stock = if stock < 0 { None } else { u32::try_from(stock).ok() };
        packing.kinds.push(BinKind { capacity, cost, stock });
    }
    let items = reader.number("the number of items", AMOUNT, 0)?;
    for item in 1..=items {
        let shapes = reader.number(&format!("the number of shapes of item {item}"), AMOUNT, 0)?;
        let demand = reader.demand(item)?;
        let mut read = vec![];
        for shape in 1..=shapes {
            let what = |d| format!("the weight of item {item}, shape {shape}, in dimension {d}");
            read.push(reader.amounts(dimensions, &what)?);
        }
        reader.add(&mut packing, item, read, demand)?;
    }
    reader.finish(packing, wrapped)
}

struct Reader<'t> {
    words: Words<'t>,
    count: usize,
    /// What all items so far weigh, by dimension.
    weight: Vec<i128>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { words: Words::of(text), count: 0, weight: vec![] }
    }

    /// Whether the packing stands inside of `$INSTANCE{ ... };`, whose opening is taken.
    fn opening(&mut self) -> bool {
        self.words.take_if("$INSTANCE") && self.words.take_if("{")
    }

    fn number(&mut self, what: &str, range: &'static str, least: i64) -> Result<i64, FormatError> {
        let Some((line, found)) = self.words.take() else {
            return Err(FormatError::Ended { line: self.words.line(), what: what.to_owned() });
        };
        let digits = found.strip_prefix(['-', '+']).unwrap_or(found);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(FormatError::NotANumber { line, what: what.to_owned(), found: found.to_owned() });
        }
        let number = found.parse::<i64>().ok().filter(|n| *n >= least && i128::from(*n) <= MOST_WEIGHT);
        number.ok_or_else(|| FormatError::OutOfRange { line, what: what.to_owned(), found: found.to_owned(), range })
    }

    fn count(&mut self, what: &str) -> Result<usize, FormatError> {
        let count = self.number(what, COUNT, 1)?;
        usize::try_from(count).ok().filter(|n| *n <= 1_000_000).ok_or_else(|| FormatError::OutOfRange {
            line: self.words.line(),
            what: what.to_owned(),
            found: count.to_string(),
            range: COUNT,
        })
    }

    fn amounts(&mut self, dimensions: usize, what: &dyn Fn(usize) -> String) -> Result<Vec<i64>, FormatError> {
        // The count may be a lie: nothing is set aside for it.
        let mut amounts = vec![];
        for d in 1..=dimensions {
            amounts.push(self.number(&what(d), AMOUNT, 0)?);
        }
        Ok(amounts)
    }

    fn demand(&mut self, item: i64) -> Result<usize, FormatError> {
        let demand = self.number(&format!("the demand for item {item}"), AMOUNT, 0)?;
        Ok(usize::try_from(demand).unwrap_or(usize::MAX))
    }

    /// Adds an item in the one shape that it will be packed in.
    fn add(
        &mut self,
        packing: &mut VectorPacking,
        item: i64,
        shapes: Vec<Vec<i64>>,
        demand: usize,
    ) -> Result<(), FormatError> {
        if demand == 0 {
            return Ok(());
        }
        let (line, item) = (self.words.line(), usize::try_from(item).unwrap_or(usize::MAX));
        self.count = self.count.saturating_add(demand);
        if self.count > MOST_ITEMS {
            return Err(FormatError::TooMany { line });
        }
        let mut left = best(shapes, &packing.kinds);
        let weights = match (left.pop(), left.len()) {
            (Some(only), 0) => only,
            (Some(_), others) => return Err(FormatError::Shapes { line, item, shapes: others + 1 }),
            (None, _) => return Err(FormatError::FitsNoBin { line, item }),
        };
        self.weight.resize(weights.len(), 0);
        for (d, (sum, weight)) in self.weight.iter_mut().zip(&weights).enumerate() {
            *sum += i128::from(*weight) * i128::try_from(demand).unwrap_or(i128::MAX >> 64);
            if *sum > MOST_WEIGHT {
                return Err(FormatError::TooHeavy { line, dimension: d + 1 });
            }
        }
        packing.items.push(Item { weights, demand });
        Ok(())
    }

    fn finish(mut self, mut packing: VectorPacking, wrapped: bool) -> Result<VectorPacking, FormatError> {
        if wrapped {
            if !self.words.take_if("}") {
                let what = "the } after the last item".to_owned();
                return Err(match self.words.take() {
                    Some((line, found)) => FormatError::Trailing { line, found: found.to_owned() },
                    None => FormatError::Ended { line: self.words.line(), what },
                });
            }
            self.words.take_if(";");
            self.options()?;
        }
        if let Some((line, found)) = self.words.take() {
            return Err(FormatError::Trailing { line, found: found.to_owned() });
        }
        packing.optimum = self.optimum()?;
        Ok(packing)
    }

    /// What VPSolver writes after a packing. Most of it concerns its own way of solving; what changes the problem is refused.
    fn options(&mut self) -> Result<(), FormatError> {
        while let Some((line, word)) = self.words.take() {
            let Some(name) = word.strip_prefix('$') else {
                return Err(FormatError::Trailing { line, found: word.to_owned() });
            };
            let mut value = String::new();
            self.words.take_if("{");
            while !self.words.take_if("}") {
                let Some((_, word)) = self.words.take() else {
                    return Err(FormatError::Ended { line: self.words.line(), what: format!("the }} of ${name}") });
                };
                value.push_str(word);
            }
            self.words.take_if(";");
            let harmless = match name {
                // Packing more than is asked for costs no less, so "at least" and "exactly" mean the same.
                "CTYPE" | "METHOD" => true,
                "VTYPE" => value == "I",
                "BINARY" | "RELAX" => value == "0",
                _ => false,
            };
            if !harmless {
                return Err(FormatError::Option { line, name: name.to_owned(), value });
            }
        }
        Ok(())
    }

    fn optimum(&self) -> Result<Option<i64>, FormatError> {
        let Some((line, found)) = self.words.optimum else { return Ok(None) };
        let what = "the optimum".to_owned();
        match found.parse::<i64>() {
            Ok(optimum) if optimum >= 0 => Ok(Some(optimum)),
            _ => Err(FormatError::NotANumber { line, what, found: found.to_owned() }),
        }
    }
}

/// The shapes that fit a bin and that no other makes needless by being nowhere larger.
fn best(shapes: Vec<Vec<i64>>, kinds: &[BinKind]) -> Vec<Vec<i64>> {
    let within = |inner: &[i64], outer: &[i64]| inner.iter().zip(outer).all(|(i, o)| i <= o);
    let mut best: Vec<Vec<i64>> = vec![];
    for shape in shapes {
        let fits = kinds.iter().any(|k| k.stock != Some(0) && within(&shape, &k.capacity));
        if fits && !best.iter().any(|b| within(b, &shape)) {
            best.retain(|b| !within(&shape, b));
            best.push(shape);
        }
    }
    best
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
