//! One thread: its call tree as samples and as columns of the extension.
//!
//! ```text
//! nodes      f (2 lines, 1 call)         g called from line 12 of f (1 line, 1 call)
//! samples    f:10 calls │ f:11 │ f:12    g:20 calls ‹ f:12 │ g:21 ‹ f:12
//! node_rows  2 lines, 1 before them      1 line, 1 before it
//! ```
//!
//! The calls of a node stand on a sample at the first line of its function: on that of the line's own costs if it has any, else on
//! one of their own before the others.

use std::io::{self, Write};

use prost::Message;

use super::cost::{self, Column};
use super::error::Damage;
use super::extension::{PlaceFacts, ThreadFacts};
use super::message::{self, Label, Sample, field};
use super::sample_type::{CALLS, COLUMNS, PRIMITIVE_CALLS, Values};
use super::tables::{Strings, Tables};
use super::wire::Fields;
use crate::model::{Function, FunctionId, Nanos, Node, NodeLines, Place, Thread};

/// The innermost lines of a stack that a sample names. Deeper trees would make files that grow with the square of their depth;
/// the extension has the tree as it is.
const DEEPEST_STACK: usize = 256;
/// What a sample begins with: the number of its field, and that its length follows.
const SAMPLE_KEY: u8 = 2 << 3 | 2;
const _: () = assert!(SAMPLE_KEY as u64 >> 3 == field::SAMPLE);
/// A value that has no room in a sample.
const TOO_LARGE: u64 = 1 << 63;

/// Bits of `node_rows` below the number of lines.
const ROWS_SHIFT: u32 = 2;
/// A sample for the calls alone stands before those of the lines.
const CALLS_APART: u64 = 1;
/// The calls stand in `extra`: they have no room in a sample.
const CALLS_WHOLE: u64 = 2;

/// Writes samples, one after the other, in front of everything else in the file.
pub(super) struct SampleWriter<'a> {
    out: &'a mut dyn Write,
    sample: Sample,
    bytes: Vec<u8>,
}

impl<'a> SampleWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            sample: Sample::default(),
            bytes: Vec::new(),
        }
    }

    /// The labels of all samples from now on.
    pub(super) fn set_labels(&mut self, labels: Vec<Label>) {
        self.sample.label = labels;
    }

    /// Puts the location of the line before those of the callers, and writes the sample.
    fn write(&mut self, location: u64, callers: &[u64], values: &Values) -> io::Result<()> {
        let sample = &mut self.sample;
        sample.location.clear();
        sample.location.push(location);
        sample.location.extend_from_slice(callers);
        sample.value.clear();
        let signed = values
            .iter()
            .map(|&value| i64::try_from(value).unwrap_or(i64::MAX));
        sample.value.extend(signed);
        self.bytes.clear();
        self.bytes.push(SAMPLE_KEY);
        sample.encode_length_delimited(&mut self.bytes)?;
        self.out.write_all(&self.bytes)
    }
}

/// Writes the samples of a thread; the result is the rest of it.
pub(super) fn write(
    thread: &Thread,
    functions: &[Function],
    tables: &mut Tables,
    samples: &mut SampleWriter<'_>,
) -> io::Result<ThreadFacts> {
    let mut facts = ThreadFacts {
        tid: thread.tid,
        name: tables.string(&thread.name),
        uses: thread.uses,
        wall_ns: thread.wall.0,
        cpu_ns: thread.cpu.map(|time| time.0),
        running: thread.running.map(|place| PlaceFacts {
            function: place.function.0,
            line: place.line,
        }),
        running_since_ns: thread.running_since.map(|time| time.0),
        ..ThreadFacts::default()
    };
    facts.outside_flags = cost::pack(&thread.outside, true, &mut facts.extra);
    for (index, node) in (0..).zip(&thread.nodes) {
        if let Some((parent, line)) = node.parent {
            facts.node_parent.push(index - parent);
            facts.node_caller.push(line);
        } else {
            facts.node_parent.push(0);
        }
        facts.node_function.push(node.function.0);
        let first_line = at(functions, node.function.0).map_or(0, |function| function.line);
        let callers = callers(&thread.nodes, node, tables);
        write_node(node, first_line, &callers, &mut facts, tables, samples)?;
    }
    Ok(facts)
}

