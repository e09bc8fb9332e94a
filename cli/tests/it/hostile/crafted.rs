//! Profiles that read well and are large in one way each: what takes the square of that in time or memory is found by them.

use std::mem::offset_of;

use hprof::model::{
    End, FunctionId, Heap, Line, LineCost, LineLive, LineRss, LiveCount, LiveHeap, Nanos, Native,
    NativeFrame, NativeStack, Node, NotMeasured, Place, ProcessRss, Profile, RssSource, ThinCalls,
};
use hprof::raw::layout::{Cell, NodeRecord, ThreadRecord};
use hprof::site::{LineKind, SiteKind, WhyNot};

use super::example::{cost, diffusion, function, node};
use super::raw_file::{RawFile, address, cell, outside};

/// A file of the package of the tests, which `annotate` and `suggest` read.
const OWN_FILE: &str = "src/main.rs";

/// A profile of so many of something.
pub(super) type Craft = fn(u32) -> Profile;

pub(super) const CRAFTED: [(&str, Craft); 38] = [
    ("chain", |size| chain(size, "f")),
    ("chain_of_long_names", |size| {
        chain(size / 50, &"long::".repeat(100))
    }),
    ("chain_that_was_killed", |size| killed(chain(size, "f"))),
    ("one_function_in_a_chain", one_function_in_a_chain),
    ("children", children),
    ("tree", tree),
    ("functions", |size| {
        functions(size, |_| "src/grid.rs".into())
    }),
    ("functions_of_one_name", functions_of_one_name),
    ("functions_of_a_file_that_is_there", |size| {
        functions(size, |_| OWN_FILE.into())
    }),
    ("functions_in_files_of_their_own", |size| {
        functions(size, |number| format!("src/f{number}.rs"))
    }),
    ("functions_around_each_other", functions_around_each_other),
    ("functions_nobody_entered", functions_nobody_entered),
    ("lines", |size| lines(size, |_| LineKind::Statement)),
    ("headers", |size| lines(size, |_| LineKind::GroupHeader)),
    ("bodies", |size| lines(size, |_| LineKind::GroupBody)),
    ("loops", |size| {
        lines(size, |number| match number % 2 {
            0 => LineKind::GroupHeader,
            _ => LineKind::GroupBody,
        })
    }),
    ("lines_that_are_gone", lines_that_are_gone),
    ("lines_that_are_alike", lines_that_are_alike),
    ("labels", labels),
    ("threads", |size| threads(size / 20, size / 5)),
    ("threads_that_were_killed", |size| {
        killed(threads(size / 20, size / 5))
    }),
    ("threads_without_costs", threads_without_costs),
    ("processes", processes),
    ("live_blocks", live_blocks),
    ("resident", resident),
    ("thin", thin),
    ("not_measured", not_measured),
    ("command", command),
    ("native_frames", |size| native_frames(size, |line| line + 1)),
    ("native_frames_without_lines", |size| {
        native_frames(size, |_| 0)
    }),
    (
        "native_frames_of_one_function",
        native_frames_of_one_function,
    ),
    ("native_functions", native_functions),
    ("native_stacks", native_stacks),
    ("native_stack", native_stack),
    ("native_sources", native_sources),
    ("native_path", native_path),
    ("wrong_numbers", |_| wrong_numbers()),
    ("largest_numbers", |_| largest_numbers()),
];

/// The example with other nodes in its first thread, and no second process.
fn with_nodes(nodes: Vec<Node>) -> Profile {
    let mut profile = diffusion();
    profile.processes.truncate(1);
    let process = &mut profile.processes[0];
    process.threads.truncate(1);
    process.threads[0].nodes = nodes;
    profile
}

fn killed(mut profile: Profile) -> Profile {
    profile.run.end = Some(End::Signal(11));
    for process in &mut profile.processes {
        process.finished = false;
        for thread in &mut process.threads {
            let place = thread.nodes.last().map(|node| Place {
                function: node.function,
                line: node.lines.iter().next().unwrap().0,
            });
            thread.running = place;
        }
    }
    profile
}

