//! Files that another tool has written from saved profiles: what pprof has a place for, without the extension.
//!
//! Functions, lines, stacks and costs come from the samples, threads and processes from their labels. What is not there is left
//! blank, and [`Losses::stripped`] says so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message;

use super::check::MOST_FUNCTIONS;
use super::error::{Damage, shortened};
use super::message::{self, Sample, field};
use super::sample_type::{CALLS, COLUMNS, CPU, PRIMITIVE_CALLS, SAMPLE_TYPES, Values, label};
use super::tables::Strings;
use super::wire::Fields;
use crate::model::{
    ClockMode, ClockSource, Function, FunctionId, Line, LineCost, LineLive, Losses, Nanos, Node,
    OwnCost, Process, Profile, Run, Thread,
};
use crate::site::LineKind;

/// Nodes of all call trees together: a short file can describe very many.
const MOST_NODES: usize = 1 << 22;
/// Lines of all stacks together, likewise.
const MOST_STEPS: usize = 1 << 28;

/// Whether samples of these types are those of hprof: hits and time at least.
pub(super) fn is_ours(types: &[(&str, &str)]) -> bool {
    SAMPLE_TYPES[..=super::sample_type::TIME]
        .iter()
        .all(|ours| types.contains(ours))
}

/// Sample types for a message.
pub(super) fn list(types: &[(&str, &str)]) -> String {
    let named = types
        .iter()
        .take(COLUMNS)
        .map(|(kind, unit)| shortened(format!("{kind}/{unit}")));
    match types {
        [] => "nothing".to_owned(),
        _ => shortened(named.collect::<Vec<_>>().join(", ")),
    }
}

pub(super) fn read(
    file: &[u8],
    strings: &Strings<'_>,
    types: &[(&str, &str)],
) -> Result<Profile, Damage> {
    let (functions, ids) = functions(file, strings)?;
    let locations = locations(file, &ids)?;
    let columns = SAMPLE_TYPES.map(|ours| types.iter().position(|theirs| *theirs == ours));
    let mut forest = Forest::default();
    for part in Fields::parts(file, field::SAMPLE) {
        let sample = decode::<Sample>("sample", part?)?;
        if sample.value.len() != types.len() {
            let found = sample.value.len();
            return Err(Damage::new(
                "number of values of a sample",
                types.len(),
                found,
            ));
        }
        let stack = stack(&sample, &locations)?;
        let owner = owner(&sample, strings)?;
        let new = forest.add(owner, &stack, &values(&sample, &columns)?)?;
        // Half of it is for the maps that find them again.
        strings.spend_on::<Node>(new.saturating_mul(2))?;
    }
    Ok(forest.finish(functions))
}

fn decode<M: Message + Default>(part: &'static str, bytes: &[u8]) -> Result<M, Damage> {
    M::decode(bytes).map_err(|error| Damage::new(part, "a message", error))
}

/// The functions, and the index of each id.
fn functions(
    file: &[u8],
    strings: &Strings<'_>,
) -> Result<(Vec<Function>, HashMap<u64, u32>), Damage> {
    let mut functions = Vec::new();
    let mut ids = HashMap::new();
    for part in Fields::parts(file, field::FUNCTION) {
        let function: message::Function = decode("function", part?)?;
        let full_name = strings.get(function.name)?;
        let module = strings.get(function.system_name)?;
        let name = full_name
            .strip_prefix(module)
            .and_then(|rest| rest.strip_prefix("::"));
        strings.spend(full_name.len())?;
        strings.spend_on::<Function>(1)?;
        let line = u32::try_from(function.start_line)
            .map_err(|_| Damage::new("line number", "one of 32 bits", function.start_line))?;
        if functions.len() == MOST_FUNCTIONS {
            let expected = format!("at most {MOST_FUNCTIONS}");
            return Err(Damage::new("number of functions", expected, "more"));
        }
        ids.insert(
            function.id,
            u32::try_from(functions.len()).unwrap_or(u32::MAX),
        );
        functions.push(Function {
            module: name.map_or("", |_| module).to_owned(),
            name: name.unwrap_or(full_name).to_owned(),
            file: strings.copy(function.file)?,
            package: String::new(),
            line,
            column: 0,
            end_line: line,
            source: Vec::new(),
            lines: Vec::new(),
        });
    }
    Ok((functions, ids))
}

/// Function and line.
type Spot = (FunctionId, u32);