fn write_node(
    node: &Node,
    first_line: u32,
    callers: &[u64],
    facts: &mut ThreadFacts,
    tables: &mut Tables,
    samples: &mut SampleWriter<'_>,
) -> io::Result<()> {
    let calls = [node.calls, node.primitive_calls];
    let apart = calls != [0, 0] && node.lines.iter().all(|(line, _)| line != first_line);
    let whole = calls.iter().any(|&calls| calls >= TOO_LARGE);
    let rows = (node.lines.len() as u64) << ROWS_SHIFT;
    let apart_bit = if apart { CALLS_APART } else { 0 };
    let whole_bit = if whole { CALLS_WHOLE } else { 0 };
    facts.node_rows.push(rows | apart_bit | whole_bit);
    if whole {
        facts.extra.extend(calls);
    }
    let mut write = |line: u32, mut values: Values| {
        if line == first_line {
            values[CALLS] = node.calls;
            values[PRIMITIVE_CALLS] = node.primitive_calls;
        }
        samples.write(tables.location(node.function.0, line), callers, &values)
    };
    if apart {
        write(first_line, [0; COLUMNS])?;
    }
    for (line, cost) in &node.lines {
        facts
            .row_flags
            .push(cost::pack(&cost, false, &mut facts.extra));
        write(line, cost::values(&cost))?;
    }
    Ok(())
}

/// The calling line of a node, the calling line of that one's node, and so on.
fn callers(nodes: &[Node], node: &Node, tables: &mut Tables) -> Vec<u64> {
    let mut callers = Vec::new();
    let mut next = node.parent;
    while let Some((parent, line)) = next.filter(|_| callers.len() + 1 < DEEPEST_STACK) {
        let Some(parent) = at(nodes, parent) else {
            break;
        };
        callers.push(tables.location(parent.function.0, line));
        next = parent.parent;
    }
    callers
}

fn at<T>(all: &[T], index: u32) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| all.get(index))
}

/// Reads the samples of a file, one after the other.
pub(super) struct SampleReader<'a> {
    parts: Box<dyn Iterator<Item = Result<&'a [u8], Damage>> + 'a>,
    /// Function and line of each location; its id is the index and one more.
    locations: Vec<(u32, u32)>,
    sample: Sample,
}

impl<'a> SampleReader<'a> {
    /// `locations` as [`read_locations`] gives them.
    pub(super) fn new(message: &'a [u8], locations: Vec<(u32, u32)>) -> Self {
        Self {
            parts: Box::new(Fields::parts(message, field::SAMPLE)),
            locations,
            sample: Sample::default(),
        }
    }

    /// Line of the function `expected`, and values.
    fn next(&mut self, expected: u32) -> Result<(u32, Values), Damage> {
        let part = self.parts.next();
        let part = part.ok_or_else(|| Damage::new("samples", "more", "too few"))??;
        self.sample.clear();
        let merged = self.sample.merge(part);
        merged.map_err(|error| Damage::new("sample", "a message", error))?;
        let mut leaf = None;
        for &id in &self.sample.location {
            let index = id
                .checked_sub(1)
                .and_then(|index| usize::try_from(index).ok());
            let place = index.and_then(|index| self.locations.get(index));
            let known = self.locations.len();
            let place = place.ok_or_else(|| {
                Damage::new("location of a sample", format!("one of {known}"), id)
            })?;
            leaf = leaf.or(Some(*place));
        }
        match leaf {
            Some((function, line)) if function == expected => Ok((line, values(&self.sample)?)),
            Some((function, _)) => Err(Damage::new("function of a sample", expected, function)),
            None => Err(Damage::new("stack of a sample", "one line or more", "none")),
        }
    }

    /// To be called when everything is read.
    pub(super) fn finish(mut self) -> Result<(), Damage> {
        match self.parts.next() {
            None => Ok(()),
            Some(_) => Err(Damage::new("samples", "an end", "more")),
        }
    }
}

fn values(sample: &Sample) -> Result<Values, Damage> {
    let mut values = [0; COLUMNS];
    let count = sample.value.len();
    if count != COLUMNS {
        return Err(Damage::new("number of values of a sample", COLUMNS, count));
    }
    for (value, &signed) in values.iter_mut().zip(&sample.value) {
        *value = u64::try_from(signed)
            .map_err(|_| Damage::new("value of a sample", "0 or more", signed))?;
    }
    Ok(values)
}