/// Two functions that call each other.
fn chain(size: u32, name: &str) -> Profile {
    let calls = (0..size).map(|number| {
        let function = number % 2;
        let line = 5 + 6 * function;
        let parent = number.checked_sub(1);
        let parent = parent.map(|parent| (parent, 5 + 6 * (parent % 2)));
        let lines = [(line, cost(1, 1000, 0))];
        node(parent, FunctionId(function), 1, &lines)
    });
    let mut profile = with_nodes(calls.collect());
    for (number, function) in profile.functions.iter_mut().enumerate() {
        function.name = format!("{name}{number}");
    }
    profile
}

fn one_function_in_a_chain(size: u32) -> Profile {
    let mut profile = chain(size, "f");
    for node in &mut profile.processes[0].threads[0].nodes {
        node.function = FunctionId(0);
    }
    killed(profile)
}

fn children(size: u32) -> Profile {
    let lines = [(5, cost(1, 1000, 0))];
    let child = |number: u32| {
        let parent = number.checked_sub(1).map(|_| (0, 5));
        node(parent, FunctionId(number % 3), 1, &lines)
    };
    with_nodes((0..size).map(child).collect())
}

/// Each calls ten.
fn tree(size: u32) -> Profile {
    let lines = [(5, cost(1, 1000, 0)), (11, cost(2, 0, 3000))];
    let call = |number: u32| {
        let parent = number.checked_sub(1).map(|above| (above / 10, 5));
        node(parent, FunctionId(number % 3), 1, &lines)
    };
    with_nodes((0..size).map(call).collect())
}

/// Each has a cost.
fn functions(size: u32, file: impl Fn(u32) -> String) -> Profile {
    let lines = |first: u32| [(first + 1, cost(2, 5000, 0))];
    let first = |number: u32| 4 * number + 1;
    let call = |number: u32| node(None, FunctionId(number), 1, &lines(first(number)));
    let mut profile = with_nodes((0..size).map(call).collect());
    profile.functions = (0..size)
        .map(|number| {
            let (name, first) = (format!("f{number}"), first(number));
            let mut function = function("m", &name, first, &[first + 1]);
            function.file = file(number);
            function.end_line = first + 2;
            function
        })
        .collect();
    profile
}

fn functions_of_one_name(size: u32) -> Profile {
    let mut profile = functions(size, |_| "src/grid.rs".into());
    for function in &mut profile.functions {
        function.name = "f".into();
    }
    profile
}

fn functions_around_each_other(size: u32) -> Profile {
    let mut profile = functions(size, |_| OWN_FILE.into());
    for (number, function) in (0..).zip(&mut profile.functions) {
        function.line = 1 + number / 2;
        function.end_line = 10 * size - number;
    }
    profile.processes[0].native = Some(native(size, |line| (OWN_FILE.into(), line + 1)));
    profile
}

fn functions_nobody_entered(size: u32) -> Profile {
    let mut profile = functions(size, |_| "src/grid.rs".into());
    for thread in &mut profile.processes[0].threads {
        thread.nodes.truncate(1);
    }
    profile
}

/// One function of so many lines.
fn lines(size: u32, kind: impl Fn(u32) -> LineKind) -> Profile {
    let costs = (1..=size).map(|line| (line, cost(u64::from(line), 70, 900)));
    let costs: Vec<(u32, LineCost)> = costs.collect();
    let mut profile = with_nodes(vec![node(None, FunctionId(0), 1, &costs)]);
    let function = &mut profile.functions[0];
    function.line = 1;
    function.end_line = size;
    function.source = (1..=size).map(|line| format!("let x{line} = 1;")).collect();
    function.lines = (1..=size)
        .map(|line| Line {
            line,
            kind: kind(line),
            group: line - line % 2,
            label: String::new(),
        })
        .collect();
    profile
}

fn lines_that_are_gone(size: u32) -> Profile {
    let mut profile = lines(size, |_| LineKind::Statement);
    profile.functions[0].file = OWN_FILE.into();
    profile
}