/// The lines of each location, the innermost first: there are several where another tool has put inlined functions together.
fn locations(
    file: &[u8],
    functions: &HashMap<u64, u32>,
) -> Result<HashMap<u64, Vec<Spot>>, Damage> {
    let mut locations = HashMap::new();
    for part in Fields::parts(file, field::LOCATION) {
        let location: message::Location = decode("location", part?)?;
        let spot = |line: &message::Line| {
            let function = functions.get(&line.function).ok_or_else(|| {
                Damage::new("function of a location", "one that is there", line.function)
            })?;
            let number = u32::try_from(line.line)
                .map_err(|_| Damage::new("line number", "one of 32 bits", line.line))?;
            Ok((FunctionId(*function), number))
        };
        let spots = location.line.iter().map(spot).collect::<Result<_, _>>()?;
        locations.insert(location.id, spots);
    }
    Ok(locations)
}

/// The lines of a sample, the outermost first.
fn stack(sample: &Sample, locations: &HashMap<u64, Vec<Spot>>) -> Result<Vec<Spot>, Damage> {
    let mut stack = Vec::new();
    for id in sample.location.iter().rev() {
        let spots = locations.get(id);
        let spots =
            spots.ok_or_else(|| Damage::new("location of a sample", "one that is there", id))?;
        stack.extend(spots.iter().rev());
        if stack.len() > MOST_NODES {
            return Err(Damage::new(
                "stack of a sample",
                format!("at most {MOST_NODES} lines"),
                "more",
            ));
        }
    }
    Ok(stack)
}

fn values(sample: &Sample, columns: &[Option<usize>; COLUMNS]) -> Result<Values, Damage> {
    let mut values = [0; COLUMNS];
    for (value, column) in values.iter_mut().zip(columns) {
        let signed = column.and_then(|column| sample.value.get(column)).copied();
        // The difference of two profiles has such values.
        *value = u64::try_from(signed.unwrap_or(0))
            .map_err(|_| Damage::new("value of a sample", "0 or more", signed.unwrap_or(0)))?;
    }
    Ok(values)
}

/// Rank, process and thread as the labels have them.
type Owner<'a> = (&'a str, &'a str, &'a str);

fn owner<'a>(sample: &Sample, strings: &Strings<'a>) -> Result<Owner<'a>, Damage> {
    let mut owner = ("", "", "");
    for found in &sample.label {
        let text = strings.get(found.text)?;
        match strings.get(found.key)? {
            label::RANK => owner.0 = text,
            label::PROCESS => owner.1 = text,
            label::THREAD => owner.2 = text,
            _ => {}
        }
    }
    Ok(owner)
}

/// The call trees while samples are added.
#[derive(Debug, Default)]
struct Forest<'a> {
    trees: BTreeMap<Owner<'a>, Tree>,
    nodes: usize,
    steps: usize,
    /// CPU time was measured if any line has some.
    cpu_known: bool,
}

#[derive(Debug, Default)]
struct Tree {
    nodes: Vec<(Node, BTreeMap<u32, LineCost>)>,
    places: HashMap<(Option<(u32, u32)>, FunctionId), u32>,
}

impl<'a> Forest<'a> {
    /// Adds a sample; how many nodes are new.
    fn add(&mut self, owner: Owner<'a>, stack: &[Spot], values: &Values) -> Result<usize, Damage> {
        let tree = self.trees.entry(owner).or_default();
        let before = tree.nodes.len();
        let mut caller = None;
        for (function, line) in stack {
            let place = tree.place(caller, *function);
            caller = Some((place, *line));
        }
        let new = tree.nodes.len() - before;
        self.nodes += new;
        self.steps += stack.len();
        if self.nodes > MOST_NODES || self.steps > MOST_STEPS {
            let expected = format!("at most {MOST_NODES} nodes and {MOST_STEPS} lines of stacks");
            return Err(Damage::new("call trees", expected, "more"));
        }
        self.cpu_known |= values[CPU] > 0;
        if let Some((place, line)) = caller {
            tree.add(place, line, values);
        }
        Ok(new)
    }