/// Function and line of each location of a file that hprof wrote.
pub(super) fn read_locations(file: &[u8], functions: usize) -> Result<Vec<(u32, u32)>, Damage> {
    let mut locations = Vec::new();
    for part in Fields::parts(file, field::LOCATION) {
        let location = message::Location::decode(part?)
            .map_err(|error| Damage::new("location", "a message", error))?;
        let id = locations.len() as u64 + 1;
        if location.id != id {
            return Err(Damage::new("id of a location", id, location.id));
        }
        let [line] = location.line.as_slice() else {
            return Err(Damage::new("lines of a location", 1, location.line.len()));
        };
        let function = u32::try_from(line.function.wrapping_sub(1)).unwrap_or(u32::MAX);
        if u64::from(function) >= functions as u64 {
            let expected = format!("one of {functions}");
            return Err(Damage::new(
                "function of a location",
                expected,
                line.function,
            ));
        }
        let number = u32::try_from(line.line)
            .map_err(|_| Damage::new("line number", "one of 32 bits", line.line))?;
        locations.push((function, number));
    }
    Ok(locations)
}

/// A thread, of the samples that come next and its part of the extension.
pub(super) fn read(
    facts: &ThreadFacts,
    strings: &Strings<'_>,
    samples: &mut SampleReader<'_>,
) -> Result<Thread, Damage> {
    strings.spend_on::<Thread>(1)?;
    strings.spend_on::<Node>(facts.node_parent.len())?;
    let mut extra = Column::new("further numbers of a thread", &facts.extra);
    let outside = cost::unpack(&[0; COLUMNS], facts.outside_flags, &mut extra)?;
    let nodes = read_nodes(facts, strings, &mut extra, samples)?;
    extra.finish()?;
    Ok(Thread {
        tid: facts.tid,
        name: strings.copy(facts.name)?,
        uses: facts.uses,
        wall: Nanos(facts.wall_ns),
        cpu: facts.cpu_ns.map(Nanos),
        running: facts.running.map(|place| Place {
            function: FunctionId(place.function),
            line: place.line,
        }),
        running_since: facts.running_since_ns.map(Nanos),
        outside,
        nodes,
    })
}

fn read_nodes(
    facts: &ThreadFacts,
    strings: &Strings<'_>,
    extra: &mut Column<'_, u64>,
    samples: &mut SampleReader<'_>,
) -> Result<Vec<Node>, Damage> {
    let count = facts.node_parent.len();
    for column in [facts.node_function.len(), facts.node_rows.len()] {
        if column != count {
            return Err(Damage::new("length of a column of nodes", count, column));
        }
    }
    let mut callers = Column::new("calling lines", &facts.node_caller);
    let mut flags = Column::new("flags of lines", &facts.row_flags);
    let mut nodes = Vec::with_capacity(count);
    let functions = facts.node_function.iter().zip(&facts.node_rows);
    for ((index, distance), (function, rows)) in (0_u32..).zip(&facts.node_parent).zip(functions) {
        let parent = match index.checked_sub(*distance) {
            _ if *distance == 0 => None,
            Some(parent) => Some((parent, callers.next()?)),
            None => {
                let expected = format!("at most {index}");
                return Err(Damage::new("distance of a parent", expected, distance));
            }
        };
        let mut node = Node {
            parent,
            function: FunctionId(*function),
            calls: 0,
            primitive_calls: 0,
            lines: NodeLines::default(),
        };
        read_lines(&mut node, *rows, &mut flags, extra, samples)?;
        strings.spend(node.lines.bytes())?;
        nodes.push(node);
    }
    callers.finish()?;
    flags.finish()?;
    Ok(nodes)
}