/// Functions that could be anywhere in a file that is there.
fn lines_that_are_alike(size: u32) -> Profile {
    let mut profile = functions(size / 10, |_| OWN_FILE.into());
    for function in &mut profile.functions {
        function.source = vec!["}".into(); 20];
        function.name = "main".into();
    }
    profile
}

fn labels(size: u32) -> Profile {
    let mut profile = lines(size / 50, |_| LineKind::Statement);
    for line in &mut profile.functions[0].lines {
        line.label = "\t".repeat(1000);
    }
    profile
}

fn threads(size: u32, of_functions: u32) -> Profile {
    let mut profile = functions(of_functions, |_| "src/grid.rs".into());
    let all = profile.processes[0].threads[0].nodes.clone();
    let first = &profile.processes[0].threads[0];
    let thread = |number: u32| {
        let mut thread = first.clone();
        thread.tid = number;
        thread.name = format!("worker {number}");
        thread.nodes = vec![all[number as usize % all.len()].clone()];
        thread
    };
    profile.processes[0].threads = (0..size).map(thread).collect();
    profile
}

fn threads_without_costs(size: u32) -> Profile {
    let mut profile = threads(size / 20, size / 5);
    for thread in &mut profile.processes[0].threads {
        thread.nodes.clear();
    }
    let calls = (0..size / 5).map(|number| ThinCalls {
        function: FunctionId(number),
        calls: 1,
    });
    profile.processes[0].thin = calls.collect();
    profile
}

fn processes(size: u32) -> Profile {
    let mut profile = functions(size / 20, |_| "src/grid.rs".into());
    let all = profile.processes[0].threads[0].nodes.clone();
    let first = profile.processes.remove(0);
    let process = |number: u32| {
        let mut process = first.clone();
        process.pid = number;
        process.rank = Some(number);
        process.finished = !number.is_multiple_of(3);
        process.threads[0].nodes = vec![all[number as usize % all.len()].clone()];
        process
    };
    profile.processes = (0..size / 20).map(process).collect();
    profile
}

fn live_blocks(size: u32) -> Profile {
    let mut profile = lines(size, |_| LineKind::Statement);
    let lines = &mut profile.processes[0].threads[0].nodes[0].lines;
    lines.change(|_, cost| {
        cost.live = LineLive {
            live_bytes: 1 << 20,
            peak_bytes: 2 << 20,
            live_variance: 3,
            peak_variance: u64::MAX,
        };
    });
    profile.processes[0].heap = Some(Heap {
        live_bytes: i64::MAX,
        peak_bytes: i64::MIN,
        bound_bytes: u64::MAX,
        lines: Some(LiveHeap {
            count: LiveCount::Sampled { gap: 1 << 20 },
            live_bytes: 1,
            peak_bytes: u64::MAX,
            elsewhere: LineLive::default(),
            lost_blocks: 1,
            lost_bytes: u64::MAX,
        }),
    });
    profile
}

fn resident(size: u32) -> Profile {
    let mut profile = lines(size, |_| LineKind::Statement);
    let lines = &mut profile.processes[0].threads[0].nodes[0].lines;
    lines.change(|_, cost| {
        let mut rss = LineRss::default();
        rss.change.grown_anonymous = 1 << 20;
        rss.change.shrunk_file = u64::MAX;
        rss.max_bytes = 1 << 30;
        cost.rss = Some(rss);
    });
    profile.processes[0].rss = Some(ProcessRss {
        source: Some(RssSource::Procfs),
        ..ProcessRss::default()
    });
    profile
}

fn thin(size: u32) -> Profile {
    let mut profile = functions(size, |_| OWN_FILE.into());
    profile.processes[0].threads[0].nodes.truncate(1);
    let calls = (0..size).map(|number| ThinCalls {
        function: FunctionId(number),
        calls: u64::from(number) + 1,
    });
    profile.processes[0].thin = calls.collect();
    profile
}

fn not_measured(size: u32) -> Profile {
    let mut profile = diffusion();
    let function = |line: u32| NotMeasured {
        file: OWN_FILE.into(),
        line,
        module: String::new(),
        name: format!("f{line}"),
        why: WhyNot::Constant,
    };
    profile.not_measured = (1..=size).map(function).collect();
    profile
}