    fn finish(self, mut functions: Vec<Function>) -> Profile {
        let mut lines = vec![BTreeSet::new(); functions.len()];
        let mut processes: Vec<(Owner<'_>, Process)> = Vec::new();
        for (owner @ (rank, name, thread), tree) in self.trees {
            let thread = tree.finish(thread, self.cpu_known, &mut lines);
            match processes.last_mut() {
                Some(((last_rank, last, _), process)) if (*last_rank, *last) == (rank, name) => {
                    process.threads.push(thread);
                }
                _ => processes.push((owner, process(rank, name, thread))),
            }
        }
        for (function, lines) in functions.iter_mut().zip(lines) {
            function.end_line = lines.last().copied().unwrap_or(0).max(function.line);
            function.lines = lines.into_iter().map(statement).collect();
        }
        Profile {
            run: Run::default(),
            functions,
            not_measured: Vec::new(),
            processes: processes.into_iter().map(|(_, process)| process).collect(),
        }
    }
}

impl Tree {
    fn place(&mut self, parent: Option<(u32, u32)>, function: FunctionId) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry((parent, function)).or_insert(next);
        if place == next {
            let node = Node {
                parent,
                function,
                calls: 0,
                primitive_calls: 0,
                lines: Vec::new(),
            };
            self.nodes.push((node, BTreeMap::new()));
        }
        place
    }

    fn add(&mut self, place: u32, line: u32, values: &Values) {
        let place = usize::try_from(place).ok();
        let Some((node, lines)) = place.and_then(|place| self.nodes.get_mut(place)) else {
            return;
        };
        node.calls = node.calls.saturating_add(values[CALLS]);
        node.primitive_calls = node.primitive_calls.saturating_add(values[PRIMITIVE_CALLS]);
        let cost = line_cost(values);
        if cost != LineCost::default() {
            lines.entry(line).or_default().add(&cost);
        }
    }

    fn finish(self, label: &str, cpu_known: bool, seen: &mut [BTreeSet<u32>]) -> Thread {
        let (name, tid) = label.rsplit_once(':').unwrap_or((label, ""));
        let mut see = |function: FunctionId, line: u32| {
            let index = usize::try_from(function.0).unwrap_or(usize::MAX);
            if let Some(lines) = seen.get_mut(index) {
                lines.insert(line);
            }
        };
        let functions: Vec<FunctionId> = self.nodes.iter().map(|(node, _)| node.function).collect();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (mut node, lines) in self.nodes {
            let caller = node.parent.and_then(|(parent, line)| {
                let function = usize::try_from(parent)
                    .ok()
                    .and_then(|parent| functions.get(parent));
                Some((*function?, line))
            });
            if let Some((function, line)) = caller {
                see(function, line);
            }
            for (line, mut cost) in lines {
                see(node.function, line);
                if cpu_known {
                    cost.cpu.get_or_insert_default();
                }
                node.lines.push((line, cost));
            }
            nodes.push(node);
        }
        Thread {
            tid: tid.parse().unwrap_or(0),
            name: name.to_owned(),
            uses: 1,
            wall: Nanos::ZERO,
            cpu: None,
            running: None,
            running_since: None,
            outside: LineCost::default(),
            nodes,
        }
    }
}

fn line_cost(values: &Values) -> LineCost {
    let [
        hits,
        time,
        cpu,
        awaited,
        _,
        _,
        allocs,
        alloc_bytes,
        frees,
        free_bytes,
        live_bytes,
        peak_bytes,
        _,
        _,
    ] = *values;
    LineCost {
        hits,
        exact: Nanos(time),
        cpu: (cpu > 0).then_some(Nanos(cpu)),
        awaited: Nanos(awaited),
        allocs,
        alloc_bytes,
        frees,
        free_bytes,
        live: LineLive {
            live_bytes,
            peak_bytes,
            ..LineLive::default()
        },
        ..LineCost::default()
    }
}

fn statement(line: u32) -> Line {
    Line {
        line,
        kind: LineKind::Statement,
        group: line,
        label: String::new(),
    }
}

/// What the labels tell of a process.
fn process(rank: &str, name: &str, thread: Thread) -> Process {
    let mut parts = name.rsplitn(3, ':');
    let start = parts.next().and_then(|start| start.parse().ok());
    let pid = parts.next().and_then(|pid| pid.parse().ok());
    Process {
        host: parts.next().unwrap_or("").to_owned(),
        pid: pid.unwrap_or(0),
        parent_pid: 0,
        start_unix_ns: start.unwrap_or(0),
        exe: String::new(),
        rank: rank.strip_prefix('r').and_then(|rank| rank.parse().ok()),
        ranks: None,
        clock_source: ClockSource::Tsc,
        clock_mode: ClockMode::Auto,
        wall: Nanos::ZERO,
        cpu: None,
        process_started: None,
        finished: true,
        goes_on: false,
        debug_assertions: false,
        opt_level: '?',
        own_cost: OwnCost::default(),
        losses: Losses {
            stripped: true,
            ..Losses::default()
        },
        heap: None,
        rss: None,
        threads: vec![thread],
        thin: Vec::new(),
        native: None,
    }
}