fn read_lines(
    node: &mut Node,
    rows: u64,
    flags: &mut Column<'_, u32>,
    extra: &mut Column<'_, u64>,
    samples: &mut SampleReader<'_>,
) -> Result<(), Damage> {
    let whole = rows & CALLS_WHOLE != 0;
    if whole {
        node.calls = extra.next()?;
        node.primitive_calls = extra.next()?;
    }
    let mut add_calls = |values: &Values| {
        if !whole {
            node.calls = node.calls.saturating_add(values[CALLS]);
            node.primitive_calls = node.primitive_calls.saturating_add(values[PRIMITIVE_CALLS]);
        }
    };
    if rows & CALLS_APART != 0 {
        let (_, values) = samples.next(node.function.0)?;
        add_calls(&values);
    }
    let mut lines = NodeLines::default();
    for _ in 0..rows >> ROWS_SHIFT {
        let (line, values) = samples.next(node.function.0)?;
        add_calls(&values);
        lines.push(line, &cost::unpack(&values, flags.next()?, extra)?);
    }
    lines.shrink();
    node.lines = lines;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LineCost;

    fn function(name: &str, line: u32) -> Function {
        Function {
            module: String::new(),
            name: name.to_owned(),
            file: String::new(),
            package: String::new(),
            line,
            column: 1,
            end_line: line,
            source: Vec::new(),
            lines: Vec::new(),
            max_allocs: None,
        }
    }

    fn node(parent: Option<(u32, u32)>, function: u32, calls: u64, line: (u32, LineCost)) -> Node {
        Node {
            parent,
            function: FunctionId(function),
            calls,
            primitive_calls: calls,
            lines: [line].into_iter().collect(),
        }
    }

    /// The example of `docs/saved-profile.md`.
    #[test]
    #[expect(clippy::too_many_lines, reason = "one profile and its columns")]
    fn the_columns_are_those_of_the_description() {
        let cost = |exact, sampled| LineCost {
            hits: 3,
            exact: Nanos(exact),
            sampled: Nanos(sampled),
            samples: sampled / 40,
            variance: u128::from(sampled) * 64 / 200,
            ..LineCost::default()
        };
        let thread = Thread {
            tid: 1,
            name: "main".to_owned(),
            uses: 1,
            wall: Nanos(2_000),
            cpu: None,
            running: None,
            running_since: None,
            outside: LineCost::default(),
            nodes: vec![
                node(None, 0, 1, (12, cost(900, 0))),
                node(Some((0, 12)), 1, 3, (21, cost(500, 200))),
            ],
        };
        let functions = [function("f", 10), function("g", 20)];
        let (mut tables, mut file) = (Tables::new(), Vec::new());
        let mut samples = SampleWriter::new(&mut file);
        let facts = write(&thread, &functions, &mut tables, &mut samples).unwrap();
        assert_eq!(facts.node_parent, [0, 1]);
        assert_eq!(facts.node_caller, [12]);
        assert_eq!(facts.node_function, [0, 1]);
        assert_eq!(facts.node_rows, [5, 5]);
        assert_eq!(facts.row_flags, [0, 24]);
        assert_eq!(facts.outside_flags, 256);
        assert_eq!(facts.extra, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 5, 64]);
        let stacks: Vec<_> = Fields::parts(&file, field::SAMPLE)
            .map(|part| Sample::decode(part.unwrap()).unwrap())
            .map(|sample| {
                (
                    sample.location,
                    [sample.value[0], sample.value[1], sample.value[CALLS]],
                )
            })
            .collect();
        let (f_calls, f_12, g_calls, g_21) = (1, 2, 3, 4);
        assert_eq!(
            stacks,
            [
                (vec![f_calls], [0, 0, 1]),
                (vec![f_12], [3, 900, 0]),
                (vec![g_calls, f_12], [0, 0, 3]),
                (vec![g_21, f_12], [3, 700, 0]),
            ]
        );
        let (locations, _) = tables.finish();
        let lines: Vec<_> = locations
            .iter()
            .map(|location| location.line[0].line)
            .collect();
        assert_eq!(lines, [10, 12, 20, 21]);
        let strings = Strings::read(
            b"\x32\x00\x32\x04main",
            crate::pprof_file::tables::Budget::new(8, 8),
        )
        .unwrap();
        let places = vec![(0, 10), (0, 12), (1, 20), (1, 21)];
        let mut samples = SampleReader::new(&file, places);
        assert_eq!(read(&facts, &strings, &mut samples).unwrap(), thread);
        samples.finish().unwrap();
    }
}