fn command(size: u32) -> Profile {
    let mut profile = diffusion();
    profile.run.command = (0..size).map(|number| format!("--word={number}")).collect();
    profile
}

/// A stack for each of so many frames.
fn native(size: u32, place: impl Fn(u32) -> (String, u32)) -> Native {
    let frame = |number: u32| {
        let (file, line) = place(number);
        NativeFrame {
            function: format!("m::f{}", number / 10),
            file,
            line,
            inlined: false,
        }
    };
    let stack = |number: u32| NativeStack {
        thread: "main".into(),
        frames: vec![number],
        samples: 1 + u64::from(number),
    };
    Native {
        asked_hz: 100,
        cpu_ns: 1_000_000_000,
        signals: u64::from(size),
        frames: (0..size).map(frame).collect(),
        stacks: (0..size).map(stack).collect(),
    }
}

fn native_frames(size: u32, line: impl Fn(u32) -> u32) -> Profile {
    let mut profile = functions(size, |_| "src/grid.rs".into());
    let place = |number: u32| (format!("/home/me/{OWN_FILE}"), line(number));
    profile.processes[0].native = Some(native(size, place));
    profile
}

/// The picture has the whole name of the function for each of them.
fn native_frames_of_one_function(size: u32) -> Profile {
    let mut profile = diffusion();
    profile.functions[0].name = "long::".repeat(10_000);
    profile.functions[0].end_line = u32::MAX;
    let place = |number: u32| ("src/grid.rs".into(), number + 5);
    profile.processes[0].native = Some(native(size, place));
    profile
}

/// Frames of annotated functions.
fn native_functions(size: u32) -> Profile {
    let mut profile = functions(size, |_| "src/grid.rs".into());
    let place = |number: u32| ("/home/me/src/grid.rs".into(), 4 * number + 2);
    profile.processes[0].native = Some(native(size, place));
    profile
}

fn native_stacks(size: u32) -> Profile {
    let mut profile = diffusion();
    let mut native = native(100, |line| (OWN_FILE.into(), line));
    let stack = |number: u32| NativeStack {
        thread: format!("worker {}", number % 7),
        frames: (0..30)
            .map(|depth| (number >> (depth % 13)) % 100)
            .collect(),
        samples: 1,
    };
    native.stacks = (0..size / 4).map(stack).collect();
    profile.processes[0].native = Some(native);
    profile
}

fn native_stack(size: u32) -> Profile {
    let mut profile = diffusion();
    let mut native = native(2, |line| (OWN_FILE.into(), line));
    native.stacks.truncate(1);
    native.stacks[0].frames = (0..size).map(|depth| depth % 2).collect();
    profile.processes[0].native = Some(native);
    profile
}

/// `suggest` looks for each of the files.
fn native_sources(size: u32) -> Profile {
    let mut profile = diffusion();
    let place = |number: u32| (format!("src/f{number}.rs"), 1);
    profile.processes[0].native = Some(native(size / 4, place));
    profile
}

fn native_path(size: u32) -> Profile {
    let mut profile = diffusion();
    let place = |number: u32| {
        (
            format!("{}{OWN_FILE}", "a/".repeat(size as usize * 5)),
            number,
        )
    };
    profile.processes[0].native = Some(native(4, place));
    profile.functions[0].file = format!("{}{OWN_FILE}", "a/".repeat(size as usize));
    profile
}

/// Lines that end before they begin, in loops that are not there. Functions, callers and frames that are not there are refused by the reader.
fn wrong_numbers() -> Profile {
    let mut profile = diffusion();
    for function in &mut profile.functions {
        function.end_line = 0;
        for line in &mut function.lines {
            line.kind = LineKind::GroupBody;
            line.group = u32::MAX;
        }
    }
    for thread in &mut profile.processes[0].threads {
        for node in &mut thread.nodes {
            let first = node.lines.iter().next();
            node.lines = first
                .map(|(_, cost)| (u32::MAX, cost))
                .into_iter()
                .collect();
        }
    }
    let mut native = native(3, |_| (OWN_FILE.into(), u32::MAX));
    native.stacks[1].frames.clear();
    profile.processes[0].native = Some(native);
    killed(profile)
}

fn largest_numbers() -> Profile {
    let mut profile = resident(3);
    for process in &mut profile.processes {
        process.wall = Nanos(u64::MAX);
        process.cpu = Some(Nanos(u64::MAX));
        process.own_cost.in_program = Nanos(u64::MAX);
        process.own_cost.timed_markers = u64::MAX;
        process.own_cost.timed_marker_ps = u64::MAX;
        process.losses.lost_calls = u64::MAX;
        process.losses.damaged = u64::MAX;
        process.start_unix_ns = u64::MAX;
        process.native = Some(native(3, |line| (OWN_FILE.into(), line)));
        let mut copy = process.threads[0].clone();
        for thread in process.threads.iter_mut().chain([&mut copy]) {
            thread.uses = u64::MAX;
            thread.wall = Nanos(u64::MAX);
            for node in &mut thread.nodes {
                node.calls = u64::MAX;
                node.primitive_calls = u64::MAX;
                node.lines.change(|_, cost| {
                    cost.hits = u64::MAX;
                    cost.exact = Nanos(u64::MAX);
                    cost.sampled = Nanos(u64::MAX);
                    cost.variance = u128::MAX;
                    cost.allocs = u64::MAX;
                    cost.alloc_bytes = u64::MAX;
                    cost.awaited = Nanos(u64::MAX);
                });
            }
        }
        process.threads.push(copy);
        for stack in process
            .native
            .iter_mut()
            .flat_map(|native| &mut native.stacks)
        {
            stack.samples = u64::MAX;
        }
    }
    profile
}

/// A raw file of so many of something.
pub(super) type RawCraft = fn(u32) -> Vec<u8>;

pub(super) const CRAFTED_RAW: [(&str, RawCraft); 9] = [
    ("sites", raw_sites),
    ("chain", raw_chain),
    ("callers_in_a_circle", raw_callers_in_a_circle),
    ("threads", raw_threads),
    ("slots", raw_slots),
    ("pairs", raw_pairs),
    ("not_measured", raw_not_measured),
    ("thin", raw_thin),
    ("names", raw_names),
];

/// Two functions, and what is added to them.
fn raw(add: impl FnOnce(&mut RawFile)) -> Vec<u8> {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11, 12]);
    file.function(2, "g", 20, &[21]);
    add(&mut file);
    file.bytes
}

/// A node of the first thread, one of whose lines was hit.
fn raw_node(file: &mut RawFile, site: u32, caller: usize) -> usize {
    let node = file.node(0, site, 1, caller);
    file.add(node + offset_of!(NodeRecord, calls), 1);
    file.add(cell(node, 0) + offset_of!(Cell, hits), 1);
    node
}

fn raw_sites(size: u32) -> Vec<u8> {
    raw(|file| {
        file.thread(0, "");
        for id in 3..size {
            file.function(id, &format!("f{id}"), id, &[id + 1]);
            raw_node(file, id, 0);
        }
    })
}

/// As it was when its process was killed, in the innermost call.
fn raw_chain(size: u32) -> Vec<u8> {
    raw(|file| {
        let thread = file.thread(0, "");
        let mut caller = outside(thread);
        for number in 0..size {
            caller = cell(raw_node(file, 1 + number % 2, caller), 0);
        }
        file.u64(thread + offset_of!(ThreadRecord, cell), address(caller));
        file.killed(9);
    })
}

fn raw_callers_in_a_circle(size: u32) -> Vec<u8> {
    raw(|file| {
        let thread = file.thread(0, "");
        let first = raw_node(file, 1, outside(thread));
        let mut last = first;
        for number in 0..size.min(1000) {
            last = raw_node(file, 1 + number % 2, cell(last, 0));
        }
        let caller = first + offset_of!(NodeRecord, caller);
        file.u64(caller, address(cell(last, 0)));
    })
}

fn raw_threads(size: u32) -> Vec<u8> {
    raw(|file| {
        for index in 0..size / 20 {
            let thread = file.thread(index, "worker");
            let node = file.node(index, 1, 2, outside(thread));
            file.add(cell(node, 1) + offset_of!(Cell, hits), u64::MAX);
        }
    })
}

fn raw_slots(size: u32) -> Vec<u8> {
    raw(|file| {
        let lines: Vec<u32> = (1..size).rev().collect();
        file.function(3, "h", 1, &lines);
        let thread = file.thread(0, "");
        let node = file.node(0, 3, lines.len(), outside(thread));
        for slot in 0..lines.len() {
            file.add(cell(node, slot) + offset_of!(Cell, hits), 1);
        }
    })
}

fn raw_pairs(size: u32) -> Vec<u8> {
    raw(|file| {
        let thread = file.thread(0, "");
        let node = raw_node(file, 1, outside(thread));
        let gap = cell(node, 0) + offset_of!(Cell, gap_time);
        file.u64(gap, u64::MAX);
        let pair = (
            cell(node, 0),
            cell(node, 0),
            3,
            u64::MAX,
            u64::MAX,
            u64::MAX,
        );
        file.pairs(0, &vec![pair; size as usize]);
    })
}

fn raw_not_measured(size: u32) -> Vec<u8> {
    raw(|file| {
        for line in 0..size {
            file.not_measured(WhyNot::Naked, "f", line);
        }
    })
}

fn raw_thin(size: u32) -> Vec<u8> {
    raw(|file| {
        for id in 3..size / 4 {
            file.site(
                id,
                SiteKind::Function,
                "t",
                id,
                &[(id, LineKind::WholeBody, 0, "")],
            );
        }
        let cells: Vec<_> = (0..size).map(|id| (-i64::from(id), id)).collect();
        file.thin(&cells);
    })
}

fn raw_names(_: u32) -> Vec<u8> {
    let mut file = RawFile::new();
    file.function(1, "\u{1b}]0;x\u{7}\u{202e}f", 10, &[11]);
    let thread = file.thread(0, "\u{1b}[2J\u{200f}");
    raw_node(&mut file, 1, outside(thread));
    file.bytes
}

/// A text of native stacks, beside a raw file that is sound.
pub(super) type NativeCraft = fn(u32) -> String;

pub(super) const CRAFTED_NATIVE: [(&str, NativeCraft); 8] = [
    ("frames", |size| {
        native_text(&"frame\t0\t1\t/x/src/main.rs\tf\n".repeat(size as usize))
    }),
    ("stacks", |size| {
        let frame = "frame\t0\t1\t/x/src/main.rs\tf\n";
        native_text(&(frame.to_owned() + &"stack\t1\tmain\t0\n".repeat(size as usize)))
    }),
    ("stack", |size| {
        let frames = "\t0".repeat(size as usize * 10);
        native_text(&format!("frame\t0\t1\ta.rs\tf\nstack\t1\tmain{frames}\n"))
    }),
    ("line", |size| native_text(&"x".repeat(size as usize * 100))),
    ("tabs", |size| {
        native_text(&"\t".repeat(size as usize * 100))
    }),
    ("largest", |_| {
        let stack = "stack\t18446744073709551615\tmain\t0\n".repeat(3);
        native_text(&format!("frame\t0\t4294967295\ta.rs\tf\n{stack}"))
    }),
    ("names", |_| {
        native_text(
            "frame\t0\t1\t\u{1b}[2J\u{202e}.rs\t\u{9b}31m\\n\\r\\t\u{7}\nstack\t1\t\u{1b}]0;x\u{7}\t0\n",
        )
    }),
    ("frame_that_is_not_there", |_| {
        native_text("stack\t1\tmain\t4294967295\n")
    }),
];

fn native_text(lines: &str) -> String {
    format!("hprof-native\t1\nasked\t9\ncpu\t5\nsignals\t4\n{lines}end\n")
}

/// A raw file that is sound.
pub(super) fn sound_raw() -> Vec<u8> {
    raw_chain(3)
}
